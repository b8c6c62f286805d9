// An open menu closes when one presses Escape, or clicks or moves elsewhere.
const closeMenus = (kept) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(kept)) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});
