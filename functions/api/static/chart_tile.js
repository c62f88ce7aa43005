// A tile with a chart: the chart, its legend with the newest values or those at the crosshair, and a note beside the crosshair.
import { draw } from "./chart.js";
import { el, svg } from "./dom.js";
import { colours, painted } from "./palette.js";
import { instants, last, series } from "./series.js";
import { instant } from "./times.js";
import { text } from "./units.js";

const MOST_NOTED = 10;
const MOST_IN_ORDER = 8;

// As the series is drawn: a line with its dashes, or a field.
function swatch(one, { colour, dash, density, area }) {
  if (one.plot === "line") {
    const line = { x1: 0, y1: 2, x2: 26, y2: 2, stroke: colour, "stroke-width": 2.4, "stroke-dasharray": dash.join(" ") || null };
    return svg("svg", { class: "swatch", viewBox: "0 0 26 4", "aria-hidden": "true" }, svg("line", line));
  }
  const field = el("i");
  field.style.background = colour + (one.plot === "area" ? area : density);
  if (one.plot === "area") field.style.border = `1.5px ${dash.length ? "dashed" : "solid"} ${colour}`;
  return field;
}

function entry(one, look, state, again) {
  const value = el("span", { class: "value" }, text(last(one.values), one.unit));
  const button = el("button", {
    type: "button", "data-key": `legend/${one.name}`, "aria-pressed": String(!state.hidden.has(one.name)), title: one.name,
    onclick: () => { state.hidden[state.hidden.has(one.name) ? "delete" : "add"](one.name); again(); },
  }, swatch(one, look), el("span", { class: "name" }, one.name), value);
  return { button, value };
}

// The ends of an interval are dashed in the colour of the value.
function banded(all, look) {
  const [first] = painted([all[0].name], look);
  return all.map((_, at) => (at ? { ...first, dash: [2, 3] } : first));
}

// Of many lines those stand first that are highest now; stacks and few lines keep their order.
function ranked(all) {
  const places = all.map((_, at) => at);
  if (all.length <= MOST_IN_ORDER || all.some((one) => one.plot !== "line")) return places;
  return places.sort((one, other) => (last(all[other].values) ?? -Infinity) - (last(all[one].values) ?? -Infinity) || one - other);
}

// A legend that has no room for all of its entries shows them all on demand, over the chart.
function unfolding(legend, count, state) {
  const box = el("div", { class: "legend-box" }, legend);
  const button = el("button", { type: "button", class: "every", "data-key": "legend", onclick: () => turn(!state.open) });
  function turn(open) {
    box.style.height = open ? `${box.offsetHeight}px` : "";
    state.open = open;
    box.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "fewer" : `all ${count}`;
  }
  return { box, fold() {
    if (legend.scrollHeight <= legend.clientHeight + 4) return;
    box.append(button);
    turn(state.open);
  } };
}

// Beside the crosshair, of the chart under the pointer only: the instant, and what the series were, the largest first.
function note(chart, holder, all, paint, hidden, x, index) {
  holder.replaceChildren();
  holder.hidden = index === null || !chart.over.matches(":hover");
  if (holder.hidden) return;
  const seen = all.map((one, at) => ({ ...one, look: paint[at], value: one.values[index] })).filter((one) => one.value !== null && !hidden.has(one.name));
  seen.sort((one, other) => other.value - one.value);
  const rows = seen.slice(0, MOST_NOTED).map((one) =>
    el("li", {}, swatch(one, one.look), el("span", { class: "name" }, one.name), el("b", {}, text(one.value, one.unit))));
  const more = seen.length > MOST_NOTED && el("li", { class: "soft" }, `and ${seen.length - MOST_NOTED} more`);
  holder.append(el("p", {}, instant(x[index])), seen.length ? el("ul", {}, rows, more) : el("p", { class: "soft" }, "no value"));
  const right = chart.cursor.left > chart.over.clientWidth / 2;
  const left = chart.over.offsetLeft + chart.cursor.left;
  holder.style.left = right ? "" : `${left + 14}px`;
  holder.style.right = right ? `${holder.parentElement.clientWidth - left + 14}px` : "";
}

const PLOTS = { line: "line chart", area: "stacked areas", bar: "stacked columns" };

function spoken(tile, all, span) {
  const kind = [...new Set(all.map((one) => PLOTS[one.plot]))].join(" and ");
  const newest = all.slice(0, MOST_NOTED).map((one) => `${one.name} ${text(last(one.values), one.unit)}`).join(", ");
  return `${tile.title}: ${kind}, ${all.length} series, from ${instant(span.start)} to ${instant(span.end)}. Newest: ${newest}`;
}

// `show(body, data)` draws; `redraw()` does so again in other colours or another size.
export function chartTile(tile) {
  const state = { hidden: new Set(), open: false, data: null, body: null, made: null };

  function clear() {
    state.made?.chart.destroy();
    state.made = null;
  }

  function redraw() {
    if (!state.body) return;
    const all = series(tile, state.data);
    const x = instants(state.data);
    const focused = document.activeElement?.dataset?.key;
    clear();
    const plot = el("div", { class: "plot-area", role: "img", "aria-label": spoken(tile, all, state.data) });
    const noted = el("div", { class: "note-at", "aria-hidden": "true", hidden: true });
    const look = colours();
    const paint = tile.band ? banded(all, look) : painted(all.map((one) => one.name), look);
    const legend = el("ul", { class: "names" });
    const { box, fold } = unfolding(legend, all.length, state);
    state.body.replaceChildren(el("div", { class: "plot-box" }, plot, noted), box);
    // The legend takes its room first: what is left is the chart's.
    const entries = all.map((one, at) => entry(one, paint[at], state, redraw));
    legend.append(...ranked(all).map((at) => el("li", {}, entries[at].button)));
    fold();
    const moved = (chart, index) => {
      all.forEach((one, at) => { entries[at].value.textContent = text(index === null ? last(one.values) : one.values[index], one.unit); });
      if (state.made) note(chart, noted, all, paint, state.hidden, x, index);
    };
    state.made = draw(plot, { tile, all, paint, look, x, span: state.data, hidden: state.hidden, moved });
    entries.forEach(({ button }, at) => {
      const light = (on) => state.made?.chart.setSeries(on ? state.made.place(at) : null, { focus: on });
      button.addEventListener("pointerenter", () => light(true));
      button.addEventListener("pointerleave", () => light(false));
    });
    if (focused) [...box.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus({ preventScroll: true });
  }

  const resized = () => {
    const plot = state.body?.querySelector(".plot-area");
    if (plot && state.made) state.made.chart.setSize({ width: plot.clientWidth, height: plot.clientHeight });
  };
  return {
    isEmpty: (data) => series(tile, data).length === 0,
    show(body, data) {
      state.data = data;
      if (state.body !== body) new ResizeObserver(resized).observe(body);
      state.body = body;
      redraw();
    },
    redraw,
    clear,
    table: (data) => ({
      columns: ["Time", ...series(tile, data).map((one) => one.name)],
      rows: instants(data).map((second, index) => [instant(second), ...series(tile, data).map((one) => text(one.values[index], one.unit))]).reverse(),
    }),
  };
}
