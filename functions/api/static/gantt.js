// The stages of a run as bars over time, with the critical path: HTML around SVG, for the page allows no styles in elements.
import { el, svg } from "./dom.js";
import { seconds as took } from "./format.js";

export { took };
const KINDS = { running: "running", succeeded: "done", failed: "failed", cancelled: "cancelled" };
const SAYS = { running: "running", failed: "failed", cancelled: "cancelled" };
const LEGEND = [["done", "Done"], ["running", "Running"], ["failed", "Failed"], ["cancelled", "Cancelled"], ["cached", "Cached"]];
const LEAST = 0.6; // per cent of the width, so that every bar is seen

const kind = (stage) => (stage.cached ? "cached" : KINDS[stage.status]);
const ends = (one, now) => (one.ended_at ? Date.parse(one.ended_at) : now);

function says(stage, now) {
  if (stage.cached) return "cached";
  if (!stage.started_at) return "not known";
  const seconds = took(Math.max(0, ends(stage, now) - Date.parse(stage.started_at)) / 1000);
  return SAYS[stage.status] ? `${SAYS[stage.status]}, ${seconds}` : seconds;
}

function bar(stage, from, until, now, critical) {
  const span = Math.max(1, until - from);
  const place = (at) => Math.min(100, Math.max(0, (100 * (at - from)) / span));
  const x = Math.min(100 - LEAST, place(Date.parse(stage.started_at)));
  const width = Math.max(LEAST, place(ends(stage, now)) - x);
  const at = { x: `${x}%`, width: `${width}%` };
  return [svg("rect", { class: kind(stage), ...at, y: 2, height: 12, rx: 3 }), critical && svg("rect", { class: "critical-path", ...at, y: 16, height: 2 })];
}

function row(stage, from, until, now, critical) {
  const drawn = stage.started_at && bar(stage, from, until, now, critical);
  return [
    el("span", { class: critical ? "on-path" : "", title: stage.error || stage.name }, stage.name, critical && el("span", { class: "hidden" }, " (critical path)")),
    svg("svg", { height: 18, "aria-hidden": "true" }, drawn || []),
    el("span", { class: `value ${stage.status === "failed" ? "error" : ""}` }, says(stage, now)),
  ];
}

export function gantt(run, path) {
  const now = run.ended_at ? Date.parse(run.ended_at) : Date.now(); // a stage whose end was not reported ended with its run
  if (!run.stages.length) return el("p", { class: "soft" }, "No stage of it was reported.");
  const starts = [run.started_at, ...run.stages.map((stage) => stage.started_at)].filter(Boolean).map((at) => Date.parse(at));
  const until = Math.max(...[run, ...run.stages].map((one) => ends(one, now)));
  const from = Math.min(...starts, until);
  const shown = new Set(run.stages.map(kind));
  return el("div", { role: "group", "aria-label": `Stages of run ${run.run_id}` },
    el("div", { class: "gantt" }, run.stages.map((stage) => row(stage, from, until, now, path.includes(stage.name)))),
    el("p", { class: "legend soft" },
      LEGEND.filter(([name]) => shown.has(name)).map(([name, label]) => el("span", {}, swatch(name), label)),
      path.length > 0 && el("span", {}, swatch("critical-path"), "Critical path")));
}

const swatch = (name) => svg("svg", { class: "swatch", width: 22, height: 12, "aria-hidden": "true" },
  svg("rect", { class: name, x: 0, width: 22, y: name === "critical-path" ? 5 : 1, height: name === "critical-path" ? 2 : 10, rx: name === "critical-path" ? 0 : 3 }));
