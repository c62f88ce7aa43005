// What of the platform is watched, alerted, drawn and seen now, area by area; each opens to its signals.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";
import { clock, plural } from "./format.js";
import { SLOWLY, watch } from "./parts.js";

const LEVELS = { "seen here": "good", replayed: "info", "needs GCP": "info", "not set up": "info", "not seen yet": "info", "not seen": "warning", "not known": "warning" };

const list = (names, none) => (names.length ? names.join(", ") : el("span", { class: "soft" }, none));
const seen = (one) => (one.series === null ? "not known" : one.series
  ? [plural(one.series, "series", "series"), one.replayed > 0 && `, ${one.replayed === one.series ? "replayed" : `${one.replayed} replayed`}`, one.written_by.length > 0 && ` by ${one.written_by.join(", ")}`] : "none");

const signalRow = (one) => el("tr", {},
  el("th", { scope: "row" }, el("code", {}, one.selector), one.help && el("p", { class: "soft" }, one.help)),
  el("td", {}, one.source), el("td", {}, seen(one)), el("td", {}, list(one.rules, "no rule")), el("td", {}, list(one.panels, "no panel")));

const signals = (area) => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Signals of ${area.name}` }, el("table", { class: "signals" },
  el("thead", {}, el("tr", {}, ["Signal", "Written by", "Seen in the last hour", "Alert rules", "Panels"].map((name) => el("th", { scope: "col" }, name)))),
  el("tbody", {}, area.signals.map(signalRow))));

const count = (number, name, many) => el("span", { class: number ? "" : "soft" }, plural(number, name, many));

// What to do so that something of ours is seen there.
const HOW = { "not set up": "To set it up: ", replayed: "To see your own: " };
const how = ({ how: what, guide, settings }, lead) => el("div", { class: "how" },
  el("p", {}, lead, el("b", {}, what.replaceAll("`", "")), " ", el("a", { href: `/guides/${guide}` }, "Guide")),
  settings && [el("p", { class: "soft" }, "In the settings (", el("code", {}, "infra/monitoring.yaml"), "), then start or deploy again:"), el("pre", { tabindex: 0, "aria-label": "Settings to add" }, el("code", {}, settings.trimEnd()))]);

const card = (area) => el("details", { class: "card area", "data-key": area.name },
  el("summary", {},
    el("b", {}, area.name),
    el("span", { class: `pill ${LEVELS[area.sight]}` }, area.sight),
    el("span", { class: "counts" }, count(area.signals.length, "signal"), " · ", `${area.seen ?? "not known how many"} seen`, area.replayed > 0 && `, ${area.replayed} replayed`, " · ", count(area.rules.length, "alert rule"), " · ", count(area.panels.length, "panel")),
    el("span", { class: "soft" }, area.owner)),
  area.sight === "needs GCP" && el("p", { class: "soft" }, "Only Google Cloud writes it. It is held against its documentation by ", el("code", {}, area.contract), "."),
  area.sight === "not seen yet" && el("p", { class: "soft" }, area.due_at ? `Its first measurement is due at ${clock(area.due_at)}.` : "Its first measurement is not due yet."),
  area.sight === "replayed" && el("p", { class: "soft" }, "On this machine its data are a replay: these samples show that the area works, and do not count as seen."),
  HOW[area.sight] && area.set_up && how(area.set_up, HOW[area.sight]),
  area.sight === "not set up" && el("p", { class: "soft" }, "Until then it is tested by ", el("code", {}, area.contract), "."),
  signals(area));

function draw({ at: instant, areas }) {
  const many = (sight) => areas.filter((one) => one.sight === sight).length;
  const told = Object.keys(LEVELS).filter(many).map((sight) => `${many(sight)} ${many(sight) > 1 ? sight.replace("needs", "need") : sight}`);
  at("summary").textContent = `${plural(areas.length, "area")}: ${told.join(", ")}. As of ${clock(instant)}.`;
  show(at("areas"), ...areas.map(card));
}

// What is seen are series of metrics, which are scraped: nobody tells of them.
watch({ coverage: { load: () => get("/v1/coverage"), draw, every: SLOWLY, in: ["summary", "areas"] } }).keepFresh();
