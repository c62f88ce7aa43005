import { el, svg } from "./dom.js";
import { clock, percent, seconds, span, when, words } from "./format.js";

function spark(history) {
  const top = Math.max(1e-6, ...history.map((one) => one.latency ?? 0));
  const points = history.map((one, index) => [index, 1 - 0.9 * ((one.latency ?? 0) / top)]);
  return svg("svg", { class: "spark", viewBox: `0 0 ${Math.max(1, history.length - 1)} 1`, preserveAspectRatio: "none", role: "img", "aria-label": "latency of the last checks" },
    history.map((one, index) => (one.ok ? null : svg("rect", { x: index - 0.4, y: 0, width: 0.8, height: 1 }))),
    svg("path", { d: `M${points.map((point) => point.join(" ")).join("L")}` }));
}

// The share of this month's checks that were good, and what is left of the error budget where there is an objective.
function month(data) {
  if (data.month_availability == null) return null;
  const left = data.budget == null ? null : data.budget > 0 ? `${percent(data.budget)} of the error budget left` : "error budget spent";
  return [el("div", { class: "soft" }, `${percent(data.month_availability)} good this month`, data.objective != null && `, objective ${percent(data.objective)}`), left && el("div", { class: "soft" }, left)];
}

const SECONDS = ["replication_lag", "age"];
const COUNTS = ["messages"];

// What the latest check measured besides the latency; the rest are shares.
function measures(data) {
  const shown = Object.entries(data.measures ?? {}).map(([name, value]) =>
    `${words(name)} ${SECONDS.includes(name) ? seconds(value) : COUNTS.includes(name) ? value : percent(value)}`);
  return shown.length > 0 && el("div", { class: "soft" }, shown.join(" · "));
}

// What was found holds only as long as checks go on.
export const isAwaited = (data) => Boolean(data.awaited);
export const isUnchecked = (data) => !isAwaited(data) && (!data.checked_at || data.overdue);
export const isDown = (data) => data.status === "firing" && !isAwaited(data) && !isUnchecked(data);

export function probe(data) {
  const up = data.status === "resolved";
  const state = data.awaited ? ["info", data.checked_at ? `not known yet, was ${up ? "up" : "down"}` : "not checked yet"]
    : !data.checked_at ? ["warning", "not checked"] : data.overdue ? ["warning", `not known, was ${up ? "up" : "down"}`] : up ? ["good", "up"] : ["critical", "down"];
  return el("article", { class: "card", "data-probe": data.name },
    el("div", { class: "row" }, el("h2", {}, data.name), el("span", { class: "soft" }, data.kind), el("span", { class: `pill push ${state[0]}` }, state[1])),
    el("div", { class: "soft" }, data.where),
    data.due_at && el("div", { class: "soft" }, `${data.awaited ? "First check due" : "A check was due"} at ${clock(data.due_at)}`),
    data.checked_at && [el("div", { class: "soft" }, `${seconds(data.latency)} · ${data.detail || "as expected"}`),
      (data.overdue || data.awaited || data.since) && el("div", { class: "soft" }, data.overdue || data.awaited ? `not checked for ${span(data.checked_at)}` : `${up ? "up" : "down"} for ${span(data.since)}`)],
    measures(data),
    month(data),
    data.certificate_expires_at && el("div", { class: "soft" }, `Certificate expires ${when(data.certificate_expires_at)}`),
    data.history?.length > 1 && spark(data.history));
}
