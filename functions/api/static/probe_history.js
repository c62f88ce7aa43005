// How a probe did: a bar an interval, as high as the share of checks that succeeded is bad, and a gap where there was none.
import { el, svg } from "./dom.js";
import { clock, dayOf, percent, plural, shortDay } from "./format.js";

const isKnown = (value) => value !== null && value !== undefined;
const tone = (value) => (value >= 1 ? "good" : value >= 0.9 ? "warning" : "critical");

function interval(place, from, seconds) {
  const start = new Date(Date.parse(from) + 1000 * seconds * place);
  return seconds >= 86400 ? dayOf(start) : clock(start);
}

// The share over all intervals that had checks, each as long as the others.
const uptime = (known) => known.reduce((sum, value) => sum + value, 0) / known.length;

export function bars(probe, values, { since: from, until, seconds }) {
  const known = (values ?? []).filter(isKnown);
  if (!known.length) return el("p", { class: "soft" }, "No check is recorded in this time.");
  const failed = known.filter((value) => value < 1).length;
  const missing = values.length - known.length;
  const up = uptime(known);
  const says = `${percent(up)} up over ${seconds >= 86400 ? `${values.length} days` : "24 hours"}`;
  const more = [failed && `${plural(failed, "interval")} with failures`, missing && `${failed ? missing : plural(missing, "interval")} without a check`].filter(Boolean).join(", ");
  const missed = isKnown(probe.objective) && up < probe.objective;
  return el("div", { class: "uptime" },
    el("div", { class: "soft" }, el("span", { class: missed ? "critical" : "" }, says, isKnown(probe.objective) && `, objective ${percent(probe.objective)}`)),
    more && el("div", { class: "soft" }, more),
    svg("svg", { class: "bars", viewBox: `0 0 ${values.length} 10`, preserveAspectRatio: "none", role: "img", "aria-label": `${probe.name}: ${says}${more && `; ${more}`}` },
      values.map((value, place) => svg("rect", { class: isKnown(value) ? tone(value) : "none", x: place + 0.1, width: 0.8, y: isKnown(value) ? 0 : 8, height: isKnown(value) ? 10 : 2 },
        svg("title", {}, `${interval(place, from, seconds)}: ${isKnown(value) ? `${percent(value)} of the checks succeeded` : "no check"}`)))),
    el("div", { class: "axis" }, el("span", {}, seconds >= 86400 ? shortDay(from) : clock(from)), el("span", {}, seconds >= 86400 ? shortDay(until) : clock(until))));
}
