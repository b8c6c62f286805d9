// Times are relative, with the exact one in the reader's own zone on hover; a time to come may stand on the reader's clock. They are
// brought up to date every half minute, and in whatever htmx puts into the page.
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const long = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const narrow = new Intl.RelativeTimeFormat("en", { style: "narrow" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

const show = (time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  time.title = exact.format(at);
  const seconds = (at - Date.now()) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  const words = time.dataset.relative === "narrow" ? narrow : long;
  time.textContent = words.format(Math.trunc(seconds / size), unit);
};
const clock = new Intl.DateTimeFormat(undefined, { weekday: "long", hour: "numeric", minute: "2-digit", timeZoneName: "short" });
const showClock = (time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  time.title = exact.format(at);
  time.textContent = clock.format(at);
};
const showAll = () => {
  document.querySelectorAll("time[data-relative]").forEach(show);
  document.querySelectorAll("time[data-clock]").forEach(showClock);
};

showAll();
setInterval(showAll, 30_000);
document.addEventListener("htmx:after:swap", showAll);
document.addEventListener("htmx:after:settle", showAll);
