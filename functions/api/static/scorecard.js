// A tile with one number: the newest value, whether it is beyond a threshold (in a word, beside the colour), and how it came.
import { el, svg } from "./dom.js";
import { clock } from "./times.js";
import { split, text } from "./units.js";

const VERDICT = "verdict"; // the label of the threshold from which on that of a detector is bad, with or without an alert
const RANK = { critical: 4, error: 3, warning: 2, info: 1 };
const beyond = (one, value) => (one.below ? value <= one.value : value >= one.value);

// The gravest goes before the others.
const crossed = (thresholds, value) =>
  thresholds.filter((one) => value !== null && beyond(one, value)).sort((one, other) => (RANK[other.level] ?? 0) - (RANK[one.level] ?? 0))[0] ?? null;

// What a system that has just started says of the age of things is no verdict yet.
const isEarly = (data, tile, value) => Boolean(data.judged_from) && crossed(tile.thresholds, value) !== null;

function early(data) {
  return el("p", { class: "judged", title: "The first evaluation is not due yet" },
    el("span", { class: "pill" }, "not known yet"), el("span", { class: "soft" }, `starting, evaluated from ${clock(Date.parse(data.judged_from) / 1000)}`));
}

// What is missing in a value is told by the label of its series: it may be worse than it says, and is not well by that.
const missing = (one) => Number(one.labels.not_known ?? 0);

function judged(tile, value, unknown) {
  if (!tile.thresholds.length || value === null) return null;
  const one = crossed(tile.thresholds, value);
  if (unknown && !one) return el("p", { class: "judged" }, el("span", { class: "pill warning" }, "not known"), el("span", { class: "soft" }, `${unknown} more not known`));
  const limit = one ?? tile.thresholds[0];
  const side = one ? `at or ${limit.below ? "below" : "above"}` : limit.below ? "above" : "below";
  const said = one?.label === VERDICT ? "bad verdict" : `${side} ${text(limit.value, tile.sets[0].unit)}`;
  return el("p", { class: "judged", title: limit.label && `${said} (${limit.label})` },
    el("span", { class: `pill ${one ? one.level || "warning" : "good"}` }, one ? one.level || "warning" : "OK"),
    el("span", { class: "soft" }, said));
}

function spark(values, tone) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return el("div", { class: "trend" });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value) => (high === low ? 0.5 : 0.94 - 0.88 * ((value - low) / (high - low)));
  const runs = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index && values[index - 1] !== null) runs.at(-1).push([index, y(value)]);
    else runs.push([[index, y(value)]]);
  });
  const line = (run) => `M${run.map((point) => point.map((one) => one.toFixed(4)).join(" ")).join("L")}`;
  return svg("svg", { class: `trend ${tone}`, viewBox: `0 0 ${values.length - 1} 1`, preserveAspectRatio: "none", "aria-hidden": "true" },
    runs.map((run) => [
      svg("path", { class: "under", d: `${line(run)}L${run.at(-1)[0]} 1L${run[0][0]} 1Z` }),
      svg("path", { class: "over", d: run.length > 1 ? line(run) : `${line(run)}h.01` }),
    ]));
}

function gauge({ low, high }, value, unit, tone) {
  const fill = el("i", { class: tone });
  fill.style.width = `${100 * Math.min(1, Math.max(0, (value - low) / (high - low)))}%`;
  return el("div", { class: "gauge", role: "meter", "aria-label": "within its bounds", "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": value, "aria-valuetext": text(value, unit) },
    el("div", { class: "track" }, fill), el("div", { class: "ends soft", "aria-hidden": "true" }, el("span", {}, text(low, unit)), el("span", {}, text(high, unit))));
}

export function scorecard(tile) {
  const unit = tile.sets[0].unit;
  const found = (data) => data.sets[0]?.now.find((one) => one.value !== null) ?? null;
  const of = (data, one) => data.sets[0].series.find((other) => JSON.stringify(other.labels) === JSON.stringify(one.labels)) ?? data.sets[0].series[0];
  return {
    isEmpty: (data) => !found(data),
    show(body, data) {
      const one = found(data);
      const [number, name] = split(one.value, unit);
      const soon = isEarly(data, tile, one.value);
      const tone = soon ? "" : crossed(tile.thresholds, one.value)?.level ?? "";
      const series = of(data, one);
      const more = data.sets[0].now.length + data.sets[0].left_out - 1;
      const { not_known: _, ...labels } = one.labels;
      const whose = Object.values(labels).join(", "); // of the one that the query chose, as the worst
      const unknown = missing(one);
      body.replaceChildren(
        soon ? el("p", { class: "figure unknown" }, "–") : el("p", { class: `figure ${tone}` }, unknown > 0 && el("small", { class: "least" }, "at least "), number, name && el("small", {}, name)),
        (soon ? early(data) : judged(tile, one.value, unknown)) ?? "",
        !soon && whose && !more ? el("p", { class: "soft of" }, whose) : "",
        more ? el("p", { class: "soft" }, `the first of ${more + 1} series`) : "",
        tile.gauge ? gauge(tile.gauge, one.value, unit, tone) : tile.spark && series ? spark(series.values, tone) : "");
    },
    // What does not come any more was so, and nobody knows whether it is.
    lose(body, data, reason) {
      const was = text(found(data).value, unit);
      body.replaceChildren(
        el("p", { class: "figure unknown" }, "–"),
        el("p", { class: "judged", title: reason }, el("span", { class: "pill" }, "not known"), el("span", { class: "soft" }, `was ${was} at ${clock(data.end)}`)),
        el("p", { class: "soft" }, reason));
    },
    table: (data) => ({
      columns: ["Series", "Now", "At the start", "Lowest", "Highest"],
      rows: data.sets[0].now.map((one) => {
        const values = (of(data, one)?.values ?? []).filter((value) => value !== null);
        const at = (value) => text(values.length ? value : null, unit);
        return [Object.values(one.labels).join(", ") || "all", text(one.value, unit), at(values[0]), at(Math.min(...values)), at(Math.max(...values))];
      }),
    }),
  };
}
