// Values in units (UCUM, as Cloud Monitoring has them) as people read them: `split` gives the number and its unit.
import { number, percent, plain, shortDollars } from "./format.js";

const few = (value) => (Math.abs(value) >= 1e6 && Math.abs(value) < 1e15 ? plain(value, { notation: "compact", maximumFractionDigits: 2 }) : number(value));

const TIMES = [[86400, "d", 2], [3600, "h", 2], [60, "min", 2], [1, "s", 1], [1e-3, "ms", 1], [1e-6, "µs", 1]];
const timeOf = (size) => TIMES.find(([seconds, , least]) => size >= seconds * least) ?? (size ? TIMES.at(-1) : TIMES[3]);
const SIZES = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const sizeOf = (size) => SIZES.find(([bytes]) => size >= bytes) ?? SIZES.at(-1);

// As many digits as tell the lines of an axis apart.
const DIGITS = 9;
const digitsOf = (step) => Math.min(DIGITS, [...Array(DIGITS).keys()].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? DIGITS);

// `size` is the largest value that is shown beside it, so that an axis keeps to one unit; `step` what is between its lines.
const scaled = (choose, factor) => (value, size, step) => {
  const [one, name] = choose(Math.abs(size) * factor);
  const amount = (value * factor) / one;
  const digits = step ? digitsOf((step * factor) / one) : Math.abs(amount) < 10 && !Number.isInteger(amount) ? 1 : 0;
  return [plain(amount, { maximumFractionDigits: digits }), ` ${name}`];
};
const share = (factor) => (value, _, step) => {
  const spelt = step ? plain(value * factor, { maximumFractionDigits: digitsOf(step * factor) }) : percent((value * factor) / 100).slice(0, -1);
  return [spelt, "%"];
};

const KINDS = {
  "10^2.%": share(100), "%": share(1), USD: (value, size) => [shortDollars(value, size), ""], By: scaled(sizeOf, 1),
  s: scaled(timeOf, 1), ms: scaled(timeOf, 1e-3), min: scaled(timeOf, 60), h: scaled(timeOf, 3600), d: scaled(timeOf, 86400),
};

// Other units stand behind the number as they are: `1` says nothing, `{requests}` names what is counted.
const other = (unit) => {
  const name = unit === "1" ? "" : unit.replace(/^1?\{(.*)\}$/, "$1").replace(/^1\//, "/");
  return (value) => [few(value), name && ` ${name}`];
};

export function split(value, unit, size = value, step = 0) {
  if (value === null || value === undefined) return ["–", ""];
  return (KINDS[unit] ?? other(unit))(value, size, step);
}
export const text = (value, unit, size, step) => split(value, unit, size, step).join("");

// Steps of an axis at which people expect lines; null where decimal ones will do.
const ROUND = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 8640000];
const SMALL = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const WHOLE = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();
export const steps = (unit, whole) => (unit === "s" ? [...SMALL, ...ROUND] : whole && unit !== "10^2.%" ? WHOLE : null);
