// One incident: what is wrong, since when, what it costs, who has it, and what to do.
import { el, svg } from "./dom.js";
import { clock, dollars, left, lost, measured, number, plural, since, span, when, words } from "./format.js";
import { responses } from "./responses.js";
import { act, addressOf, buttons, commenting, isPart, isShared, isSilent, keyOf, nobodys, subject } from "./incident_verbs.js";
import { unsilence } from "./silences.js";
import { link, runbook, sectionOf } from "./runbook.js";
import { OUTCOME, changed, why } from "./words.js";

const TONE = { open: "error", acknowledged: "warning", mitigated: "info", resolved: "good", expired: "info", merged: "info" };
// An alert's kind ends with a digest of its labels, which says nothing to people.
const kindWords = (kind) => words(kind.replace(/\.[0-9a-f]{10}$/, ""));
const isTakenOut = ({ kind, evidence }) => kind.startsWith("part:") && evidence.some(({ name, text }) => name === "part" && text === "taken out");
// How a condition ended, and its colour: only what its source called resolved is green.
const ENDED = { recovered: "good", "no longer reported": "info", "taken out": "info" };
const ending = (one) => (one.expired_at ? "no longer reported" : isTakenOut(one) ? "taken out" : "recovered");
const CONDITIONS_SHOWN = 8;

function quietly(incident, context) {
  return context.quiet.map((one) => el("p", { class: "quiet" },
    el("span", {}, "Silenced by ", el("b", {}, one.by), one.pattern === incident.target ? "" : ` (${one.pattern})`, ", for ", left(one.until), one.note && `: ${one.note}`),
    el("button", { type: "button", "data-needs": "responder", class: "do plain small", "data-key": `end/${one.pattern}/${incident.id}`, onclick: () => unsilence(one.pattern, keyOf(incident)) }, "End the silence")));
}

function owner(incident) {
  const { notified } = incident;
  const up = notified.escalations.filter((one) => one.tier > 0).map((one) => `${one.stakeholder}: tier ${one.tier + 1}`);
  const to = notified.channels.length ? `notified: ${[...notified.channels].join(", ")}` : "nobody notified yet";
  const more = [incident.acknowledged_at && incident.acknowledged_by && to, ...up, notified.mute_reason].filter(Boolean).join(" · ");
  if (incident.acknowledged_by) return [incident.acknowledged_by, ["for ", since(incident.taken_over_at ?? incident.acknowledged_at), more && ` · ${more}`], ""];
  return ["Nobody yet", [to, up.length > 0 && ` · ${up.join(" · ")}`, notified.mute_reason && ` · ${notified.mute_reason}`], incident.state === "open" ? "critical" : ""];
}

// What it lost by its orders; what that is measured by is with what it affects.
function byOrders({ unknown, dollars: middle, low, high, final }) {
  if (unknown) return "loss not known";
  return middle ? `${dollars(middle)} (${dollars(low)} to ${dollars(high)}) lost${final ? "" : " so far"}` : "no loss measured";
}

// The loss accrued so far, and what the current impact adds since; an older copy has only the latter.
function cost(incident) {
  const { impact } = incident;
  if (!impact && !incident.loss) return ["Not known", `the settings name no revenue of ${incident.target}, nor of what depends on it`, ""];
  const { dollars_per_hour: rate, low, high } = impact ?? { dollars_per_hour: 0, low: 0, high: 0 };
  if (incident.measured_loss) return [`${dollars(rate)} an hour`, `${dollars(low)} to ${dollars(high)} · ${byOrders(incident.measured_loss)}`, ""];
  const counted = incident.loss_until ?? incident.reopened_at ?? incident.opened_at;
  const sofar = lost(rate, counted, incident.mitigated_at ?? incident.resolved_at, incident.loss);
  return [`${dollars(rate)} an hour`, [`${dollars(low)} to ${dollars(high)} · `, sofar, incident.mitigated_at ? " until it was mitigated" : " so far"], ""];
}

function vitals(incident) {
  const lead = incident.conditions.find((one) => one.status === "firing" && one.target === incident.target) ?? incident.conditions[0];
  const fact = (name, [value, more, tone]) => el("div", { "data-fact": name }, el("dt", {}, name), el("dd", { class: tone }, value), more && el("dd", { class: "soft" }, more));
  return el("dl", { class: "vitals" },
    fact("Opened", [[since(incident.opened_at), " ago"], when(incident.opened_at), ""]),
    fact("Impact", cost(incident)),
    fact("Acknowledged by", owner(incident)),
    fact("Next step", lead?.runbook ? [link(lead.runbook, `Runbook: ${kindWords(subject(lead).kind)}`) ?? runbook(lead.runbook), sectionOf(lead.runbook), ""] : ["No runbook", "check the conditions that fire", ""]));
}

function bar(condition) {
  const { value, threshold } = condition;
  if (value === null || threshold === null || value < 0 || threshold <= 0) return null;
  const full = Math.max(value, threshold) * 1.08;
  return svg("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", width: 100, height: 6 }),
    svg("rect", { class: "value", width: (100 * value) / full, height: 6 }),
    svg("rect", { class: "limit", x: (100 * threshold) / full - 0.4, width: 0.8, height: 6 }));
}

function comparison({ value, threshold, unit }) {
  if (value === null) return null;
  if (threshold === null) return measured(value, unit);
  const ratio = threshold > 0 && value >= 0 ? value / threshold : null;
  const times = ratio === null ? "" : ratio >= 2 ? ` (${number(ratio, 2)} times)` : ratio < 1 ? " (below it)" : "";
  return [el("b", {}, measured(value, unit)), ` against a threshold of ${measured(threshold, unit)}${times}`];
}

function conditions(incident) {
  const over = incident.state === "resolved";
  const left = new Set(isShared(incident) ? nobodys(incident) : []);
  const rows = incident.conditions.map((one) => {
    const firing = one.status === "firing";
    const { kind, target: own } = subject(one);
    const offered = firing && left.delete(own); // once for each target
    return el("li", { class: firing ? (over ? "info" : one.severity) : ENDED[ending(one)] },
      el("span", {}, own !== incident.target && el("code", {}, own), own !== incident.target && " ",
        one.summary === incident.title ? kindWords(kind) : one.summary || kindWords(kind), !firing && ` – ${ending(one)}`),
      comparison(one) && el("span", { class: "compared" }, comparison(one), firing && bar(one)),
      one.acknowledged_by && el("span", { class: "soft" }, `acknowledged by ${one.acknowledged_by}, for `, since(one.acknowledged_at)),
      offered && el("button", {
        type: "button", "data-needs": "responder", class: "do plain small", title: `Take ${own} only; escalation goes on for the other targets`, "aria-label": `Acknowledge ${own}`,
        "data-key": `acknowledge/${own}/${incident.id}`, "data-verb": "acknowledge", onclick: () => act(incident, "acknowledge", own),
      }, "Acknowledge"));
  });
  const list = (some) => el("ul", { class: "conditions" }, some);
  const count = incident.conditions.filter((one) => one.status === "firing").length;
  const title = over ? "Conditions that fired" : count > 1 ? `${count} firing conditions` : "Firing conditions";
  const more = rows.slice(CONDITIONS_SHOWN);
  return rows.length > 0 && [el("h2", {}, title), list(rows.slice(0, CONDITIONS_SHOWN)),
    more.length > 0 && el("details", { "data-key": `conditions/${incident.id}` }, el("summary", {}, `${more.length} more`), list(more))];
}

const classification = (incident) => incident.category
  && el("p", { class: "soft classed" }, el("b", {}, words(incident.category)), incident.classification && `, because ${incident.classification}`);

const MODEL = "model/";
// A target; that of a model leads to its page.
const targetOf = (target, given = {}) => {
  const code = el("code", given, target);
  return target.startsWith(MODEL) ? el("a", { href: `/models/${encodeURIComponent(target.slice(MODEL.length))}` }, code) : code;
};

function affected(incident) {
  const others = incident.targets.filter((target) => target !== incident.target);
  const earning = incident.impact?.targets ?? [];
  const all = [...new Set([...others, ...earning.filter((target) => target !== incident.target)])];
  return (all.length > 0 || incident.impact) && [
    el("h2", {}, "Affected"),
    el("p", { class: "affected" }, targetOf(incident.target, { class: "root" }), all.map((target) => [" ", targetOf(target)])),
    incident.impact && el("p", { class: "soft" }, `Impact: ${incident.impact.reason}`),
    incident.measured_loss && el("p", { class: "soft" }, `Loss by orders: ${incident.measured_loss.text}`)];
}

function evidence(incident) {
  const all = incident.conditions.flatMap((condition) => condition.evidence);
  return all.length > 0 && el("dl", { class: "evidence soft" }, all.map((one) => [el("dt", {}, words(one.name)), el("dd", {}, one.text)]));
}

const trainingSteps = (incident) => (incident.trainings ?? []).flatMap((one) => one.steps.map((step) => ({ ...step, training: one })))
  .sort((one, other) => (Date.parse(one.at) || Infinity) - (Date.parse(other.at) || Infinity));

// The entries in their order, with what came of trainings between them by time.
function told(incident) {
  const steps = trainingSteps(incident);
  const all = incident.timeline.flatMap((entry) => {
    const before = steps.findIndex((step) => !(Date.parse(step.at) < Date.parse(entry.at)));
    return [...steps.splice(0, before < 0 ? steps.length : before), entry];
  });
  return [...all, ...steps];
}

function trained({ at, outcome, detail, training }) {
  const [tone, text] = OUTCOME[outcome] ?? ["info", outcome];
  return el("li", {}, el("b", {}, "Training"), " ", el("span", { class: `pill ${tone}` }, text), at && ` · ${when(at)}`, detail && el("div", {}, detail),
    training.run_id && el("div", { class: "soft" }, "run ", el("code", {}, training.run_id), training.version && `, version ${training.version}`));
}

function timeline(incident) {
  return el("ol", { class: "timeline" }, told(incident).reverse().map((one) => (one.training ? trained(one)
    : el("li", {}, el("b", {}, changed(one)), ` · ${when(one.at)}`,
      one.summary && el("div", {}, one.summary), el("div", { class: "soft" }, `because ${why(one.reason)}`)))));
}

const entries = (incident) => `Timeline: ${plural(incident.timeline.length + trainingSteps(incident).length, "entry", "entries")}`;

const sources = (incident) => el("p", { class: "soft" },
  el("a", { href: `/v1/incidents/${encodeURIComponent(incident.id)}/report.md` }, "Report as Markdown"), " · ", el("code", {}, incident.id));

function head(incident, context) {
  const over = incident.state === "resolved";
  const state = over && incident.cancelled ? "cancelled" : over && incident.merged_into ? "merged" : isSilent(incident) ? "expired" : incident.state;
  return el("div", { class: "row soft head" },
    el("span", { class: `pill solid ${over ? "good" : incident.severity}` }, over ? `was ${incident.peak}` : incident.severity),
    el("span", { class: `pill ${TONE[state] ?? TONE[incident.state]}` }, state),
    incident.notified?.flapping && el("span", { class: "pill warning", title: `Fired ${incident.reopenings + 1} times; people are notified when it stays firing or resolved` }, "flapping"),
    incident.category && el("span", {}, words(incident.category)),
    targetOf(incident.target),
    context.sending && el("span", { class: "saving" }, "saving…"),
    over && el("span", { class: "push" }, `${clock(incident.resolved_at)}, after ${span(incident.opened_at, incident.resolved_at)}`));
}

// Everything about an incident, and what people say about it below.
export function whole(incident, context) {
  const over = incident.state === "resolved";
  const proof = evidence(incident);
  return el("article", { class: `edge whole ${isSilent(incident) ? "info" : over ? "good" : incident.severity}`, "data-incident": incident.id, tabindex: -1, "aria-labelledby": "title" },
    head(incident, context),
    el("h1", { id: "title" }, incident.title),
    vitals(incident),
    isPart(incident) && el("p", { class: "quiet" }, "Part of ", el("a", { href: addressOf(incident.merged_into) }, incident.merged_into)),
    buttons(incident, context),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault),
    !over && quietly(incident, context),
    el("div", { class: "columns" },
      el("div", {}, conditions(incident), proof && [el("h2", {}, "Evidence"), proof], classification(incident)),
      el("div", {}, affected(incident), responses(incident))),
    el("h2", {}, entries(incident)),
    commenting(incident),
    timeline(incident),
    sources(incident));
}
