// The lists of incidents: the open ones, the most urgent first, and those that are over.
import { at, el, item, patch } from "./dom.js";
import { dollars, plural } from "./format.js";
import { card } from "./incident.js";
import { keyOf } from "./incident_verbs.js";
import { fault, pending } from "./commands.js";

const RANK = ["info", "warning", "error", "critical"];
const perHour = (incident) => incident.impact?.dollars_per_hour ?? 0;

export const isOpen = (incident) => incident.state !== "resolved";
export const worst = (all) => RANK[Math.max(...all.map((one) => RANK.indexOf(one.severity)))];

// Orders that are at risk in several incidents count once, by the largest risk.
function counted({ worst, more }, [orders, , dollars]) {
  const before = worst.get(orders) ?? 0;
  return { worst: worst.set(orders, Math.max(before, dollars)), more: more + Math.min(before, dollars) };
}

// What hurts now: an incident that is mitigated costs nothing any more.
export function risk(all) {
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

function entry(incident, silences, open) {
  const key = keyOf(incident);
  const quiet = isOpen(incident) ? silencing(silences, incident.target) : [];
  const others = isOpen(incident) ? open.filter((one) => one.id !== incident.id && isOpen(one)).map(({ id, title, target }) => ({ id, title, target })) : [];
  const context = { quiet, others, fault: fault(key), sending: pending(key) };
  return item(incident.id, [incident, context], () => card(incident, context));
}

export function draw(all, silences, held) {
  const stays = (one) => isOpen(one) || held.has(one.id);  // what was just resolved here stays in its place until the API says so
  const open = all.filter(stays)
    .sort((a, b) => RANK.indexOf(b.severity) - RANK.indexOf(a.severity) || perHour(b) - perHour(a) || b.opened_at.localeCompare(a.opened_at));
  const past = all.filter((one) => !stays(one));
  patch(at("open"), open.length
    ? open.map((incident) => entry(incident, silences, open))
    : [item("none", 0, () => el("p", { class: "card calm" }, "No open incident."))]);
  at("past").hidden = !past.length;
  at("past-count").textContent = plural(past.length, "resolved incident");
  patch(at("past-list"), past.map((incident) => entry(incident, silences, open)));
}

const unknown = (name, starting) => ({ name, value: "–", more: starting ? "not known yet" : "not known", tone: starting ? "" : "critical" });

// What an incident costs whose revenue is not known is not 0.
function atRisk({ dollars: middle, low, high, unknown: missing }) {
  const name = "Revenue at risk per hour", more = `${missing} unknown`;
  if (!middle) return missing ? { name, value: "Unknown", more, tone: "" } : { name, value: dollars(0), more: "none", tone: "good" };
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
