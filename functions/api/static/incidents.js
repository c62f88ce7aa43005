import { el } from "./dom.js";
import { plural, span, when, words } from "./format.js";

const TONE = { open: "error", acknowledged: "warning", mitigated: "info", resolved: "good" };
const RANK = ["info", "warning", "error", "critical"];

export const worst = (all) => RANK[Math.max(...all.map((one) => RANK.indexOf(one.severity)))];

function timeline(entries) {
  return el("ol", { class: "timeline" }, [...entries].reverse().map((entry) =>
    el("li", {}, el("b", {}, words(entry.change)), ` · ${when(entry.at)}`,
      el("div", { class: "soft" }, entry.summary || words(entry.reason)))));
}

// What holds now, since the title tells what it began with; of a resolved incident, what there was.
function conditions(incident) {
  const resolved = incident.state === "resolved";
  const shown = incident.conditions.filter((condition) => (resolved || condition.status === "firing")
    && (condition.summary !== incident.title || (condition.runbook && !resolved)));
  return el("ul", { class: "conditions" }, shown.map((condition) =>
    el("li", { class: resolved ? "good" : condition.severity },
      condition.summary !== incident.title && el("span", {}, condition.summary || words(condition.kind)),
      !resolved && condition.runbook && el("span", { class: "soft" }, `What to do: docs/runbooks/${condition.runbook}`))));
}

function evidence(incident) {
  const all = incident.conditions.flatMap((condition) => condition.evidence);
  return all.length > 0 && el("dl", { class: "evidence soft" }, all.map((one) => [el("dt", {}, words(one.name)), el("dd", {}, one.text)]).flat());
}

function card(incident) {
  const resolved = incident.state === "resolved";
  const lasted = resolved ? `lasted ${span(incident.opened_at, incident.resolved_at)}` : `for ${span(incident.opened_at)}`;
  return el("article", { class: `card edge ${resolved ? "good" : incident.severity}`, "data-incident": incident.id },
    el("div", { class: "row soft" },
      el("span", { class: `pill ${resolved ? "good" : incident.severity}` }, resolved ? `was ${incident.severity}` : incident.severity),
      el("span", { class: `pill ${TONE[incident.state] ?? "info"}` }, incident.state),
      el("span", {}, incident.target),
      el("span", { class: "push" }, `${when(incident.opened_at)}, ${lasted}`)),
    el("h3", {}, incident.title),
    conditions(incident),
    el("details", { "data-key": incident.id },
      el("summary", {}, `Timeline: ${plural(incident.timeline.length, "entry", "entries")}`),
      evidence(incident), timeline(incident.timeline)));
}

export function incidents(all) {
  const open = all.filter((incident) => incident.state !== "resolved").sort((a, b) => RANK.indexOf(b.severity) - RANK.indexOf(a.severity));
  const past = all.filter((incident) => incident.state === "resolved");
  return [
    open.length ? open.map(card) : [el("p", { class: "card" }, "No open incident.")],
    past.length ? [el("details", { "data-key": "past" }, el("summary", {}, plural(past.length, "resolved incident")), past.map(card))] : [],
  ].flat();
}
