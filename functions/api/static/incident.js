// One incident: what is wrong, since when, what it costs, who has it, and what to do.
import { command } from "./commands.js";
import { el, svg } from "./dom.js";
import { clock, dollars, left, lost, measured, number, plural, since, span, when, words } from "./format.js";
import { responses } from "./responses.js";
import { silence, unsilence } from "./silences.js";
import { runbook } from "./runbook.js";
import { OUTCOME, changed, why } from "./words.js";

const TONE = { open: "error", acknowledged: "warning", mitigated: "info", resolved: "good", expired: "info", merged: "info" };
const DOES = {
  acknowledge: { label: "Acknowledge", title: "Take this incident; escalation stops" },
  mitigate: { label: "Mitigated", title: "The impact has ended; the cause may remain" },
  resolve: { label: "Resolve", title: "The incident is over, even if conditions still fire" },
  cancel: { label: "Cancel", title: "False alarm: close it and exclude it from the metrics" },
  reopen: { label: "Reopen", title: "The incident is not over: people are notified again" },
  take_over: { label: "Take over", title: "You have it from now on, or whom you name" },
  give_back: { label: "Give back", title: "Nobody has it any more: people are notified, and escalation goes on" },
  merge: { label: "Merge", title: "It becomes a part of the incident that you choose, which is over when both are" },
  split: { label: "Take out", title: "It is no part of the other incident any more: open again if it still fires" },
  comment: { label: "Comment", title: "Add the note to the timeline" },
};
const AFTER = {
  open: ["acknowledge", "mitigate", "resolve", "cancel", "comment"],
  acknowledged: ["mitigate", "resolve", "cancel", "take_over", "give_back", "comment"],
  mitigated: ["resolve", "cancel", "take_over", "comment"],
  resolved: ["reopen"],
  expired: ["acknowledge", "resolve", "reopen"],
  part: ["split"],
};
const ORDER = ["open", "acknowledged", "mitigated", "resolved"];
const NOBODY = { acknowledged_by: "", acknowledged_at: null, taken_over_at: null };
const over = (at, cancelled) => ({ state: "resolved", resolved_at: at, cancelled, expired: false });

// What an incident then is: of `told` who says so and when, whom they name, and their note.
const EFFECT = {
  acknowledge: (one, { by, at, target }) => (target
    ? { conditions: one.conditions.map((each) => (subject(each).target === target ? { ...each, acknowledged_by: by, acknowledged_at: at } : each)) }
    : { ...(one.state === "open" && { state: "acknowledged" }), acknowledged_by: by, acknowledged_at: at }),
  mitigate: (_, { at }) => ({ state: "mitigated", mitigated_at: at }),
  resolve: (_, { at }) => over(at, false),
  cancel: (_, { at }) => over(at, true),
  reopen: () => ({ state: "open", resolved_at: null, cancelled: false, ...NOBODY }),
  take_over: (_, { by, to, at }) => ({ acknowledged_by: to || by, taken_over_at: at }),
  give_back: () => ({ state: "open", ...NOBODY }),
  merge: (_, { to, at }) => ({ state: "resolved", merged_into: to, part: {}, resolved_at: at }),
  split: () => ({ merged_into: "" }),
  comment: (one, { by, at, note }) => ({ timeline: [...one.timeline, { at, change: "updated", reason: "comment", summary: `${by}: ${note}` }] }),
};
// The target and the kind that a condition is about; of a group, not the group.
function subject({ target, kind }) {
  const [bare, ...of] = kind.split("@");
  return of.join("@").includes("/") ? { target: of.join("@"), kind: bare } : { target, kind };
}
// An alert's kind ends with a digest of its labels, which says nothing to people.
const kindWords = (kind) => words(kind.replace(/\.[0-9a-f]{10}$/, ""));
const isTakenOut = ({ kind, evidence }) => kind.startsWith("part:") && evidence.some(({ name, text }) => name === "part" && text === "taken out");
// How a condition ended, and its colour: only what its source called resolved is green.
const ENDED = { recovered: "good", "no longer reported": "info", "taken out": "info" };
const ending = (one) => (one.expired_at ? "no longer reported" : isTakenOut(one) ? "taken out" : "recovered");
const CONDITIONS_SHOWN = 8;
const firingTargets = (incident, has = () => true) => [...new Set(incident.conditions.filter((one) => one.status === "firing" && has(one)).map((one) => subject(one).target))];
const nobodys = (incident) => firingTargets(incident, (one) => !one.acknowledged_by);
// Single targets can be acknowledged where there are several, and nobody has the whole incident.
const isShared = (incident) => (incident.state === "open" || (incident.state === "acknowledged" && incident.by_target)) && firingTargets(incident).length > 1;

const ended = (one, _, before) => one.state === "resolved" && !(before.expired && one.expired);
const reached = (state) => (one) => ORDER.indexOf(one.state) >= ORDER.indexOf(state);
const HOLDS = {
  acknowledge: (one, { target }) => (target ? !nobodys(one).includes(target) : one.expired ? Boolean(one.acknowledged_by) : reached("acknowledged")(one)), mitigate: reached("mitigated"), resolve: ended, cancel: ended,
  reopen: (one) => one.state !== "resolved",
  take_over: (one, { by, to }) => one.acknowledged_by === (to || by),
  give_back: (one) => one.state !== "acknowledged",
  merge: (one) => Boolean(one.merged_into),
  split: (one) => !one.merged_into,
  comment: (one, _, before) => one.timeline.some((entry) => entry.reason === "comment" && entry.sequence > before.sequence),
};

// Its sources stopped reporting it: whether it recovered is not known, and a person may still say so.
const isSilent = (incident) => incident.state === "resolved" && Boolean(incident.expired) && !incident.cancelled && !incident.merged_into;

// A person merged it into another one, and may take it out again.
const isPart = (incident) => incident.state === "resolved" && Boolean(incident.merged_into && incident.part);

export const keyOf = (incident) => `incident/${incident.id}`;
const input = (kind, incident) => document.querySelector(`[data-key="${kind}/${CSS.escape(incident.id)}"]`);

function act(incident, verb, target = "") {
  const field = verb === "merge" ? "into" : "to";
  const [note, to] = ["note", field].map((kind) => input(kind, incident)?.value.trim() ?? "");
  if (verb === "comment" && !note) return input("note", incident)?.focus();
  if (verb === "merge" && !to) return input("into", incident)?.focus();
  const { label } = DOES[verb];
  const told = { note, at: new Date().toISOString(), ...(["take_over", "merge"].includes(verb) && to ? { to } : {}), ...(target && { target }) };
  const { at, ...body } = told;
  const sent = command({
    key: keyOf(incident), path: `/api/incidents/${encodeURIComponent(incident.id)}/${verb}`, body,
    says: `${label}: ${target || incident.title}`,
    apply: (known, by) => ({ ...known, incidents: known.incidents.map((one) => (one.id === incident.id ? { ...one, ...EFFECT[verb](one, { ...told, by }) } : one)) }),
    holds: (known, by) => known.incidents.some((one) => one.id === incident.id && HOLDS[verb](one, { ...told, by }, incident)),
  });
  sent.then((done) => {
    if (!done) return;
    input("note", incident)?.replaceWith(noteField(incident));
    input("to", incident)?.replaceWith(ownerField(incident));
  });
}

const noteField = (incident) =>
  el("input", { type: "text", class: "note", maxlength: 300, placeholder: "Note (optional)", "aria-label": `Note on ${incident.title}`, "data-key": `note/${incident.id}` });

const ownerField = (incident) =>
  el("input", { type: "text", class: "note", maxlength: 80, placeholder: "Who takes over (you)", "aria-label": `Who takes over ${incident.title}`, "data-key": `to/${incident.id}` });

// The open incidents that this one may become a part of.
const intoField = (incident, others) =>
  el("select", { class: "note", "aria-label": `Incident that ${incident.title} becomes a part of`, "data-key": `into/${incident.id}` },
    el("option", { value: "" }, "Merge into…"), others.map((one) => el("option", { value: one.id }, `${one.title} (${one.target})`)));

function buttons(incident, context) {
  const state = isPart(incident) ? "part" : isSilent(incident) ? "expired" : incident.state;
  const known = AFTER[state].filter((verb) => verb !== "acknowledge" || !incident.acknowledged_by);
  const mergeable = incident.state !== "resolved" && context.others.length > 0;
  const verbs = mergeable ? [...known, "merge"] : known;
  const own = verbs.map((verb, index) => el("button", {
    type: "button", class: `do ${index === 0 ? "first" : ""} ${verb === "cancel" ? "plain" : ""}`, title: DOES[verb].title,
    "data-key": `${verb}/${incident.id}`, "data-verb": verb, onclick: () => act(incident, verb),
  }, DOES[verb].label));
  const quiet = context.quiet.length ? null : [1, 4].map((hours) => el("button", {
    type: "button", class: "do plain", "data-key": `silence-${hours}/${incident.id}`, title: `Mute notifications of ${incident.target} for ${plural(hours, "hour")}`,
    onclick: () => silence(incident.target, hours * 60, input("note", incident)?.value ?? "", keyOf(incident)),
  }, `Silence ${hours} h`));
  return el("div", { class: "buttons", role: "group", "aria-label": `Actions for ${incident.title}` }, own, quiet, noteField(incident), verbs.includes("take_over") && ownerField(incident), mergeable && intoField(incident, context.others));
}

function quietly(incident, context) {
  return context.quiet.map((one) => el("p", { class: "quiet" },
    el("span", {}, "Silenced by ", el("b", {}, one.by), one.pattern === incident.target ? "" : ` (${one.pattern})`, ", for ", left(one.until), one.note && `: ${one.note}`),
    el("button", { type: "button", class: "do plain small", "data-key": `end/${one.pattern}/${incident.id}`, onclick: () => unsilence(one.pattern, keyOf(incident)) }, "End the silence")));
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
  if (!impact && !incident.loss) return ["Unknown", "no revenue of this target is known", ""];
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
    fact("Since", [since(incident.opened_at), when(incident.opened_at), ""]),
    fact("Impact", cost(incident)),
    fact("Acknowledged by", owner(incident)),
    fact("Next step", [lead?.runbook ? runbook(lead.runbook) : "No runbook", lead?.runbook ? `runbook for ${kindWords(subject(lead).kind)}` : "check the conditions that fire", ""]));
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
        type: "button", class: "do plain small", title: `Take ${own} only; escalation goes on for the other targets`, "aria-label": `Acknowledge ${own}`,
        "data-key": `acknowledge/${own}/${incident.id}`, "data-verb": "acknowledge", onclick: () => act(incident, "acknowledge", own),
      }, "Acknowledge"));
  });
  const list = (some) => el("ul", { class: "conditions" }, some);
  const count = incident.conditions.filter((one) => one.status === "firing").length;
  const title = over ? "Conditions that fired" : count > 1 ? `${count} firing conditions` : "Firing conditions";
  const more = rows.slice(CONDITIONS_SHOWN);
  return rows.length > 0 && [el("h4", {}, title), list(rows.slice(0, CONDITIONS_SHOWN)),
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
    el("h4", {}, "Affected"),
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

function story(incident) {
  return el("details", { "data-key": `story/${incident.id}` },
    el("summary", {}, `Timeline: ${plural(incident.timeline.length + trainingSteps(incident).length, "entry", "entries")}`),
    evidence(incident), timeline(incident),
    el("p", { class: "soft" }, el("a", { href: `/api/incidents/${encodeURIComponent(incident.id)}/report.md` }, "Report as Markdown"), " · ", el("code", {}, incident.id)));
}

function head(incident, context) {
  const over = incident.state === "resolved";
  const state = over && incident.cancelled ? "cancelled" : over && incident.merged_into ? "merged" : isSilent(incident) ? "expired" : incident.state;
  return el("div", { class: "row soft head" },
    el("span", { class: `pill solid ${over ? "good" : incident.severity}` }, over ? `was ${incident.peak}` : incident.severity),
    el("span", { class: `pill ${TONE[state] ?? TONE[incident.state]}` }, state),
    incident.notified?.flapping && el("span", { class: "pill warning", title: `Fired ${incident.reopenings + 1} times; people are told when it stays on or off` }, "flapping"),
    incident.category && el("span", {}, words(incident.category)),
    targetOf(incident.target),
    context.sending && el("span", { class: "saving" }, "saving…"),
    over && el("span", { class: "push" }, `${clock(incident.resolved_at)}, after ${span(incident.opened_at, incident.resolved_at)}`));
}

export function card(incident, context) {
  const over = incident.state === "resolved";
  const title = `title-${incident.id}`;
  return el("article", { class: `card edge ${isSilent(incident) ? "info" : over ? "good" : incident.severity}`, "data-incident": incident.id, tabindex: -1, "aria-labelledby": title },
    head(incident, context),
    el("h3", { id: title }, incident.title),
    !over && vitals(incident),
    isPart(incident) && el("p", { class: "quiet" }, "Part of ", el("a", { href: `#incident=${incident.merged_into}` }, incident.merged_into)),
    (!over || isSilent(incident) || isPart(incident)) && buttons(incident, context),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault),
    !over && quietly(incident, context),
    el("div", { class: "columns" },
      el("div", {}, conditions(incident), classification(incident)),
      el("div", {}, !over && affected(incident), responses(incident))),
    story(incident));
}
