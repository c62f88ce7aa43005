// Numbers and instants as people read them, in the browser's own language and time zone.
const instant = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

export const when = (iso) => (iso ? instant.format(new Date(iso)) : "never");
export const dayOf = (iso) => day.format(new Date(iso));
export const number = (value, digits = 3) =>
  value === null || value === undefined ? "–" : Number(value).toLocaleString(undefined, { maximumSignificantDigits: digits });
export const percent = (value) =>
  value === null || value === undefined ? "–" : value.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });
export const seconds = (value) => (value === null || value === undefined ? "–" : value < 1 ? `${Math.round(value * 1000)} ms` : `${number(value)} s`);
export const words = (name) => name.replaceAll("_", " ");
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function span(from, to = new Date()) {
  const minutes = Math.max(0, Math.round((new Date(to) - new Date(from)) / 60000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return plural(minutes, "minute");
  if (minutes < 2880) return plural(Math.round(minutes / 60), "hour");
  return plural(Math.round(minutes / 1440), "day");
}
