// What a tile is made of, for who cannot see it or wants to know more: its data as a table, and its queries.
import { at, el } from "./dom.js";

const MOST_ROWS = 500;

function table(title, { columns, rows }) {
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${title}: data` }, el("table", {},
    el("caption", { class: "hidden" }, title),
    el("thead", {}, el("tr", {}, columns.map((name, index) => el("th", { scope: "col", class: index ? "number" : "" }, name)))),
    el("tbody", {}, rows.slice(0, MOST_ROWS).map(([first, ...others]) => el("tr", {}, el("th", { scope: "row" }, first), others.map((one) => el("td", { class: "number" }, one)))))));
}

export function details(tile, title, data) {
  at("details-title").textContent = title;
  at("details-body").replaceChildren(
    data ? table(title, data) : el("p", { class: "soft" }, "There is no data."),
    el("h3", {}, "Queries"),
    ...tile.sets.map((set) => el("pre", { tabindex: 0, "aria-label": "PromQL" }, el("code", {}, set.query))));
  at("details").showModal();
}

at("details-close").addEventListener("click", () => at("details").close());
at("details").addEventListener("click", (event) => { if (event.target === at("details")) at("details").close(); });
