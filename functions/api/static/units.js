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

const SCALES = { By: [sizeOf, 1], s: [timeOf, 1], ms: [timeOf, 1e-3], min: [timeOf, 60], h: [timeOf, 3600], d: [timeOf, 86400] };
const KINDS = {
  "10^2.%": share(100), "%": share(1), USD: (value, size) => [shortDollars(value, size), ""],
  ...Object.fromEntries(Object.entries(SCALES).map(([unit, [choose, factor]]) => [unit, scaled(choose, factor)])),
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

// An axis of powers is in the unit of its middle. Its lines are powers of ten of that unit, far enough apart; between few of them also 2 and 5.
export const middle = (low, high) => Math.sqrt(low * high);
const MOST_POWERS = 6;
const FEW = 3;

export function powers(unit, low, high) {
  const [choose, factor] = SCALES[unit] ?? [() => [1], 1];
  const [one] = choose(middle(low, high) * factor);
  const size = one / factor;
  const [first, last] = [Math.ceil(Math.log10(low / size) - 1e-9), Math.floor(Math.log10(high / size) + 1e-9)];
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  if (all.length >= FEW) return all.filter((power) => power % Math.ceil((all.length - 1) / MOST_POWERS) === 0).map((power) => size * 10 ** power);
  const between = Array.from({ length: last - first + 2 }, (_, at) => first - 1 + at).flatMap((power) => [1, 2, 5].map((digit) => size * digit * 10 ** power));
  return between.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
}
