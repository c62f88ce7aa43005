// Numbers and instants as people read them, in the browser's own language, and in the zone that all of a page is in.
import { el } from "./dom.js";
import { format } from "./zone.js";

const instant = format({ dateStyle: "medium", timeStyle: "short" });
const time = format({ timeStyle: "short" });
const date = format({ dateStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });

export const when = (iso) => (iso ? instant.format(new Date(iso)) : "never");
export const clock = (iso) => (date.format(new Date(iso)) === date.format(new Date()) ? time : instant).format(new Date(iso));
// A day of a table begins at midnight of UTC, wherever the reader is.
export const dayOf = (iso) => day.format(new Date(iso));
const ENDLESS = 1e15; // from here on nobody counts the zeros
export const number = (value, digits = 3) =>
  value === null || value === undefined ? "–" : Number(value).toLocaleString(undefined, { maximumSignificantDigits: digits, ...(Math.abs(value) >= ENDLESS && { notation: "scientific" }) });
export const percent = (value) =>
  value === null || value === undefined ? "–" : value.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });
export const seconds = (value) => (value === null || value === undefined ? "–" : value > 0 && value < 0.0005 ? "under 1 ms" : value < 1 ? `${Math.round(value * 1000)} ms` : `${number(value)} s`);
// What rounds to zero has no sign.
export const unsigned = (text) => text.replace(/^[-\u2212](?=[^1-9]*$)/, "");
export const dollars = (value) => unsigned(money.format(value));
export const words = (name) => String(name).replaceAll("_", " ").trim();
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

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
