// The models: what is concluded of each now, the worst first; drift by feature and day of those that are opened.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";
import { empty } from "./filters.js";
import { askAgain, drawHistory, follow, isComing, isDue } from "./history.js";
import { model, offer, rank } from "./models.js";
import { SLOWLY, watch } from "./parts.js";

const OPEN = 4; // the worst, which are open at first
const choice = {};
const opened = new Map(); // by name, of those that a person opened or closed
const drifts = new Map(); // by name: `{ key, data }`

const isOpen = (name, place) => opened.get(name) ?? place < OPEN;
const keyOf = (one) => `${at("days").value} ${one.window_end}`;

async function bringDrift(one) {
  const key = keyOf(one);
  if (drifts.get(one.name)?.key === key) return;
  drifts.set(one.name, { key, data: await get(`/v1/models/${encodeURIComponent(one.name)}/drift?days=${at("days").value}`) });
}

// Of more of the past that has come in, everything that is shown is old.
async function past() {
  const more = isDue() && (await follow());
  drawHistory();
  if (more) drifts.clear();
  return more ? ["models"] : [];
}

async function load() {
  const all = (await get("/v1/models")).sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  await Promise.all(all.filter((one, place) => isOpen(one.name, place)).map(bringDrift));
  return all;
}

function draw(all) {
  if (!all.length) return show(at("models"), empty("No model is monitored.", "Add one: ", el("code", {}, "aia watch predictions.csv"), " takes a file of predictions; ", el("a", { href: "/guides/first-model.md" }, "the first model"), " leads through it."));
  const test = offer(at("test"), all);
  const cards = all.map((one, place) => model(one, drifts.get(one.name)?.data, test, choice, { open: isOpen(one.name, place), toggled: (open) => toggled(one, open) }));
  show(at("models"), ...cards.map((one) => one.card));
  for (const one of cards) one.draw();
  return undefined;
}

function toggled(one, open) {
  opened.set(one.name, open);
  if (open) bringDrift(one).then(() => draw(page.known.models), () => page.refresh());
}

const page = watch({ models: { load, draw, every: SLOWLY, in: ["models"], on: ["models", "verdicts", "promotions"] } }, { soon: isComing, back: askAgain, also: past });
const redraw = () => { if (page.known.models) draw(page.known.models); };
at("test").addEventListener("change", redraw);
at("days").addEventListener("change", () => { drifts.clear(); page.refresh(); });
document.addEventListener("themechange", redraw);
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
page.keepFresh();
