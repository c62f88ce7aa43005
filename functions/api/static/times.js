// Ranges of time and the axis of time, in the zone that all of a page is in.
import { interval, when } from "./format.js";
import { format, inZone } from "./zone.js";

const HOUR = 3600;
const DAY = 24 * HOUR;
export const RANGES = { "1h": [HOUR, "1 hour"], "6h": [6 * HOUR, "6 hours"], "1d": [DAY, "1 day"], "7d": [7 * DAY, "7 days"], "30d": [30 * DAY, "30 days"], "1y": [365 * DAY, "1 year"] };
export const REFRESHES = { off: [0, "off"], "10s": [10, "10 s"], "1m": [60, "1 min"], "5m": [300, "5 min"] };

const of = (options) => {
  const told = format(options);
  return (seconds) => told.format(new Date(seconds * 1000));
};
export const clock = of({ hour: "2-digit", minute: "2-digit" });
const day = of({ day: "numeric", month: "short" });
const month = of({ month: "short" });
const year = of({ year: "numeric" });
export const instant = (second) => when(1000 * second);

// What stands at the lines of the axis: the clock within a day, then days, then months.
export function ticks(_, splits, _axis, _space, apart) {
  return splits.map((second) => {
    const at = inZone(second);
    const midnight = at.getHours() === 0 && at.getMinutes() === 0;
    if (apart < DAY) return midnight ? day(second) : clock(second);
    if (apart < 28 * DAY) return day(second);
    return at.getMonth() === 0 ? year(second) : month(second);
  });
}

// Round steps, few enough for what is drawn: what the server would choose as well.
const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY];
export const stepOf = (seconds, points) => STEPS.find((step) => seconds <= step * points) ?? STEPS.at(-1);

// How long a column is, of each range: round, wide enough to see, and several times as long as what is counted comes apart.
const COLUMNS = { "1h": 300, "6h": 1800, "1d": 2 * HOUR, "7d": 6 * HOUR, "30d": DAY, "1y": 14 * DAY };
// Of a range of one's own it is that of the next longer one.
export const columnOf = (range, seconds) => COLUMNS[range] ?? COLUMNS[Object.keys(RANGES).find((name) => seconds <= RANGES[name][0]) ?? "1y"];

// A range of one's own: `from` and `to` in an address, to the minute.
const SHORTEST = 300;
const LONGEST = 399 * DAY;
const minute = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(text ?? "") ? Date.parse(text) / 1000 : NaN);
export const written = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;

export const titleOf = ({ from, to }) => interval(1000 * from, 1000 * to);

// In seconds; null where there is none, or none that can be shown.
export function own(query) {
  const [from, to] = [minute(query.get("from")), minute(query.get("to"))];
  return to - from >= SHORTEST && to - from <= LONGEST ? { from, to } : null;
}

// Whole minutes around what was drawn, and at least as long as can be shown.
export function around(from, to) {
  const [first, last] = [Math.floor(from / 60) * 60, Math.ceil(to / 60) * 60];
  const missing = Math.max(0, SHORTEST - (last - first));
  const start = first - Math.floor(missing / 120) * 60;
  return { from: start, to: Math.max(last, start + SHORTEST) };
}
