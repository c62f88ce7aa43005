// What a person may do about an incident, what it then is, and when that has come about.
import { command } from "./commands.js";
import { el } from "./dom.js";
import { plural } from "./format.js";
import { silence } from "./silences.js";

const DOES = {
  acknowledge: { label: "Acknowledge", title: "Take this incident; escalation stops" },
  mitigate: { label: "Mitigated", title: "The impact has ended; the cause may remain" },
  resolve: { label: "Resolve", title: "The incident is over, even if conditions still fire" },
  cancel: { label: "False alarm", title: "Close it, and leave it out of response times and other measures" },
  reopen: { label: "Reopen", title: "The incident is not over: people are notified again" },
  take_over: { label: "Take over", title: "You have it from now on, or whom you name" },
  assign: { label: "Assign", title: "Whom you name has it from now on" },
  give_back: { label: "Give back", title: "Nobody has it any more: people are notified, and escalation goes on" },
  merge: { label: "Merge", title: "It becomes a part of the incident that you choose, which is over when both are" },
  split: { label: "Take out", title: "It is no part of the other incident any more: open again if it still fires" },
  comment: { label: "Comment", title: "Add the note to the timeline" },
};
const AFTER = {
  open: ["acknowledge", "mitigate", "resolve", "cancel", "assign"],
  acknowledged: ["mitigate", "resolve", "cancel", "take_over", "give_back"],
  mitigated: ["resolve", "cancel", "take_over"],
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
  take_over: (one, { by, to, at }) => ({ acknowledged_by: to || by, ...(one.state === "open" ? { state: "acknowledged", acknowledged_at: at } : { taken_over_at: at }) }),
  give_back: () => ({ state: "open", ...NOBODY }),
  merge: (_, { to, at }) => ({ state: "resolved", merged_into: to, part: {}, resolved_at: at }),
  split: () => ({ merged_into: "" }),
  comment: (one, { by, at, note }) => ({ timeline: [...one.timeline, { at, change: "updated", reason: "comment", summary: `${by}: ${note}` }] }),
};
// The target and the kind that a condition is about; of a group, not the group.
export function subject({ target, kind }) {
  const [bare, ...of] = kind.split("@");
  return of.join("@").includes("/") ? { target: of.join("@"), kind: bare } : { target, kind };
}
const firingTargets = (incident, has = () => true) => [...new Set(incident.conditions.filter((one) => one.status === "firing" && has(one)).map((one) => subject(one).target))];
export const nobodys = (incident) => firingTargets(incident, (one) => !one.acknowledged_by);
// Single targets can be acknowledged where there are several, and nobody has the whole incident.
export const isShared = (incident) => (incident.state === "open" || (incident.state === "acknowledged" && incident.by_target)) && firingTargets(incident).length > 1;

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
export const isSilent = (incident) => incident.state === "resolved" && Boolean(incident.expired) && !incident.cancelled && !incident.merged_into;

// A person merged it into another one, and may take it out again.
export const isPart = (incident) => incident.state === "resolved" && Boolean(incident.merged_into && incident.part);

export const addressOf = (id) => `/incidents/${encodeURIComponent(id)}`;
export const keyOf = (incident) => `incident/${incident.id}`;
const input = (kind, incident) => document.querySelector(`[data-key="${kind}/${CSS.escape(incident.id)}"]`);

// Who is named has it: the command is the same as to take it over.
const VERB = { assign: "take_over" };
const NAMES = ["assign", "take_over", "merge"];

const firing = (incident) => incident.conditions.filter((one) => one.status === "firing").length;
const receivers = (incident) => (incident.notified?.channels.length ? `Will be notified: ${[...incident.notified.channels].join(", ")}.` : "Nobody was notified of it.");

// What is asked before an incident is ended.
const ASKS = {
  resolve: (incident) => ({
    title: "Resolve this incident?", label: "Resolve",
    text: [incident.title, firing(incident) ? `${plural(firing(incident), "condition")} still fire${firing(incident) === 1 ? "s" : ""}. It opens again when another one fires, or one gets worse.` : "None of its conditions fires any more.", receivers(incident)],
  }),
  cancel: (incident) => ({
    title: "Close it as a false alarm?", label: "Close as a false alarm",
    text: [incident.title, "It does not count in response times and other measures.", receivers(incident)],
  }),
};
const HELD_BACK = ["resolve", "cancel", "merge"];

export function act(incident, does, target = "") {
  const verb = VERB[does] ?? does;
  const field = verb === "merge" ? "into" : "to";
  const said = verb === "comment" ? "say" : "note";
  const [note, to] = [said, field].map((kind) => input(kind, incident)?.value.trim() ?? "");
  if (verb === "comment" && !note) return input(said, incident)?.focus();
  if (verb === "merge" && !to) return input("into", incident)?.focus();
  if (does === "assign" && !to) return input("to", incident)?.focus();
  const { label } = DOES[does];
  const told = { note, at: new Date().toISOString(), ...(NAMES.includes(does) && to ? { to } : {}), ...(target && { target }) };
  const { at, ...body } = told;
  const sent = command({
    key: keyOf(incident), path: `/v1/incidents/${encodeURIComponent(incident.id)}/${verb}`, body,
    says: `${label}: ${target || incident.title}`, ask: ASKS[verb]?.(incident), holdBack: HELD_BACK.includes(verb), takesBack: verb === "reopen",
    apply: (known, by) => ({ ...known, incidents: known.incidents.map((one) => (one.id === incident.id ? { ...one, ...EFFECT[verb](one, { ...told, by }) } : one)) }),
    holds: (known, by) => known.incidents.some((one) => one.id === incident.id && HOLDS[verb](one, { ...told, by }, incident)),
  });
  sent.then((done) => {
    if (done) for (const kind of [said, "to"]) if (input(kind, incident)) input(kind, incident).value = "";
  });
}

const noteField = (incident) =>
  el("input", { type: "text", class: "note", maxlength: 300, placeholder: "Note (optional)", "aria-label": `Note on ${incident.title}`, "data-key": `note/${incident.id}` });

const isNobodys = (incident) => incident.state === "open";
const ownerField = (incident) =>
  el("input", { type: "text", class: "note", maxlength: 80, placeholder: isNobodys(incident) ? "Assign to" : "Who takes over (you)", list: "people", "aria-label": `${isNobodys(incident) ? "Who is assigned" : "Who takes over"} ${incident.title}`, "data-key": `to/${incident.id}` });

// The open incidents that this one may become a part of.
const intoField = (incident, others) =>
  el("select", { class: "note", "aria-label": `Incident that ${incident.title} becomes a part of`, "data-key": `into/${incident.id}` },
    el("option", { value: "" }, "Merge into…"), others.map((one) => el("option", { value: one.id }, `${one.title} (${one.target})`)));

// What is said about an incident, also when it is over.
export const commenting = (incident) => el("form", {
  class: "buttons comment", "data-needs": "responder", "aria-label": `Comment on ${incident.title}`,
  onsubmit: (event) => { event.preventDefault(); act(incident, "comment"); },
},
el("input", { type: "text", class: "note", maxlength: 300, placeholder: "What you see, try or know", "aria-label": `Your comment on ${incident.title}`, "data-key": `say/${incident.id}` }),
el("button", { type: "submit", class: "do", "data-verb": "comment" }, "Comment"));

export function buttons(incident, context) {
  const state = isPart(incident) ? "part" : isSilent(incident) ? "expired" : incident.state;
  const known = AFTER[state].filter((verb) => (verb !== "acknowledge" || !incident.acknowledged_by));
  const mergeable = incident.state !== "resolved" && context.others.length > 0;
  const verbs = mergeable ? [...known, "merge"] : known;
  const button = (verb, index) => el("button", {
    type: "button", class: `do ${index === 0 ? "first" : ""} ${verb === "cancel" ? "plain" : ""}`, title: DOES[verb].title,
    "data-key": `${verb}/${incident.id}`, "data-verb": verb, onclick: () => act(incident, verb),
  }, DOES[verb].label);
  const naming = verbs.filter((verb) => NAMES.includes(verb));
  const own = verbs.map((verb, index) => !naming.includes(verb) && button(verb, index));
  const quiet = context.quiet.length || (incident.state === "resolved" && !isSilent(incident)) ? null : [1, 4].map((hours) => el("button", {
    type: "button", class: "do plain", "data-key": `silence-${hours}/${incident.id}`, title: `Mute notifications of ${incident.target} for ${plural(hours, "hour")}`,
    onclick: () => silence(incident.target, hours * 60, input("note", incident)?.value ?? "", keyOf(incident)),
  }, `Silence ${hours} h`));
  return el("div", { class: "buttons", "data-needs": "responder", role: "group", "aria-label": `Actions for ${incident.title}` }, own, quiet, noteField(incident),
    naming.length > 0 && el("div", { class: "buttons naming" }, naming.map((verb) => [verb === "merge" ? intoField(incident, context.others) : ownerField(incident), button(verb, 1)])));
}
