// The page of one model: each part is asked for by itself, so that what one source does not tell is missing alone.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";
import { features } from "./distributions.js";
import { askAgain, drawHistory, follow, isComing, isDue } from "./history.js";
import { past } from "./model_history.js";
import { facts, verdict } from "./model_verdicts.js";
import { promotion } from "./model_promotion.js";
import { trainings } from "./model_trainings.js";
import { versions } from "./model_versions.js";
import { gaps, performance } from "./performance.js";
import { words } from "./format.js";
import { SLOWLY, watch } from "./parts.js";

const name = decodeURIComponent(location.pathname.split("/")[2]);
const base = `/v1/models/${encodeURIComponent(name)}`;
const history = past();
let all = false; // whether every feature is shown

const part = (path, draw, ids, on) => ({ load: () => get(base + path()), draw, every: SLOWLY, in: ids, on });
const page = watch({
  overview: part(() => "/overview", drawOverview, ["verdicts", "facts"], ["models", "verdicts", "promotions", "incidents"]),
  history: part(() => `/history?days=${at("days").value}`, drawPast, ["past"], ["models", "promotions", "incidents"]),
  versions: part(() => "/versions", (data) => show(at("versions"), versions(data)), ["versions"], ["models", "promotions"]),
  experiment: part(() => "/experiment", (data) => show(at("promotion"), ...promotion(data)), ["promotion"], ["promotions"]),
  trainings: part(() => "/trainings", (data) => show(at("trainings"), trainings(data)), ["trainings"], ["models", "promotions", "pipelines"]),
  distributions: part(() => "/distributions", drawFeatures, ["features", "segments"], ["models"]),
}, { drawn, soon: isComing, back: askAgain, also: grown });
const { known } = page;

// Of more of the past that has come in, what is shown of it is old.
async function grown() {
  const more = isDue() && (await follow());
  drawHistory();
  return more ? ["overview", "history"] : [];
}

function drawOverview(data) {
  at("about").textContent = [data.task, data.owner && `owned by ${data.owner}`].filter(Boolean).join(" · ");
  show(at("verdicts"), verdict("Drift", data.verdicts.drift, "rows", data), verdict("Performance", data.verdicts.performance, data.task === "generative" ? "requests" : "labels", data));
  drawFacts();
  drawSegments();
}

function drawFacts() {
  if (known.overview) show(at("facts"), facts(known.overview, known.versions), performance(known.overview) ?? "");
}

function drawPast(data) {
  history.draw(data, at("charts"), at("incidents"));
  at("past").removeAttribute("aria-busy");
}

function drawFeatures(data) {
  const titles = new Map((known.overview?.statistics ?? []).map((one) => [one.name, one.title]));
  show(at("features"), ...features(data, titles, all, () => { all = true; drawFeatures(data); }));
  drawSegments();
}

// What carries the drift, in words, and the performance of each group.
function drawSegments() {
  const carried = Object.entries(known.distributions?.segments ?? {});
  const groups = known.overview && gaps(known.overview);
  if (groups) groups.open = !at("segments").querySelector("details:not([open])");
  const nothing = !carried.length && !groups;
  at("segments").removeAttribute("aria-busy");
  at("segments").replaceChildren(
    carried.length ? el("dl", { class: "segments" }, carried.map(([by, text]) => [el("dt", {}, words(by)), el("dd", {}, text)])) : "",
    groups ?? "",
    nothing ? el("p", { class: "soft" }, "No segment is known to carry a drift, and no performance by group is known.") : "");
}

function drawn() {
  for (const [part, { in: ids }] of Object.entries(page.parts)) {
    if (page.failed.has(part) && !known[part]) for (const id of ids) at(id).replaceChildren(el("p", { class: "soft" }, page.isStarting(part) ? "Not known yet" : "Not known"));
  }
  drawFacts();
  if (page.isKnown("distributions")) drawFeatures(known.distributions);
}

at("name").textContent = name;
document.title = `${name} · aia`;
at("days").addEventListener("change", () => page.refresh(["history"]));
document.addEventListener("themechange", () => history.redraw());
page.keepFresh();
