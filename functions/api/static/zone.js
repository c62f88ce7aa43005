// The time zone of everything that a page shows: that of the browser, or UTC where somebody chose it. It is named on every page.
import { at } from "./dom.js";

const KEY = "aia.zone";
const local = Intl.DateTimeFormat().resolvedOptions().timeZone;

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is switched off: it is the browser's
  }
}

export const zone = kept() === "UTC" ? "UTC" : local;
const isUtc = zone === "UTC";
export const LOCALE = "en-US"; // of numbers and times, as of the words around them
export const format = (options, locale = LOCALE) => new Intl.DateTimeFormat(locale, { hourCycle: "h23", ...options, timeZone: zone });
const minute = format({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }, "sv-SE"); // whose dates are those of ISO 8601
export const minuteOf = (instant) => minute.format(new Date(instant));
const clock = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const clockOf = (instant = new Date()) => clock.format(instant);
export const asOf = () => `as of ${clockOf()}`;

// The hours, days and months of an instant as its zone has them, for the axes of charts.
export const inZone = (seconds) => (isUtc ? uPlot.tzDate(new Date(seconds * 1000), "UTC") : new Date(seconds * 1000));

// An instant as a field for dates and times has it, and back.
export const fieldOf = (seconds) => minuteOf(1000 * seconds).replace(" ", "T");
export const secondsOf = (field) => Date.parse(isUtc ? `${field}Z` : field) / 1000;

// What is drawn has the old zone in many places: it is drawn anew.
function turn() {
  try {
    if (isUtc) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "UTC");
  } catch {
    return;
  }
  location.reload();
}

function button() {
  const one = document.createElement("button");
  Object.assign(one, { type: "button", id: "zone", className: "do plain small", textContent: isUtc ? "UTC" : local.split("/").at(-1).replaceAll("_", " ") });
  one.setAttribute("aria-label", `Times are in ${zone}${local === "UTC" ? "" : `; show them in ${isUtc ? local : "UTC"}`}`);
  one.title = one.getAttribute("aria-label");
  if (local === "UTC") one.disabled = true; // there is nothing to switch
  else one.addEventListener("click", turn);
  return one;
}

at("theme")?.before(button());
