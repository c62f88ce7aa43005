// What bounds the newest successful run of a pipeline, and what a change of a stage would have saved: with its evidence, or not known.
import { el } from "./dom.js";
import { dollars } from "./format.js";
import { took } from "./gantt.js";

const CHANGES = { cache: "Reuse its cached result", parallel: "Start it in parallel", smaller_machine: "Use a smaller machine" };
const isPossible = (saving) => saving.verdict === "possible";
const money = (saved) => (saved === null ? "not known" : dollars(saved));
const cost = (saved) => (saved === null ? "dollars not known" : money(saved));

function best(savings) {
  const possible = savings.find(isPossible);
  if (possible) return `${CHANGES[possible.change]}: saves ${took(possible.seconds)}, ${cost(possible.dollars)}.`;
  const unknown = savings.filter((saving) => saving.verdict === "not_known");
  return unknown.length ? `Saving not known: ${[...new Set(unknown.map((saving) => saving.evidence))].join("; ")}.` : "No saving was found.";
}

const row = (saving) => el("tr", {},
  el("th", { scope: "row" }, saving.stage),
  el("td", {}, CHANGES[saving.change]),
  el("td", { class: "number" }, saving.seconds === null ? "not known" : took(saving.seconds)),
  el("td", { class: "number" }, money(saving.dollars)),
  el("td", {}, saving.evidence));

export function bottleneck(name, found) {
  if (!found?.bound_by) return null;
  const own = found.savings.filter((saving) => saving.stage === found.bound_by);
  return el("div", { class: "bottleneck" },
    el("p", {}, "Bottleneck: ", el("b", {}, found.bound_by), ". ", best(own)),
    el("details", { "data-key": `savings-${name}` },
      el("summary", {}, "Savings and their evidence"),
      el("div", { class: "savings performance", tabindex: 0, role: "group", "aria-label": `Savings of ${name}` }, el("table", {},
        el("thead", {}, el("tr", {}, ["Stage", "Change", "Saves", "Dollars", "Rests on"].map((title) => el("th", { scope: "col" }, title)))),
        el("tbody", {}, found.savings.map(row)))),
      el("p", { class: "soft" }, `Of run ${found.run_id}, each change alone, at list prices. Critical path: ${found.critical_path.join(" → ")}.`)));
}
