// The cards of the overview: of each part what is wrong or not known, the worst first, and how much of it is well.
import { el, item } from "./dom.js";
import { left, percent, plural, since } from "./format.js";
import { link, pills, rank } from "./models.js";
import * as pipelines from "./pipelines.js";
import { isAwaited, isDown, isUnchecked } from "./probes.js";
import * as rules from "./rules.js";

const SHOWN = 4;
const pill = (tone, text) => el("span", { class: `pill ${tone}` }, text);
const row = (name, ...said) => el("li", {}, el("span", { class: "name" }, name), " ", said);

// `{ title, href, lines, calm }`: what needs a look, and what is said where nothing does.
function card({ title, href, lines, calm }) {
  return el("section", { class: "card part", "aria-label": title },
    el("h2", {}, el("a", { href }, title)),
    lines.length ? el("ul", {}, lines.slice(0, SHOWN)) : null,
    lines.length > SHOWN ? el("a", { href }, `${lines.length - SHOWN} more`) : null,
    calm && el("p", { class: "soft" }, calm));
}

function models(all) {
  if (!all.length) return { lines: [], calm: ["None is monitored. ", el("a", { href: "/guides/first-model.md" }, "Add the first one"), "."] };
  const sorted = [...all].sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  const bad = sorted.filter((one) => rank(one) < 5);
  const accuracy = ({ accuracy: known }) => known && known.floor !== null && known.value < known.floor && ` ${percent(known.value)}, floor ${percent(known.floor)}`;
  return { lines: bad.map((one) => row(link(one.name), pills(one), el("span", { class: "soft whole-line" }, accuracy(one)))), calm: bad.length < all.length && el("span", { class: "good" }, `${plural(all.length - bad.length, "model")} without drift`) };
}

function probes(all) {
  if (!all.length) return { lines: [], calm: "None is set up." };
  const bad = [...all.filter(isDown), ...all.filter(isUnchecked), ...all.filter(isAwaited)];
  const state = (one) => (isDown(one) ? [pill("critical", "down"), el("span", { class: "soft" }, " for ", since(one.since), one.detail && ` · ${one.detail}`)]
    : isAwaited(one) ? pill("info", "not known yet") : pill("warning", one.checked_at ? "not known" : "not checked"));
  return { lines: bad.map((one) => row(one.name, state(one))), calm: bad.length < all.length && el("span", { class: "good" }, `${plural(all.length - bad.length, "probe")} up`) };
}

function runs(all) {
  if (!all.length) return { lines: [], calm: "None has reported a run." };
  const look = all.filter((one) => pipelines.isUnknown(one) || pipelines.isUnhealthy(one) || one.running > 0);
  const well = all.filter((one) => !pipelines.isUnknown(one) && !pipelines.isUnhealthy(one)).length;
  return { lines: look.map((one) => row(one.name, pipelines.pill(one), one.running > 0 && el("span", { class: "soft" }, ` ${plural(one.running, "run")} active`))), calm: well > 0 && el("span", { class: "good" }, `${plural(well, "pipeline")} healthy`) };
}

function alertRules(data) {
  if (rules.isUnchecked(data)) return { lines: [], calm: "Whether alert rules have data is not known." };
  const [missed, lacking] = [data.absent.filter(rules.isMissed), data.absent.filter(rules.isLacking).length];
  const others = data.absent.length - missed.length - lacking;
  const calm = [`${data.rules - data.absent.length} of ${data.rules} have data`, lacking && `${lacking} set up, no data`, others && `${others} not set up here`].filter(Boolean);
  return { lines: missed.map((one) => row(one.name, pill("warning", "lost its data"))), calm: data.absent.length ? calm.join(" · ") : `All ${data.rules} rules have data` };
}

function channels(all) {
  const failing = all.filter((one) => one.failing);
  return { lines: failing.map((one) => row(one.name, pill("critical", "does not deliver"))), calm: all.length ? `${plural(all.length - failing.length, "channel")} without a failure` : "No channel is set up: nobody is notified." };
}

function onCall(all) {
  const shift = (one) => row(one.person, el("span", { class: "soft" }, `${one.name}`, one.until && [", for ", left(one.until)]));
  return { lines: all.map(shift), calm: all.length ? null : "No rotation is set up." };
}

const CARDS = [
  ["models", "Models", "/models", models], ["probes", "Probes", "/probes", probes], ["pipelines", "Pipelines", "/pipelines", runs],
  ["rules", "Alert rules", "/response#rules", alertRules], ["channels", "Channels", "/response#channels", channels], ["on-call", "On call", "/response#on-call", onCall],
];

// What does not answer any more is pale: it was so, and whether it is so nobody knows.
export const cards = (known, { failed, isKnown, isStarting }) => CARDS.map(([name, title, href, told]) => {
  const data = known[name];
  const stale = failed.has(name);
  const unknown = !data && (isStarting(name) ? "Not known yet." : isKnown(name) || !stale ? "Loading…" : "Not known.");
  return item(name, [data, stale, unknown, name === "models" || name === "probes" ? Math.floor(Date.now() / 60000) : 0], () => {
    const node = card({ title, href, ...(data ? told(data) : { lines: [], calm: unknown }) });
    node.id = `${name}-card`;
    node.classList.toggle("stale", stale && Boolean(data));
    return node;
  });
});
