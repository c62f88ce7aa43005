// The page: asks the API for what it shows, every 15 seconds and at once when something is chosen.
import { el, show } from "./dom.js";
import { plural } from "./format.js";
import { incidents } from "./incidents.js";
import { model } from "./models.js";
import { probe } from "./probes.js";

const EVERY = 15000;
const at = (id) => document.getElementById(id);
const choice = {};

async function get(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

function headline(allIncidents, allModels, allProbes) {
  const open = allIncidents.filter((one) => one.state !== "resolved").length;
  const drifted = allModels.filter((one) => one.drifted?.length).length;
  const down = allProbes.filter((one) => one.status === "firing").length;
  const parts = [
    open ? plural(open, "open incident") : null,
    drifted ? `${plural(drifted, "model")} drifted` : null,
    down ? `${plural(down, "probe")} down` : null,
  ].filter(Boolean);
  at("state").textContent = parts.join(" · ") || "All is well";
  at("state").className = open || down ? "error" : drifted ? "warning" : "good";
  document.title = open ? `(${open}) aia` : "aia";
}

async function refresh() {
  const test = at("test").value;
  const days = at("days").value;
  try {
    const [allIncidents, allModels, allProbes] = await Promise.all([get("/api/incidents"), get("/api/models"), get("/api/probes")]);
    const drifts = await Promise.all(allModels.map((one) => get(`/api/models/${encodeURIComponent(one.name)}/drift?days=${days}`)));
    headline(allIncidents, allModels, allProbes);
    show(at("incidents"), ...incidents(allIncidents));
    const cards = allModels.map((one, index) => model(one, drifts[index], test, choice));
    show(at("models"), ...cards.map((one) => one.card));
    for (const one of cards) one.draw();
    show(at("probes"), el("div", { class: "probes" }, allProbes.map(probe)));
    at("problem").hidden = true;
    at("updated").textContent = `as of ${new Date().toLocaleTimeString()}`;
    if (!document.body.dataset.loaded) goToLinked();
    document.body.dataset.loaded = "true";
  } catch (error) {
    at("problem").textContent = `The page could not be brought up to date: ${error.message}`;
    at("problem").hidden = false;
  }
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
  setTimeout(keepFresh, EVERY);
}

at("test").addEventListener("change", refresh);
at("days").addEventListener("change", refresh);
let width = innerWidth;
addEventListener("hashchange", goToLinked);
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; refresh(); } });
keepFresh();
