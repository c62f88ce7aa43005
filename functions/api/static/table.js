// A tile with a table: a row a series with its newest value, as a number or with a bar; NaN is a value that is not known.
import { el } from "./dom.js";
import { inOrder } from "./series.js";
import { text } from "./units.js";

const VALUE = "value";
const shownOf = (row) => (row.value === null ? "not known" : text(row.value, row.unit));

function columnsOf(tile, rows) {
  const there = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].filter((name) => !tile.hidden.includes(name));
  const told = tile.columns.filter((name) => name !== VALUE && there.includes(name));
  return [...told, ...there.filter((name) => !told.includes(name)).sort(inOrder)];
}

// The order is that of the query where it sorts, and else that of the labels.
function rowsOf(tile, data) {
  const rows = tile.sets.flatMap((set, index) => (data.sets[index]?.now ?? []).map((one) => ({ ...one, unit: set.unit })));
  const columns = columnsOf(tile, rows);
  if (!tile.sets.some((set) => set.query.startsWith("sort"))) {
    const key = (row) => columns.map((name) => row.labels[name] ?? "").join("\u0000");
    rows.sort((one, other) => inOrder(key(one), key(other)));
  }
  return { columns, rows };
}

function cell(row, largest, bars) {
  const shown = shownOf(row);
  if (!bars || row.value === null) return el("td", { class: "number" }, shown);
  const bar = el("i", { class: row.value < 0 ? "below" : "" });
  bar.style.width = `${100 * (largest ? Math.abs(row.value) / largest : 0)}%`;
  return el("td", { class: "number barred" }, el("span", { class: "share", "aria-hidden": "true" }, bar), el("span", {}, shown));
}

export function table(tile) {
  return {
    isEmpty: (data) => rowsOf(tile, data).rows.length === 0,
    show(body, data) {
      const { columns, rows } = rowsOf(tile, data);
      const largest = Math.max(...rows.map((row) => Math.abs(row.value)));
      const top = body.firstElementChild?.scrollTop ?? 0;
      const scroller = el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": tile.title },
        el("table", {},
          el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)), el("th", { scope: "col", class: "number" }, VALUE))),
          el("tbody", {}, rows.map((row) => el("tr", {}, columns.map((name) => el("td", {}, row.labels[name] ?? "–")), cell(row, largest, tile.bars))))));
      body.replaceChildren(scroller);
      scroller.scrollTop = top;
    },
    table: (data) => {
      const { columns, rows } = rowsOf(tile, data);
      return { columns: [...columns, VALUE], rows: rows.map((row) => [...columns.map((name) => row.labels[name] ?? "–"), shownOf(row)]) };
    },
  };
}
