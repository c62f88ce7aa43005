// The page of one model: each part is asked for by itself, so that what one source does not tell is missing alone.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";
import { features } from "./distributions.js";
import { drawHistory, follow, isDue } from "./history.js";
import { past } from "./model_history.js";
import { facts, verdict } from "./model_verdicts.js";
import { promotion } from "./model_promotion.js";
import { trainings } from "./model_trainings.js";
import { versions } from "./model_versions.js";
import { gaps, performance } from "./performance.js";
import { words } from "./format.js";
import { asOf } from "./zone.js";

const EVERY = 60000;
const name = decodeURIComponent(location.pathname.split("/")[2]);
const base = `/v1/models/${encodeURIComponent(name)}`;
const known = {};
const failed = new Map();
const history = past();
let all = false; // whether every feature is shown
let timer = 0;

const PARTS = {
  overview: { path: () => "/overview", draw: drawOverview, in: ["verdicts", "facts"] },
  history: { path: () => `/history?days=${at("days").value}`, draw: drawPast, in: ["past"] },
  versions: { path: () => "/versions", draw: (data) => show(at("versions"), versions(data)), in: ["versions"] },
  experiment: { path: () => "/experiment", draw: (data) => show(at("promotion"), ...promotion(data)), in: ["promotion"] },
  trainings: { path: () => "/trainings", draw: (data) => show(at("trainings"), trainings(data)), in: ["trainings"] },
  distributions: { path: () => "/distributions", draw: drawFeatures, in: ["features", "segments"] },
};

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

async function bring(part) {
  try {
    known[part] = await get(base + PARTS[part].path());
    failed.delete(part);
    PARTS[part].draw(known[part]);
  } catch (error) {
    failed.set(part, error.name === "TimeoutError" ? "the request timed out" : error.message);
  }
  for (const id of PARTS[part].in) at(id).classList.toggle("stale", failed.has(part));
  if (failed.has(part) && !known[part]) for (const id of PARTS[part].in) at(id).replaceChildren(el("p", { class: "soft" }, "Not known"));
}

function tell() {
  const reasons = [...new Set(failed.values())];
  const problem = reasons.length ? `Some data is missing or out of date: ${reasons.join("; ")}` : "";
  if (at("problem").textContent !== problem) at("problem").textContent = problem;
  at("problem").hidden = !problem;
  if (!problem) at("updated").textContent = asOf();
}

async function refresh(parts) {
  clearTimeout(timer);
  if (document.hidden) return;
  if (isDue()) await follow();
  drawHistory();
  await Promise.all(parts.map(bring));
  drawFacts();
  if (known.distributions && !failed.has("distributions")) drawFeatures(known.distributions);
  tell();
  document.body.dataset.loaded = "true";
  timer = setTimeout(() => refresh(Object.keys(PARTS)), EVERY);
}

at("name").textContent = name;
document.title = `${name} · aia`;
at("days").addEventListener("change", () => refresh(["history"]));
document.addEventListener("themechange", () => history.redraw());
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(Object.keys(PARTS)); });
refresh(Object.keys(PARTS));
