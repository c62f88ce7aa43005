// The open incidents, the most urgent first, and what they cost together.
import { at, el, item, patch } from "./dom.js";
import { dollars, since, words } from "./format.js";
import { act, addressOf, keyOf } from "./incident_verbs.js";
import { fault, pending } from "./commands.js";

const RANK = ["info", "warning", "error", "critical"];
const SHOWN = 6; // what fits beside everything else on one screen
const perHour = (incident) => incident.impact?.dollars_per_hour ?? 0;

export const isOpen = (incident) => incident.state !== "resolved";
export const worst = (all) => RANK[Math.max(...all.map((one) => RANK.indexOf(one.severity)))];

// Orders that are at risk in several incidents count once, by the largest risk.
function counted({ worst, more }, [orders, , dollars]) {
  const before = worst.get(orders) ?? 0;
  return { worst: worst.set(orders, Math.max(before, dollars)), more: more + Math.min(before, dollars) };
}

// What hurts now: an incident that is mitigated costs nothing any more.
function risk(all) {
  const live = all.filter((one) => isOpen(one) && one.state !== "mitigated");
  const hurting = live.filter((one) => one.impact);
  const sum = (name) => hurting.reduce((total, one) => total + one.impact[name], 0);
  const twice = hurting.flatMap((one) => one.impact.orders ?? []).reduce(counted, { worst: new Map(), more: 0 }).more;
  const reckoned = sum("dollars_per_hour");
  const once = reckoned > 0 ? 1 - twice / reckoned : 1;
  return { dollars: reckoned * once, low: sum("low") * once, high: sum("high") * once, count: hurting.length, unknown: live.length - hurting.length };
}

export const silencing = (silences, target) => silences.filter((silence) => matches(silence.pattern, target));

function matches(pattern, target) {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*?")}$`, "s").test(target);
}

// An open incident in a line: what is wrong, since when, what it costs and who has it.
function line(incident, { quiet, fault: problem, sending }) {
  const nobody = incident.state === "open" && !incident.acknowledged_by;
  return el("li", { class: `edge line ${incident.severity}`, "data-incident": incident.id },
    el("div", { class: "row" },
      el("span", { class: `pill solid ${incident.severity}` }, incident.severity),
      incident.state !== "open" && el("span", { class: "pill info" }, incident.state),
      el("a", { class: "what", href: addressOf(incident.id) }, incident.title)),
    el("div", { class: "row soft" },
      el("code", {}, incident.target), incident.category && el("span", {}, words(incident.category)),
      el("span", {}, "for ", since(incident.opened_at)),
      el("span", {}, incident.impact ? `${dollars(perHour(incident))} an hour` : "impact not known"),
      el("span", { class: nobody ? "critical" : "" }, incident.acknowledged_by ? `${incident.acknowledged_by} has it` : "nobody has it yet"),
      quiet && el("span", {}, "silenced"),
      sending && el("span", { class: "saving" }, "saving…"),
      nobody && el("button", { type: "button", "data-needs": "responder", class: "do small push", "data-key": `acknowledge/${incident.id}`, "data-verb": "acknowledge", "aria-label": `Acknowledge ${incident.title}`, onclick: () => act(incident, "acknowledge") }, "Acknowledge")),
    problem && el("p", { class: "fault", role: "alert" }, problem));
}

const mostUrgent = (all) => all.filter(isOpen)
  .sort((a, b) => RANK.indexOf(b.severity) - RANK.indexOf(a.severity) || perHour(b) - perHour(a) || b.opened_at.localeCompare(a.opened_at));

export function draw(all, silences) {
  const open = mostUrgent(all);
  patch(at("open"), open.length
    ? open.slice(0, SHOWN).map((incident) => {
      const key = keyOf(incident);
      const context = { quiet: silencing(silences, incident.target).length > 0, fault: fault(key), sending: pending(key) };
      return item(incident.id, [incident, context], () => line(incident, context));
    })
    : [item("none", 0, () => el("li", { class: "card calm" }, "No open incident."))]);
  at("all-incidents").textContent = open.length > SHOWN ? `All ${open.length} open incidents` : "All incidents";
}

const unknown = (name, starting) => ({ name, value: "–", more: starting ? "not known yet" : "not known", tone: starting ? "" : "critical" });

// What an incident costs whose revenue is not known is not 0.
function atRisk({ dollars: middle, low, high, unknown: missing }) {
  const name = "Revenue at risk per hour", more = `${missing} not known`;
  if (!middle) return missing ? { name, value: "Not known", more, tone: "" } : { name, value: dollars(0), more: "none", tone: "good" };
  return { name, value: dollars(middle), more: `${dollars(low)} to ${dollars(high)}${missing ? ` · ${more}` : ""}`, tone: "" };
}

// Of `null` nothing is known; `starting`: nor can it be yet.
export function glance(all, starting) {
  if (!all) return ["Open incidents", "Revenue at risk per hour"].map((name) => unknown(name, starting));
  const open = all.filter(isOpen);
  const unowned = open.filter((one) => one.state === "open").length;
  const mitigated = open.filter((one) => one.state === "mitigated").length;
  const owned = [unowned ? `${unowned} unacknowledged` : open.length ? "all acknowledged" : "", mitigated ? `${mitigated} mitigated` : ""];
  return [
    { name: "Open incidents", value: String(open.length), more: owned.filter(Boolean).join(", ") || "none firing", tone: open.length ? worst(open) : "good" },
    atRisk(risk(all)),
  ];
}
