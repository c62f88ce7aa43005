// The probes: what each says now, and how it did over a day or a quarter, the worst first.
import { get } from "./api.js";
import { at, el, item, patch } from "./dom.js";
import { chosen, empty } from "./filters.js";
import { plural } from "./format.js";
import { SLOWLY, watch } from "./parts.js";
import { bars } from "./probe_history.js";
import { isAwaited, isDown, isUnchecked, probe } from "./probes.js";

const RANGES = { "24h": "24 hours", "90d": "90 days" };
const range = () => (chosen().get("range") in RANGES ? chosen().get("range") : "24h");
const rank = (one) => (isDown(one) ? 0 : isUnchecked(one) ? 1 : isAwaited(one) ? 2 : 3);

function nothing() {
  return item("none", 0, () => empty("No probe is set up.", "Add ", el("code", {}, "probes"), " to the settings: HTTP, TCP, TLS, DNS, databases, caches, tables and more; ", el("a", { href: "/guides/settings.md" }, "what each takes"), "."));
}

function draw() {
  const { probes: all, history } = page.known;
  if (!all) return;
  const known = history?.range === range() && page.isKnown("history") ? history : null;
  const sorted = [...all].sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  patch(at("probes"), sorted.length ? sorted.map((one) => {
    const values = known?.probes[one.name];
    return item(one.name, [one, known && [values, known.since], range()], () => {
      const card = probe(one);
      card.append(known ? bars(one, values, known) : el("p", { class: "soft" }, page.failed.has("history") ? `The history is not known: ${page.failed.get("history").reason}` : "The history is loading."));
      return card;
    });
  }) : [nothing()]);
  const [down, unknown] = [all.filter(isDown).length, all.filter((one) => isUnchecked(one) || isAwaited(one)).length];
  at("summary").textContent = [plural(all.length, "probe"), down && `${down} down`, unknown && `${unknown} not known`, !down && !unknown && all.length && "all up"].filter(Boolean).join(" · ");
}

const page = watch({
  probes: { load: () => get("/v1/probes"), in: ["summary", "probes"], on: ["probes"] },
  history: { load: async () => ({ range: range(), ...(await get(`/v1/probes/history?period=${range()}`)) }), every: SLOWLY },
}, { drawn: draw });

function choose(name) {
  const query = chosen();
  query.set("range", name);
  history.pushState(null, "", `/probes?${query}`);
  controls();
  page.refresh(["history"]);
}

function controls() {
  at("ranges").replaceChildren(...Object.entries(RANGES).map(([name, title]) => el("label", { title },
    el("input", { type: "radio", name: "range", value: name, checked: name === range(), "aria-label": title, onchange: () => choose(name) }), el("span", { "aria-hidden": "true" }, title))));
}

addEventListener("popstate", () => { controls(); page.refresh(["history"]); });
controls();
page.keepFresh();
