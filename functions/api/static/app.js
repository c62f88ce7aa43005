// The page: asks the API for what it shows, every 15 seconds (sooner when something failed) and at once when
// something is chosen. Each part stands for itself: while the warehouse is away, incidents and probes still come.
import { el, show } from "./dom.js";
import { plural } from "./format.js";
import { incidents, worst } from "./incidents.js";
import { model } from "./models.js";
import { probe } from "./probes.js";

const EVERY = 15000;
const AGAIN = 5000;
const PATIENCE = 20000;
const at = (id) => document.getElementById(id);
const choice = {};
const known = { incidents: [], models: [], probes: [] };
let newest = 0;

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
  const body = await response.json().catch(() => ({ error: `${path}: ${response.status} ${response.statusText}` }));
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

async function scoredModels() {
  const days = at("days").value;
  const all = await get("/api/models");
  return Promise.all(all.map(async (one) => ({ ...one, drift: await get(`/api/models/${encodeURIComponent(one.name)}/drift?days=${days}`) })));
}

function drawModels(all) {
  const cards = all.map((one) => model(one, one.drift, at("test").selectedOptions[0], choice));
  show(at("models"), ...cards.map((one) => one.card));
  for (const one of cards) one.draw();
}

const PARTS = {
  incidents: [() => get("/api/incidents"), (all) => show(at("incidents"), ...incidents(all))],
  probes: [() => get("/api/probes"), (all) => show(at("probes"), el("div", { class: "probes" }, all.map(probe)))],
  models: [scoredModels, drawModels],
};

// A newer request may have been answered first: what it drew stays.
async function bring(name, turn) {
  const [load, draw] = PARTS[name];
  const data = await load();
  if (turn !== newest) return;
  known[name] = data;
  draw(data);
  headline();
}

function headline() {
  const open = known.incidents.filter((one) => one.state !== "resolved");
  const drifted = known.models.filter((one) => one.drifted.length).length;
  const down = known.probes.filter((one) => one.status === "firing").length;
  const parts = [
    open.length ? plural(open.length, "open incident") : null,
    drifted ? `${plural(drifted, "model")} drifted` : null,
    down ? `${plural(down, "probe")} down` : null,
  ].filter(Boolean);
  at("state").textContent = parts.join(" · ") || "All is well";
  at("state").className = down ? "critical" : open.length ? worst(open) : drifted ? "warning" : "good";
  document.title = open.length ? `(${open.length}) aia` : "aia";
}

function told(failures) {
  const reasons = [...new Set(failures.map((one) => one.reason.message))];
  if (reasons.length === 0) {
    headline();
    at("updated").textContent = `as of ${new Date().toLocaleTimeString()}`;
  } else if (failures.length === Object.keys(PARTS).length) {
    at("state").textContent = "Nothing answers";
    at("state").className = "critical";
  }
  const problem = reasons.length ? `Not everything here is up to date: ${reasons.join("; ")}` : "";
  if (at("problem").textContent !== problem) at("problem").textContent = problem; // said aloud once
  at("problem").hidden = !problem;
}

async function refresh() {
  const turn = ++newest;
  const results = await Promise.allSettled(Object.keys(PARTS).map((name) => bring(name, turn)));
  if (turn !== newest) return;
  told(results.filter((one) => one.status === "rejected"));
  if (!document.body.dataset.loaded) goToLinked();
  document.body.dataset.loaded = "true";
}

// A message links to its incident as #incident=<id>: open it there.
function goToLinked() {
  const id = new URLSearchParams(location.hash.slice(1)).get("incident");
  const card = id && document.querySelector(`[data-incident="${CSS.escape(id)}"]`);
  if (!card) return;
  for (const details of [card.closest("details"), ...card.querySelectorAll("details")]) if (details) details.open = true;
  card.scrollIntoView({ block: "start" });
  card.classList.add("linked");
}

async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, at("problem").hidden ? EVERY : AGAIN);
}

at("test").addEventListener("change", () => drawModels(known.models));
at("days").addEventListener("change", refresh);
let width = innerWidth;
addEventListener("hashchange", goToLinked);
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawModels(known.models); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawModels(known.models));
keepFresh();
