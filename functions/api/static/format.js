// Numbers, instants and days as people read them, by the rules of core/text.py, and in the zone that all of a page is in.
import { el } from "./dom.js";
import { LOCALE, minuteOf } from "./zone.js";

const short = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" });

export const when = (iso) => (iso ? minuteOf(iso) : "never");
const dateAndTime = (iso) => minuteOf(iso).split(" ");
export const clock = (iso, now = new Date()) => (dateAndTime(iso)[0] === dateAndTime(now)[0] ? dateAndTime(iso)[1] : minuteOf(iso));
// The day is written once where it is the same.
export const interval = (from, to) => `${minuteOf(from)} to ${clock(to, from)}`;
// A day of a table begins at midnight of UTC, wherever the reader is.
export const dayOf = (iso) => new Date(iso).toISOString().slice(0, 10);
export const days = (first, last) => `${dayOf(first)} to ${dayOf(last)}`;
// On an axis, where there is little room and the days around it are seen.
export const shortDay = (iso) => short.format(new Date(iso));

const WHOLE = 1000; // from here on the digits behind the point say nothing
const ENDLESS = 1e15; // from here on nobody counts the zeros
const TINY = 1e-4;
const SHORT = 1e5; // dollars that are shortened where there is little room
const MOST = 8;
const isKnown = (value) => value !== null && value !== undefined;
// What rounds to zero has no sign.
export const unsigned = (text) => text.replace(/^[-\u2212](?=[^1-9]*$)/, "");
export const plain = (value, options) => unsigned(value.toLocaleString(LOCALE, options));

export function number(value, digits = 3) {
  if (!isKnown(value)) return "–";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "∞" : "-∞";
  if (size >= ENDLESS || (size > 0 && size < TINY)) return Number(value).toExponential(2).replace(/\.?0*e\+?/, "e");
  return plain(Number(value), size >= WHOLE ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: digits });
}

// Of what is not 0 or 100 it never says so.
export function percent(ratio) {
  if (!isKnown(ratio)) return "–";
  const value = 100 * ratio;
  const size = Math.abs(value);
  let digits = (size >= 1 && size <= 99) || size >= 100 ? 1 : 2; // of what is nearly all, two count
  const spelt = () => plain(value, { maximumFractionDigits: digits });
  while (digits < MOST && ["0", "100", "-100"].includes(spelt()) && size !== 100 && size !== 0) digits += 1;
  return `${spelt()}%`;
}

// Whole dollars from 100 on, cents below.
export function dollars(value) {
  const size = Math.abs(value);
  const digits = size >= 99.995 || Number.isInteger(value) ? { maximumFractionDigits: 0 } : size < 0.01 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return plain(value, { style: "currency", currency: "USD", ...digits });
}

// The same for an axis or a tile; `size` is the largest amount beside it.
export function shortDollars(value, size = value) {
  if (Math.abs(size) < SHORT) return dollars(value);
  return plain(value, { style: "currency", currency: "USD", notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: Math.abs(value) < 1e6 ? 1 : 2 });
}

const LENGTHS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
function length(seconds) {
  const first = LENGTHS.findIndex(([size]) => seconds >= size);
  const [[size, name], next] = [LENGTHS[first], LENGTHS[first + 1]];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return `${plain(Math.floor(seconds / size))} ${name}${rest ? ` ${rest} ${next[1]}` : ""}`;
}

export function seconds(value) {
  if (!isKnown(value)) return "–";
  if (value > 0 && value < 0.0005) return "under 1 ms";
  if (value > 0 && value < 0.9995) return `${Math.round(value * 1000)} ms`;
  return value >= 120 && value < 1e9 ? length(value) : `${number(value)} s`;
}
export const words = (name) => String(name).replaceAll("_", " ").trim();
export const plural = (count, one, many = `${one}s`) => `${plain(count)} ${count === 1 ? one : many}`;

export function measured(value, unit) {
  if (unit === "ratio") return percent(value);
  if (unit === "seconds") return seconds(value);
  if (unit === "dollars") return dollars(value);
  return unit ? `${number(value)} ${words(unit)}` : number(value);
}

export function span(from, to = new Date()) {
  const minutes = Math.max(0, Math.round((new Date(to) - new Date(from)) / 60000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return plural(minutes, "minute");
  if (minutes < 180) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : plural(minutes / 60, "hour");
  if (minutes < 2880) return plural(Math.round(minutes / 60), "hour");
  return plural(Math.round(minutes / 1440), "day");
}

// Times that go on while nothing is drawn: `tick` brings them up to date.
export const since = (iso) => el("time", { datetime: iso, title: when(iso), "data-since": iso }, span(iso));
export const left = (iso) => el("time", { datetime: iso, title: when(iso), "data-until": iso }, span(new Date(), iso));
export const lost = (perHour, from, to, counted = 0) =>
  el("span", { "data-rate": perHour, "data-from": from, "data-to": to, "data-counted": counted }, loss(perHour, from, to, counted));
const loss = (perHour, from, to, counted) =>
  dollars(Number(counted) + perHour * Math.max(0, (to ? new Date(to) : new Date()) - new Date(from)) / 3600000);

export function tick() {
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = span(node.dataset.since);
  for (const node of document.querySelectorAll("[data-until]")) node.textContent = span(new Date(), node.dataset.until);
  for (const node of document.querySelectorAll("[data-rate]")) {
    const { rate, from, to, counted } = node.dataset;
    node.textContent = loss(rate, from, to, counted);
  }
}
