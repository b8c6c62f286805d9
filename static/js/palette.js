// Ctrl-K or Cmd-K opens the command palette; its list is narrowed as one types.
const palette = document.querySelector("[data-palette]");
if (palette) {
  const field = palette.querySelector("input");
  const entries = [...palette.querySelectorAll("[data-entry]")];
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else palette.showModal();
    field.value = "";
    field.dispatchEvent(new Event("input"));
    field.focus();
  });
  field.addEventListener("input", () => {
    const text = field.value.trim().toLowerCase();
    for (const entry of entries) entry.hidden = text !== "" && !entry.textContent.toLowerCase().includes(text);
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close();
  });
}
