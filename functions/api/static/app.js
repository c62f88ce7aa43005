// The overview: what needs somebody now, on one screen. Each part stands for itself: while the warehouse is away, incidents and probes
// still come. The lists in full have pages of their own.
import { get } from "./api.js";
import { busy, expected, onChange } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { askAgain, drawHistory, follow, isComing, isDue } from "./history.js";
import { headline } from "./headline.js";
import * as incidents from "./incidents.js";
import { followRuns, withFresh } from "./live.js";
import { cards } from "./overview.js";
import { EVERY, SLOWLY, watch } from "./parts.js";
import { hasDrifted, hasNoPerformance, hasNoVerdict, isAwaited as isUnscoredYet, isUnscored, model, offer } from "./models.js";
import * as onCall from "./oncall.js";
import * as pipelines from "./pipelines.js";
import { often, onChanges } from "./parts.js";
import { isAwaited as isUncheckedYet, isDown, isUnchecked, probe } from "./probes.js";
import * as responses from "./responses.js";
import { settle } from "./runbook.js";
import * as silences from "./silences.js";
import { answered } from "./watching.js";
import { meet } from "./who.js";

// Messages that were sent before each incident had a page link to it here.
const linked = new URLSearchParams(location.hash.slice(1)).get("incident");
if (linked) location.replace(`/incidents/${encodeURIComponent(linked)}`);

// Of more of the past that has come in, what is shown of models is old.
async function past() {
  const more = isDue() && (await follow());
  drawHistory();
  return more ? ["models"] : [];
}

const page = watch({
  me: { load: () => get("/v1/me"), draw: (me) => { meet(me); settle(me); }, every: Infinity },
  incidents: { load: () => get("/v1/incidents?limit=1"), every: EVERY, in: ["open"] },
  actions: { load: () => get("/v1/actions"), every: EVERY, in: ["approvals-list"] },
  silences: { load: () => get("/v1/silences"), every: EVERY },
  probes: { load: () => get("/v1/probes"), every: EVERY },
  models: { load: () => get("/v1/models"), every: SLOWLY },
  pipelines: { load: async () => withFresh(await get("/v1/pipelines")), every: SLOWLY },
  rules: { load: () => get("/v1/rules"), every: SLOWLY },
  channels: { load: () => get("/v1/channels"), every: SLOWLY },
  "on-call": { load: () => get("/v1/on-call"), every: SLOWLY },
}, { drawn: draw, busy, commanded: ["incidents", "actions", "silences"], soon: isComing, back: askAgain, also: past });
  incidents: { load: () => get(`/v1/incidents?limit=${PAST}`), every: EVERY, on: ["incidents", "actions"] },
  actions: { load: () => get("/v1/actions"), every: EVERY, on: ["actions"] },
  silences: { load: () => get("/v1/silences"), every: EVERY, on: ["silences"] },
  probes: { load: () => get("/v1/probes"), draw: (all) => show(at("probes"), el("div", { class: "probes" }, all.map(probe))), every: EVERY, on: ["probes"] },
  "on-call": { load: () => get("/v1/on-call"), draw: onCall.draw, every: SLOWLY },
  pipelines: { load: async () => withFresh(await get("/v1/pipelines")), draw: pipelines.draw, every: SLOWLY, on: ["pipelines"] },
  rules: { load: () => get("/v1/rules"), draw: rules.draw, every: SLOWLY },
  models: { load: scoredModels, draw: drawModels, every: SLOWLY, on: ["verdicts", "promotions"] },
};
// Where a part is shown: what stands there is pale while it is old.
const SHOWN_IN = { incidents: ["open", "past-list"], probes: ["probes"], models: ["models"], "on-call": ["on-call-list"], pipelines: ["pipelines-list"], rules: ["rules-card"], actions: ["approvals-list", "automation"], silences: ["silences"], channels: ["channels-list"] };
const COMMANDED = ["incidents", "actions", "silences", "channels"];

function glance(seen) {
  const { isKnown, isStarting } = page;
  const tiles = [...incidents.glance(isKnown("incidents") ? seen.incidents : null, isStarting("incidents")), ...responses.glance(isKnown("actions") ? seen.actions : null, isStarting("actions"))];
  patch(at("glance"), tiles.map((tile) => item(tile.name, tile, () =>
    el("div", {}, el("dt", {}, tile.name), el("dd", { class: tile.tone }, tile.value), el("dd", { class: "soft" }, tile.link ? el("a", { href: tile.link }, tile.more) : tile.more)))));
}

function draw() {
  const { known } = page;
  const seen = expected({ incidents: [], actions: null, silences: [], ...known });
  if (known.incidents) incidents.draw(seen.incidents, seen.silences);
  if (seen.actions) responses.approvals(seen.actions);
  glance(seen);
  patch(at("parts"), cards(known, page));
  headline(seen, page);
}

function drawRuns() {
  if (!page.known.pipelines) return;
  page.known.pipelines = withFresh(page.known.pipelines);
function tell() {
  const reasons = [...new Set([...failed.values()].filter((one) => !one.starting).map((one) => one.reason))];
  const problem = reasons.length ? `Some data is out of date: ${reasons.join("; ")}` : "";
  if (at("problem").textContent !== problem) at("problem").textContent = problem;
  at("problem").hidden = !problem;
  if (!problem) at("updated").textContent = asOf();
  const reached = Object.keys(PARTS).filter((name) => PARTS[name].every !== Infinity);
  answered(reached.some((name) => !failed.has(name)));
}

async function refresh(names) {
  const more = isDue() && (await follow());
  if (more && !names.includes("models")) names.push("models");
  drawHistory();
  await Promise.all(names.map(bring));
  draw();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) followRuns(drawRuns); });
const due = (name) => failed.has(name) || !asked[name] || Date.now() - asked[name].at >= often(PARTS[name]) - 500;

async function keepFresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  await refresh(Object.keys(PARTS).filter((name) => due(name) || (busy() && COMMANDED.includes(name))));
  tick();
  clearTimeout(timer);
  timer = setTimeout(keepFresh, busy() ? HURRY : isComing() ? OFTEN : failed.size ? AGAIN : EVERY);
}

// A message links to its incident as #incident=<id>: open it there, also where it is not in the list any more.
async function goToLinked() {
  const id = new URLSearchParams(location.hash.slice(1)).get("incident");
  if (!id) return;
  linked = { id };
  for (const node of document.querySelectorAll(".linked")) node.classList.remove("linked");
  if (!known.incidents.some((one) => one.id === id)) {
    linked.data = await get(`/v1/incidents/${encodeURIComponent(id)}`).catch(() => null);
    at("missing").hidden = Boolean(linked.data);
    at("missing").textContent = linked.data ? "" : `Incident not found: ${id}`;
    draw();
  }
  const card = document.querySelector(`[data-incident="${CSS.escape(id)}"]`);
  if (!card) return;
  for (const details of [card.closest("details"), ...card.querySelectorAll("details")]) if (details) details.open = true;
  card.classList.add("linked");
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
}

at("test").addEventListener("change", () => drawModels(known.models));
at("days").addEventListener("change", () => refresh(Object.keys(PARTS)));
addEventListener("hashchange", goToLinked);
function drawRuns(differs) {
  if (!asked.pipelines?.done) return;
  known.pipelines = withFresh(known.pipelines);
  pipelines.draw(known.pipelines);
  if (differs) draw();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) { keepFresh(); followRuns(drawRuns); } });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawModels(known.models); } });
document.addEventListener("themechange", () => drawModels(known.models));
onChange(() => {
  draw();
  if (busy()) page.again();
});
page.keepFresh();
followRuns(drawRuns);
onChanges(PARTS, (names, topics) => {
  refresh(names.filter((name) => name !== "pipelines" || failed.has(name)));
  if (topics.has("pipelines")) followRuns(drawRuns);
});
