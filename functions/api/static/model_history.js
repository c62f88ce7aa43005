// A model by day: drift, performance and costs, with the versions that came into use and the incidents on one line of time.
import { chartTile } from "./chart_tile.js";
import { el } from "./dom.js";
import { clock, dayOf, span, when } from "./format.js";

const DAY = 86400;
const NOON = DAY / 2; // a day stands for itself in every time zone
const UNITS = { ratio: "10^2.%", seconds: "s", dollars: "USD" };
const seconds = (iso) => Date.parse(iso) / 1000;
const isEmpty = (values) => !values?.some((value) => value !== null);

const line = (name, unit, plot = "line") => ({ legend: "${name}", unit, axis: "Y1", plot, name });

function limit({ limit, better }) {
  if (limit === null || limit === undefined) return [];
  const below = better === "higher";
  return [{ value: limit, axis: "Y1", level: "error", label: below ? "floor" : "limit", below }];
}

// What is drawn: of each chart its title, its lines with their values, and what stands in its place where there are none.
function charts(data) {
  const measure = data.performance;
  const unit = UNITS[measure?.unit] ?? "1";
  return [
    { title: "Share of features drifted", lines: [[line("drifted", "10^2.%"), data.drift]], without: "Drift is not known: no window was scored in this time." },
    {
      title: measure ? `${measure.title}, with its 95% interval` : "Performance", thresholds: measure ? limit(measure) : [], band: true,
      lines: measure ? [[line(measure.title, unit), measure.value], [line("low", unit), measure.low], [line("high", unit), measure.high]] : [],
      without: "Performance is not known: no measure in this time.",
    },
    { title: "Costs per day", lines: [[line("costs", "USD", "bar"), data.costs]], without: "Costs are not known: no billing export has costs of this model in this time." },
  ];
}

function marks(data) {
  return data.versions.filter((one) => seconds(one.in_use_from) >= seconds(data.days[0]))
    .map((one) => ({ at: seconds(one.in_use_from), label: `version ${one.version}` }));
}

const spans = (data) => data.incidents.map((one) => ({ from: seconds(one.opened_at), to: one.resolved_at ? seconds(one.resolved_at) : Infinity, level: one.severity }));

function drawn(chart, data) {
  const start = seconds(data.days[0]) + NOON;
  const sets = chart.lines.map(([{ name }, values]) => ({ series: [{ labels: { name }, values }], left_out: 0 }));
  return { start, end: start + DAY * (data.days.length - 0.5), step: DAY, sets };
}

function framed(chart, data) {
  const title = el("h3", {}, chart.title);
  if (chart.lines.every(([, values]) => isEmpty(values))) return { node: el("div", { class: "over-time" }, title, el("p", { class: "soft" }, chart.without)) };
  const tile = { title: chart.title, sets: chart.lines.map(([one]) => one), thresholds: chart.thresholds ?? [], axes: {}, marks: marks(data), spans: spans(data), band: chart.band };
  const body = el("div", { class: "body" });
  const drawing = chartTile(tile);
  return { node: el("div", { class: "over-time", "data-chart": chart.title }, title, body), drawing, show: () => drawing.show(body, drawn(chart, data)) };
}

function incidents(data) {
  const since = el("p", { class: "soft" }, `Resolved incidents are listed since ${dayOf(data.incidents_since)}.`);
  if (!data.incidents.length) return [el("h3", {}, "Incidents"), el("p", { class: "soft" }, "No incident of this model is listed."), since];
  const row = (one) => el("li", {},
    el("span", { class: `pill ${one.state === "resolved" ? "good" : one.severity}` }, one.state === "resolved" ? `was ${one.severity}` : one.severity), " ",
    el("a", { href: `/incidents/${encodeURIComponent(one.id)}` }, one.title), " ",
    el("span", { class: "soft" }, `${clock(one.opened_at)}, ${one.resolved_at ? `for ${span(one.opened_at, one.resolved_at)}` : one.state}`));
  return [el("h3", {}, "Incidents"), el("ul", { class: "lines" }, data.incidents.map(row)), since];
}

function switched(data) {
  if (!data.versions.length) return "Which version was in use is not known.";
  return `In use: ${data.versions.map((one) => `${one.version} since ${when(one.in_use_from)}`).join("; ")}.`;
}

export function past() {
  let all = [];
  return {
    draw(data, holder, list) {
      for (const one of all) one.drawing?.clear();
      all = charts(data).map((chart) => framed(chart, data));
      holder.replaceChildren(...all.map((one) => one.node), el("p", { class: "soft" }, switched(data)));
      for (const one of all) one.show?.();
      list.replaceChildren(...incidents(data));
    },
    redraw: () => { for (const one of all) one.drawing?.redraw(); },
  };
}
