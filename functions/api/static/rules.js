// Alert rules that cannot fire, because a metric that they need is absent: what they are about is not known.
import { at, el, item, patch } from "./dom.js";
import { clock, plural } from "./format.js";

export const isUnchecked = (data) => data.checked_at === null || data.absent === null;
export const isMissed = (one) => one.missed;
// Something that is set up here should write what it needs, and nothing does.
export const isLacking = (one) => one.expected && !one.missed;

const list = (title, rules) => rules.length > 0 && el("details", { "data-key": `rules/${title}` },
  el("summary", {}, `${plural(rules.length, "rule")} ${title}`),
  el("ul", { class: "halts" }, rules.map((one) => el("li", { "data-rule": one.name },
    el("span", {}, el("b", {}, one.name), " ", el("span", { class: "pill info" }, one.severity), " ", one.metrics.map((name) => [el("code", {}, name), " "]))))));

function card(data) {
  if (isUnchecked(data)) {
    const last = data.checked_at ? `The last check was at ${clock(data.checked_at)}.` : "They were not checked yet.";
    return el("p", { class: "soft" }, el("span", { class: "pill warning" }, "not known"), ` Whether alert rules have data is not known. ${last}`);
  }
  const [missed, lacking, others] = [data.absent.filter(isMissed), data.absent.filter(isLacking), data.absent.filter((one) => !one.expected)];
  const says = data.absent.length
    ? `${data.rules - data.absent.length} of ${data.rules} rules have data. Of the others nothing is known: they cannot fire.`
    : `All ${data.rules} rules have data.`;
  return el("div", {}, el("p", { class: "soft" }, says),
    list("lost the data that they had within seven days", missed), list("whose source is set up, without data for seven days", lacking),
    list("about what is not set up here", others),
    others.length > 0 && el("p", { class: "soft" }, "What is not set up, and how that is done, is on the page ", el("a", { href: "/coverage" }, "Coverage"), "."));
}

export const draw = (data) => patch(at("rules-card"), [item("rules", data, () => card(data))]);
