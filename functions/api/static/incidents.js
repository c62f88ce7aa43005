import { el } from "./dom.js";
import { plural, span, when, words } from "./format.js";

const TONE = { open: "error", acknowledged: "warning", mitigated: "info", resolved: "good" };

function timeline(entries) {
  return el("ol", { class: "timeline" }, [...entries].reverse().map((entry) =>
    el("li", {}, el("b", {}, words(entry.change)), ` · ${when(entry.at)}`,
      el("div", { class: "soft" }, entry.summary || words(entry.reason)))));
}

function card(incident) {
  const resolved = incident.state === "resolved";
  const lasted = resolved ? `lasted ${span(incident.opened_at, incident.resolved_at)}` : `for ${span(incident.opened_at)}`;
  return el("article", { class: `card edge ${resolved ? "good" : incident.severity}`, "data-incident": incident.id },
    el("div", { class: "row" },
      el("h3", {}, incident.title),
      el("span", { class: `pill ${incident.severity}` }, incident.severity),
      el("span", { class: `pill ${TONE[incident.state] ?? "info"}` }, incident.state),
      el("span", { class: "soft push" }, `${when(incident.opened_at)}, ${lasted}`)),
    incident.conditions.filter((condition) => condition.status === "firing" || resolved).map((condition) =>
      el("p", { class: "soft" }, condition.summary)),
    el("details", { "data-key": incident.id },
      el("summary", {}, `Timeline: ${plural(incident.timeline.length, "entry", "entries")}`),
      timeline(incident.timeline)));
}

export function incidents(all) {
  const open = all.filter((incident) => incident.state !== "resolved");
  const past = all.filter((incident) => incident.state === "resolved");
  return [
    open.length ? open.map(card) : [el("p", { class: "card" }, "No open incident.")],
    past.length ? [el("details", { "data-key": "past" }, el("summary", {}, plural(past.length, "resolved incident")), past.map(card))] : [],
  ].flat();
}
