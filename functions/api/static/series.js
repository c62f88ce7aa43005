// The data of a chart, as it is drawn: named, in a fixed order, stacked where the dashboard says so.
import { LOCALE } from "./zone.js";

export const named = (template, labels) =>
  (template ? template.replace(/\$\{([^}]+)\}/g, (_, name) => labels[name] ?? "") : Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(", "))
    .trim().replace(/^[,:]\s*|\s*[,:]$/g, "") || "all";

// Words that have an order of their own; all others are in that of the alphabet.
export const SEVERITIES = ["critical", "error", "warning", "info"];
const RANKED = [...SEVERITIES, "low", "middle", "high"];
const collator = new Intl.Collator(LOCALE, { numeric: true });
const ranked = (name) => RANKED.indexOf(name);
export const inOrder = (one, other) =>
  (ranked(one) >= 0 && ranked(other) >= 0 ? ranked(one) - ranked(other) : collator.compare(one, other));

// A zero without labels stands for nothing yet: beside what there is by now it says nothing.
function counted(all) {
  const isNothing = (one) => !Object.keys(one.labels).length && one.values.every((value) => !value);
  return all.length > 1 ? all.filter((one) => !isNothing(one)) : all;
}

// The model of all series, where it is one: it stands above, and says nothing beside the rest of a name.
function sameOf(data) {
  const models = new Set(data.sets.flatMap((set) => set.series.map((one) => one.labels.model)));
  return models.size === 1 && !models.has(undefined);
}

function brief(template, labels, same) {
  if (!same) return named(template, labels);
  const { model, ...others } = labels;
  const name = named(template, others);
  return name === "all" ? named(template, labels) : name;
}

// One entry a series: `{ name, unit, axis, plot, values }`, sets in their order and series by name.
export function series(tile, data) {
  const same = sameOf(data);
  return tile.sets.flatMap((set, index) =>
    counted(data.sets[index]?.series ?? [])
      .map((one) => ({ name: brief(set.legend, one.labels, same), unit: set.unit, axis: set.axis, plot: set.plot, values: one.values }))
      .filter((one) => one.values.some((value) => value !== null))
      .sort((one, other) => inOrder(one.name, other.name)));
}

export function instants({ start, end, step }) {
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}

export const last = (values) => values.findLast((value) => value !== null) ?? null;

// Each upon those before it of the same plot and axis; where none of them has a value there is a gap.
export function stacked(all, hidden) {
  const sums = new Map();
  return all.map((one) => {
    if (one.plot === "line" || hidden.has(one.name)) return one.values;
    const key = `${one.plot} ${one.axis}`;
    const below = sums.get(key) ?? one.values.map(() => null);
    const sum = one.values.map((value, index) => (value === null ? below[index] : (below[index] ?? 0) + value));
    sums.set(key, sum);
    return sum;
  });
}
