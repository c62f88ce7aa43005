// The registered versions of a model, newest first: what they were trained on, how well they did, who asked, and where they are.
import { el } from "./dom.js";
import { days, number, percent, when } from "./format.js";

const WEB = /^https?:\/\//i;
const unknown = () => el("span", { class: "soft" }, "not known");
const span = (from, to) => (from && to ? days(from, to) : unknown());

function metric([name, { value, low, high }]) {
  const interval = low === null || low === undefined ? "" : ` (${number(low)} to ${number(high)})`;
  return el("div", {}, `${name} ${number(value)}${interval}`);
}

function registered(version) {
  const all = (version.registry_uri ?? "").split(" ").filter(Boolean);
  if (!all.length) return unknown();
  return all.map((one) => el("div", {}, WEB.test(one) ? el("a", { href: one, target: "_blank", rel: "noopener noreferrer" }, version.registry || "registry") : el("code", {}, one)));
}

const TONES = { champion: "good", challenger: "info" };

function row(version, used) {
  const aliases = version.aliases.map((one) => el("span", { class: `pill ${TONES[one.alias] ?? "info"}`, title: `${when(one.changed_at)}, ${one.changed_by}: ${one.why}` },
    one.alias === "challenger" ? `challenger ${percent(one.share / 100)}` : one.alias));
  const name = el("th", { scope: "row" }, version.version, " ", aliases.length ? aliases : version.version === used ? el("span", { class: "pill good" }, "in use") : "");
  if (version.fault) return el("tr", {}, name, el("td", {}, when(version.created_at)), el("td", { colspan: 5 }, version.fault));
  const metrics = Object.entries(version.metrics ?? {});
  return el("tr", {}, name,
    el("td", {}, when(version.created_at)),
    el("td", {}, span(version.trained_from ?? version.reference_start, version.trained_until ?? version.reference_end)),
    el("td", {}, metrics.length ? metrics.map(metric) : unknown()),
    el("td", {}, version.requested_by || unknown()),
    el("td", {}, version.run_id ? el("code", {}, version.run_id) : unknown()),
    el("td", {}, registered(version)));
}

const TITLES = ["Version", "Registered", "Trained on", "Metrics (95% interval)", "Asked by", "Run", "Registry"];

export function versions(data) {
  if (!data.versions.length) return el("p", { class: "soft" }, "No version of this model is registered: which one is in use is not known.");
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Versions" }, el("table", { class: "versions" },
    el("thead", {}, el("tr", {}, TITLES.map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, data.versions.map((one) => row(one, data.in_use)))));
}
