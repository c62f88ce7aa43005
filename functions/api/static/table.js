// A tile with a table: a row a series with its newest value, as a number or with a bar; NaN is a value that is not known.
// Where the column `figure` is named, each figure has a column, in the order of the data sets, and each of what it is of a row.
import { el } from "./dom.js";
import { inOrder } from "./series.js";
import { text } from "./units.js";

const VALUE = "value";
const FIGURE = "figure";

function columnsOf(tile, rows) {
  const there = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].filter((name) => !tile.hidden.includes(name));
  const told = tile.columns.filter((name) => name !== VALUE && there.includes(name));
  return [...told, ...there.filter((name) => !told.includes(name)).sort(inOrder)];
}

// The order is that of the query where it sorts, and else that of the labels.
function rowsOf(tile, data) {
  const rows = tile.sets.flatMap((set, index) => (data.sets[index]?.now ?? []).map((one) => ({ ...one, set: index, unit: set.unit })));
  const columns = columnsOf(tile, rows);
  if (!tile.sets.some((set) => set.query.startsWith("sort"))) {
    const key = (row) => columns.map((name) => row.labels[name] ?? "").join("\u0000");
    rows.sort((one, other) => inOrder(key(one), key(other)));
  }
  return { columns, rows };
}

// What is drawn: the names of the labels and of the figures, and lines of labels with a row of `rowsOf` a figure.
function gridOf(tile, data) {
  const { columns, rows } = rowsOf(tile, data);
  if (!tile.columns.includes(FIGURE)) return { names: columns, figures: [VALUE], lines: rows.map((row) => ({ labels: row.labels, cells: [row] })) };
  const names = columns.filter((name) => name !== FIGURE);
  const figures = [...new Set([...rows].sort((one, other) => one.set - other.set).map((row) => row.labels[FIGURE]))];
  const lines = new Map();
  for (const row of rows) {
    const key = names.map((name) => row.labels[name] ?? "").join("\u0000");
    if (!lines.has(key)) lines.set(key, { labels: row.labels, cells: figures.map(() => null) });
    lines.get(key).cells[figures.indexOf(row.labels[FIGURE])] = row;
  }
  return { names, figures, lines: [...lines.values()] };
}

const shownOf = (row) => (row === null ? "–" : row.value === null ? "not known" : text(row.value, row.unit));

function cell(row, largest, bars) {
  const shown = shownOf(row);
  if (!bars || row === null || row.value === null) return el("td", { class: row?.value === null ? "number unknown" : "number" }, shown);
  const bar = el("i", { class: row.value < 0 ? "below" : "" });
  bar.style.width = `${100 * (largest ? Math.abs(row.value) / largest : 0)}%`;
  return el("td", { class: "number barred" }, el("span", { class: "share", "aria-hidden": "true" }, bar), el("span", {}, shown));
}

export function table(tile) {
  return {
    isEmpty: (data) => rowsOf(tile, data).rows.length === 0,
    show(body, data) {
      const { names, figures, lines } = gridOf(tile, data);
      const largest = Math.max(...lines.flatMap((line) => line.cells).map((row) => Math.abs(row?.value ?? 0)));
      const top = body.firstElementChild?.scrollTop ?? 0;
      const scroller = el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": tile.title },
        el("table", {},
          el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)), figures.map((name) => el("th", { scope: "col", class: "number" }, name)))),
          el("tbody", {}, lines.map(({ labels, cells }) => el("tr", {}, names.map((name) => el("td", {}, labels[name] ?? "–")), cells.map((row) => cell(row, largest, tile.bars)))))));
      body.replaceChildren(scroller);
      scroller.scrollTop = top;
    },
    table: (data) => {
      const { names, figures, lines } = gridOf(tile, data);
      return { columns: [...names, ...figures], rows: lines.map(({ labels, cells }) => [...names.map((name) => labels[name] ?? "–"), ...cells.map(shownOf)]) };
    },
  };
}
