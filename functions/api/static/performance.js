import { el } from "./dom.js";
import { number, percent, seconds, words } from "./format.js";
import { text } from "./units.js";

const UNITS = { ratio: percent, seconds, dollars: (value) => text(value, "USD") };
const spelt = (one) => UNITS[one.unit] ?? number;
const known = (value) => value !== null && value !== undefined;

function interval(value, low, high, spell) {
  return known(value) && known(low) ? `${spell(value)} (${spell(low)} to ${spell(high)})` : spell(value);
}

// On a phone it is wider than the screen.
const sideways = (name, table) => el("div", { class: "sideways", tabindex: 0, role: "group", "aria-label": name }, table);

function row(one, estimated) {
  const spell = spelt(one);
  return el("tr", {},
    el("th", { scope: "row" }, one.title),
    el("td", { class: one.beyond ? "critical" : "" }, interval(one.value, one.low, one.high, spell)),
    el("td", {}, spell(one.reference)),
    estimated && el("td", {}, interval(one.expected, one.expected_low, one.expected_high, spell)),
    el("td", {}, known(one.limit) ? `${one.better === "higher" ? "at least" : "at most"} ${spell(one.limit)}` : "–"));
}

function gap(one) {
  const spell = spelt(one);
  const limit = known(one.limit) ? `, at most ${spell(one.limit)} is allowed` : "";
  const rows = one.groups.map((group) => el("tr", {},
    el("th", { scope: "row" }, group.name),
    el("td", {}, interval(group.value, group.low, group.high, spell)),
    el("td", {}, number(group.n_rows, 6))));
  return el("div", {},
    el("p", { class: known(one.limit) && one.value > one.limit ? "critical" : "soft" },
      `${one.title} by ${words(one.segment)}: ${interval(one.value, one.low, one.high, spell)} between ${one.best} and ${one.worst}${limit}`),
    sideways(`${one.title} by ${words(one.segment)}`, el("table", {},
      el("thead", {}, el("tr", {}, ["Group", one.title, "Labels"].map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, rows))));
}

// The largest gap of each measure between two groups, and every group.
export function gaps(data) {
  if (!data.gaps?.length) return null;
  return el("details", { class: "performance gaps", "data-key": `${data.name}/gaps` },
    el("summary", {}, "Performance by group"), data.gaps.map(gap));
}

// Every measure of the newest window: by labels, in the reference, as estimated without labels, and what the settings demand.
export function performance(data) {
  if (!data.performance?.length) return null;
  const estimated = data.task !== "generative";
  const titles = ["Measure", "Now", "Reference", estimated && "Estimated without labels", "Limit"].filter(Boolean);
  return el("details", { class: "performance", "data-key": `${data.name}/performance` },
    el("summary", {}, `Performance by ${number(data.performance[0].n_labels, 6)} ${data.task === "generative" ? "requests" : "labels"}`),
    sideways("Measures of performance", el("table", {},
      el("thead", {}, el("tr", {}, titles.map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, data.performance.map((one) => row(one, estimated))))));
}

// The measure that a card names: the accuracy, or the first one of another task.
export function headline(data) {
  const first = data.performance?.find((one) => known(one.value));
  if (!first) return ["Performance", "no labels yet", ""];
  return [first.title, spelt(first)(first.value) + (known(first.limit) ? ` (limit ${spelt(first)(first.limit)})` : ""), first.beyond ? "critical" : ""];
}
