// Automated responses: what was done by itself about an incident, what awaits a person, and the switch that halts them all.
import { command, fault, pending } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { clock, left, since, when, words } from "./format.js";
import { OUTCOME, STAGE, TRAINING, ofAction } from "./words.js";

const keyOf = (one) => `action/${one.id}`;
const SHOWN = 10;

function stage(one, training) {
  const [tone, text] = OUTCOME[training?.outcome ?? words(one.reason ?? "")] || (one.action === "retrain_model" && TRAINING[one.stage]) || STAGE[one.stage] || ["info", words(one.stage)];
  return el("span", { class: `pill ${tone}` }, one.mode === "dry_run" && one.stage === "planned" ? "dry run" : text);
}

const steps = (one) => one.steps?.length > 0 && el("ul", { class: "steps" }, one.steps.map((step) =>
  el("li", {}, `${step.what}: `, el("s", {}, step.before), " → ", el("b", {}, step.after))));

// The ones that the timeline names; what has no document any more is told by the timeline alone.
export function responses(incident) {
  const all = incident.actions ?? [];
  const told = all.length ? [] : incident.timeline.filter((one) => one.reason === "action").map((one) => one.summary);
  if (!all.length && !told.length) return [];
  const trainings = new Map((incident.trainings ?? []).map((one) => [one.run_id, one]));
  const training = (one) => (one.run_id ? trainings.get(one.run_id) : undefined);
  return [el("h2", {}, "Automated actions"), el("ul", { class: "done" },
    all.map((one) => el("li", {},
      el("div", { class: "row" }, stage(one, training(one)), el("b", {}, words(one.action)), one.target !== incident.target && el("code", {}, one.target)),
      one.summary && el("div", {}, one.mode === "dry_run" ? `Would do: ${one.summary}` : one.summary), steps(one),
      el("div", { class: "soft" }, `${asker(one)}: ${training(one)?.detail || ofAction(one)}`),
      one.stage === "awaiting_approval" && el("a", { href: "#approvals" }, "Approve or reject"))),
    told.map((text) => el("li", {}, text)))];
}

// The playbook, and which of its actions this is; those requested before these were counted say none.
const asker = (one) => (one.rung ? `${one.playbook} (${one.rung})` : one.playbook);

function answer(one, verb) {
  const note = document.querySelector(`[data-key="note/${CSS.escape(one.id)}"]`);
  const next = verb === "approve" ? "approved" : "rejected";
  command({
    key: keyOf(one), path: `/v1/actions/${encodeURIComponent(one.id)}/${verb}`, body: { note: note?.value ?? "" },
    says: `${next}: ${words(one.action)} on ${one.target}`,
    apply: (known) => ({ ...known, actions: { ...known.actions, waiting: known.actions.waiting.map((two) => (two.id === one.id ? { ...two, stage: next } : two)) } }),
    holds: (known) => !known.actions.waiting.some((two) => two.id === one.id && two.stage === "awaiting_approval" && two.first_approver === one.first_approver),
  });
}

function approval(one, context) {
  const asked = one.stage === "awaiting_approval";
  const name = `${words(one.action)} on ${one.target}`;
  const button = (verb, label, style) => el("button", { type: "button", "data-needs": "operator", class: `do ${style}`, "data-key": `${verb}/${one.id}`, "aria-label": `${label}: ${name}`, onclick: () => answer(one, verb) }, label);
  return el("article", { class: "card edge approval", "data-action": one.id, tabindex: -1, "aria-label": name },
    el("div", { class: "row soft head" }, stage(one), el("span", {}, `requested by ${asker(one)}`),
      context.sending && el("span", { class: "saving" }, "saving…"),
      asked && one.answer_by && el("span", { class: "push" }, "expires in ", left(one.answer_by))),
    el("h3", {}, name),
    el("p", {}, one.summary), steps(one),
    el("p", { class: "soft" }, `${one.asked_because} · `, el("a", { href: `/incidents/${encodeURIComponent(one.incident_id)}` }, "the incident")),
    asked && one.first_approver && el("p", { class: "soft" }, `Approved by ${one.first_approver}; another person must approve it, too.`),
    asked && el("div", { class: "buttons" }, button("approve", "Approve", "first"), button("reject", "Reject", ""),
      el("input", { type: "text", class: "note", maxlength: 300, placeholder: "Note (optional)", "aria-label": `Note on ${name}`, "data-key": `note/${one.id}` })),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault));
}

const awaiting = (actions) => (actions?.waiting ?? []).filter((one) => one.stage === "awaiting_approval");

export function approvals(actions) {
  const asked = actions.waiting.filter((one) => one.stage === "awaiting_approval" || pending(keyOf(one)) || fault(keyOf(one)));
  at("approvals").hidden = !asked.length;
  patch(at("approvals-list"), asked.map((one) => {
    const context = { sending: pending(keyOf(one)), fault: fault(keyOf(one)) };
    return item(one.id, [one, context], () => approval(one, context));
  }));
}

const nameOf = (action) => (action === "*" ? "everything" : words(action));
const ASKS = {
  halt: (action) => ({ title: `Halt ${nameOf(action)}?`, label: "Halt", text: [`${action === "*" ? "No action is" : "This action is not"} applied from now on, even if approved, until somebody resumes ${action === "*" ? "automation" : "it"}.`, "What has been applied already stays."] }),
  resume: (action) => ({ title: `Resume ${nameOf(action)}?`, label: "Resume", text: "Playbooks act by themselves again, within their guard rails." }),
};

// It counts at once, and is undone by its opposite.
function turn(verb, action, note, ask = ASKS[verb](action)) {
  const halted = verb === "halt";
  const undo = ask && (() => turn(halted ? "resume" : "halt", action, "undone", null));
  const others = (all) => all.filter((one) => one.action !== action);
  return command({
    key: "automation", path: `/v1/automation/${verb}`, body: { action, note },
    says: `${halted ? "Halted" : "Resumed"}: ${nameOf(action)}`, ask, undo,
    apply: (known, by) => ({ ...known, actions: { ...known.actions, automation: { ...known.actions.automation, halted: [...others(known.actions.automation.halted), ...(halted ? [{ action, by, at: new Date().toISOString(), note, halted }] : [])] } } }),
    holds: (known, by) => known.actions.automation.halted.some((one) => one.action === action) === halted
      || (!halted && action === "*" && known.actions.automation.resuming?.by === by),
  });
}

export const halted = (actions) => actions?.automation.halted ?? [];
const everything = (actions) => halted(actions).some((one) => one.action === "*");

function switches(actions, context) {
  const { automation } = actions;
  const all = everything(actions);
  const [tone, text] = !automation.enabled ? ["warning", "Off: disabled in the settings"]
    : all ? ["critical", "Halted: no automated actions run"]
      : halted(actions).length ? ["warning", "On, except for the actions halted below"] : ["good", "On: playbook actions run within their guard rails"];
  const value = (id) => document.getElementById(id);
  const halt = () => turn("halt", value("halt-which").value, value("halt-note").value).then((done) => { if (done) value("halt-note").value = ""; });
  return el("div", { class: "card", "aria-label": "Switch" },
    el("p", { class: `switch ${tone}`, id: "switch-state" }, text, context.sending && el("span", { class: "saving" }, " saving…")),
    all && automation.resuming && el("p", { class: "soft" }, `${automation.resuming.by} wants everything resumed; another person must say so, too, within an hour.`),
    el("ul", { class: "halts" }, halted(actions).map((one) => el("li", {},
      el("span", {}, el("b", {}, one.action === "*" ? "Everything" : words(one.action)), " halted by ", one.by, " ", since(one.at), " ago", one.note && `: ${one.note}`),
      el("button", { type: "button", "data-needs": "operator", class: "do small", "data-key": `resume/${one.action}`, "aria-label": `Resume ${nameOf(one.action)}`, onclick: () => turn("resume", one.action, "") }, "Resume")))),
    el("div", { class: "buttons" },
      el("label", {}, el("span", { class: "hidden" }, "Action to halt"), el("select", { id: "halt-which", "data-key": "halt-which" },
        el("option", { value: "*" }, "everything"), automation.actions.map((name) => el("option", { value: name }, words(name))))),
      el("button", { type: "button", "data-needs": "operator", class: "do danger", "data-key": "halt", onclick: halt }, "Halt"),
      el("input", { type: "text", class: "note", id: "halt-note", maxlength: 300, placeholder: "Reason (optional)", "aria-label": "Reason for the halt", "data-key": "halt-note" })),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault));
}

function line(one) {
  return el("li", { class: "soft" }, el("div", { class: "row" }, stage(one), el("b", {}, words(one.action)), el("code", {}, one.target),
    el("span", { class: "push", title: when(one.at) }, clock(one.at))),
  el("div", {}, one.summary || one.detail || ofAction(one), one.by && ` · ${one.by}`, " · ", el("a", { href: `/incidents/${encodeURIComponent(one.incident_id)}` }, "incident")));
}

function recent(actions) {
  const going = actions.waiting.filter((one) => one.stage !== "awaiting_approval");
  const known = new Set(actions.waiting.map((one) => one.id));
  const past = (actions.recent ?? []).filter((one) => !known.has(one.id));
  const all = [...going, ...past];
  return el("div", { class: "card" },
    el("h3", {}, "Last 7 days"),
    all.length ? el("ul", { class: "lines" }, all.slice(0, SHOWN).map(line)) : el("p", { class: "soft" }, "No actions were requested."),
    all.length > SHOWN && el("details", { "data-key": "recent" }, el("summary", {}, `${all.length - SHOWN} more`), el("ul", { class: "lines" }, all.slice(SHOWN).map(line))),
    actions.recent === null && (actions.starting ? el("p", { class: "soft" }, "The history is starting; only active actions are shown.")
      : el("p", { class: "fault" }, "The history does not answer; only active actions are shown.")));
}

export function draw(actions) {
  approvals(actions);
  const context = { sending: pending("automation"), fault: fault("automation") };
  patch(at("automation"), [
    item("switch", [actions.automation, context], () => switches(actions, context)),
    item("recent", [actions.waiting, actions.recent, actions.starting], () => recent(actions)),
  ]);
}

// Of `null` nothing is known; `starting`: nor can it be yet.
export function glance(actions, starting) {
  if (!actions) return ["Awaiting approval", "Automation"].map((name) => ({ name, value: "–", more: starting ? "not known yet" : "not known", tone: starting ? "" : "warning" }));
  const count = awaiting(actions).length;
  const off = !actions.automation.enabled;
  return [
    { name: "Awaiting approval", value: String(count), more: count ? "approve or reject" : "none pending", link: count ? "#approvals" : "", tone: count ? "warning" : "good" },
    {
      name: "Automation", link: "/response", value: off ? "Off" : everything(actions) ? "Halted" : "On", tone: off || halted(actions).length ? "warning" : "good",
      more: off ? "in the settings" : everything(actions) ? `by ${halted(actions).find((one) => one.action === "*").by}` : halted(actions).length ? `${halted(actions).length} halted` : "within its guard rails",
    },
  ];
}
