// A tile with a chart: the chart, its legend with the newest values or those at the crosshair, and a note beside the crosshair.
import { draw } from "./chart.js";
import { el } from "./dom.js";
import { instants, last, series } from "./series.js";
import { instant } from "./times.js";
import { text } from "./units.js";

const MOST_NOTED = 10;

function entry(one, colour, state, again) {
  const value = el("span", { class: "value" }, text(last(one.values), one.unit));
  const swatch = el("i", { class: one.plot === "line" ? "line" : "" });
  swatch.style.background = colour;
  const button = el("button", {
    type: "button", "data-key": `legend/${one.name}`, "aria-pressed": String(!state.hidden.has(one.name)), title: one.name,
    onclick: () => { state.hidden[state.hidden.has(one.name) ? "delete" : "add"](one.name); again(); },
  }, swatch, el("span", { class: "name" }, one.name), value);
  return { button, value };
}

// Beside the crosshair, of the chart under the pointer only: the instant, and what the series were, the largest first.
function note(chart, holder, all, colours, hidden, x, index) {
  holder.replaceChildren();
  holder.hidden = index === null || !chart.over.matches(":hover");
  if (holder.hidden) return;
  const seen = all.map((one, at) => ({ ...one, colour: colours[at], value: one.values[index] })).filter((one) => one.value !== null && !hidden.has(one.name));
  seen.sort((one, other) => other.value - one.value);
  const rows = seen.slice(0, MOST_NOTED).map((one) => {
    const swatch = el("i");
    swatch.style.background = one.colour;
    return el("li", {}, swatch, el("span", { class: "name" }, one.name), el("b", {}, text(one.value, one.unit)));
  });
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
  const state = { hidden: new Set(), data: null, body: null, made: null };

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
    const legend = el("ul", { class: "names" });
    state.body.replaceChildren(el("div", { class: "plot-box" }, plot, noted), legend);
    let entries = [];
    const moved = (chart, index) => {
      all.forEach((one, at) => { if (entries[at]) entries[at].value.textContent = text(index === null ? last(one.values) : one.values[index], one.unit); });
      if (state.made) note(chart, noted, all, state.made.colours, state.hidden, x, index);
    };
    const show = () => draw(plot, { tile, all, x, span: state.data, hidden: state.hidden, moved });
    // The legend takes its room first: what is left is the chart's.
    const placeholder = all.map((one) => entry(one, "", state, redraw));
    legend.append(...placeholder.map((one) => el("li", {}, one.button)));
    legend.classList.toggle("long", legend.scrollHeight > legend.clientHeight + 4);
    state.made = show();
    entries = placeholder;
    entries.forEach(({ button }, at) => {
      button.querySelector("i").style.background = state.made.colours[at];
      const light = (on) => state.made?.chart.setSeries(on ? state.made.place(at) : null, { focus: on });
      button.addEventListener("pointerenter", () => light(true));
      button.addEventListener("pointerleave", () => light(false));
    });
    if (focused) [...legend.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus({ preventScroll: true });
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
