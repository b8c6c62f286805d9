// Ctrl-K or Cmd-K opens the command palette; its list is narrowed as one types. Enter
// goes to the first place that is left, and else looks for people of that name.
const palette = document.querySelector("[data-palette]");
if (palette) {
  const field = palette.querySelector("input");
  const entries = [...palette.querySelectorAll("[data-entry]")];
  const people = palette.querySelector("[data-people]");
  const show = () => {
    const text = field.value.trim();
    for (const entry of entries) entry.hidden = !entry.textContent.toLowerCase().includes(text.toLowerCase());
    people.hidden = text === "";
    people.href = `/people?q=${encodeURIComponent(text)}`;
    people.textContent = `Search people for “${text}”`;
  };
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (palette.open) return palette.close();
    palette.showModal();
    field.value = "";
    show();
    field.focus();
  });
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    [...entries, people].find((entry) => !entry.hidden)?.click();
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close();
  });
}
