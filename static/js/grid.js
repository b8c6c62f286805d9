// Arrow keys go from cell to cell of a grid of links, Home and End to the ends of its
// row; the rest is for the links themselves.
const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1000], End: [0, 1000] };

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest("[data-grid] a")?.closest("td, th");
  const step = steps[event.key];
  if (!cell || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...cell.closest("tbody").rows];
  const clamp = (at, length) => Math.min(Math.max(at, 0), length - 1);
  const row = rows[clamp(rows.indexOf(cell.parentElement) + step[0], rows.length)];
  const next = row.cells[clamp(cell.cellIndex + step[1], row.cells.length)].querySelector("a");
  event.preventDefault();
  next.focus();
});
