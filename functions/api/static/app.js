// The page: asks the API for what it shows, often while it is looked at and not at all while it is hidden, and at once when
// something is chosen or told. Each part stands for itself: while the warehouse is away, incidents and probes still come.
import { get } from "./api.js";
import * as channels from "./channels.js";
import { busy, expected, onChange } from "./commands.js";
import { at, el, item, patch, show } from "./dom.js";
import { plural, tick } from "./format.js";
import { askAgain, drawHistory, follow, isComing, isDue, OFTEN } from "./history.js";
import * as incidents from "./incidents.js";
import { followRuns, withFresh } from "./live.js";
import { hasDrifted, hasNoPerformance, hasNoVerdict, isAwaited as isUnscoredYet, isUnscored, model, offer } from "./models.js";
import * as onCall from "./oncall.js";
import * as pipelines from "./pipelines.js";
import { isAwaited as isUncheckedYet, isDown, isUnchecked, probe } from "./probes.js";
import * as responses from "./responses.js";
import * as rules from "./rules.js";
import { settle } from "./runbook.js";
import * as silences from "./silences.js";
import { meet } from "./who.js";
import { asOf } from "./zone.js";

const EVERY = 10000;
const SLOWLY = 60000;
const HURRY = 1500;
const AGAIN = 5000;
const PAST = 30;
const choice = {};
const known = { incidents: [], actions: null, silences: [], channels: [], models: [], probes: [], pipelines: [], rules: null, me: null };
const asked = {};
const failed = new Map(); // by the name of a part: `{ reason, starting }`
let linked = null;
let timer = 0;

async function scoredModels() {
  const days = at("days").value;
  const all = await get("/api/models");
  return Promise.all(all.map(async (one) => ({ ...one, drift: await get(`/api/models/${encodeURIComponent(one.name)}/drift?days=${days}`) })));
}

// What is asked for, how often, and what is drawn with it. What people command is drawn together, by `draw`.
const PARTS = {
  me: { load: () => get("/api/me"), draw: (me) => { meet(me); settle(me); }, every: Infinity },
  incidents: { load: () => get(`/api/incidents?limit=${PAST}`), every: EVERY },
  actions: { load: () => get("/api/actions"), every: EVERY },
  silences: { load: () => get("/api/silences"), every: EVERY },
  channels: { load: () => get("/api/channels"), every: SLOWLY },
  probes: { load: () => get("/api/probes"), draw: (all) => show(at("probes"), el("div", { class: "probes" }, all.map(probe))), every: EVERY },
  "on-call": { load: () => get("/api/on-call"), draw: onCall.draw, every: SLOWLY },
  pipelines: { load: async () => withFresh(await get("/api/pipelines")), draw: pipelines.draw, every: SLOWLY },
  rules: { load: () => get("/api/rules"), draw: rules.draw, every: SLOWLY },
  models: { load: scoredModels, draw: drawModels, every: SLOWLY },
};
// Where a part is shown: what stands there is pale while it is old.
const SHOWN_IN = { incidents: ["open", "past-list"], probes: ["probes"], models: ["models"], "on-call": ["on-call-list"], pipelines: ["pipelines-list"], rules: ["rules-card"], actions: ["approvals-list", "automation"], silences: ["silences"], channels: ["channels-list"] };
const COMMANDED = ["incidents", "actions", "silences", "channels"];

function drawModels(all) {
  const test = offer(at("test"), all);
  const cards = all.map((one) => model(one, one.drift, test, choice));
  show(at("models"), ...cards.map((one) => one.card));
  for (const one of cards) one.draw();
}

// The incident that the address names is shown however long it is over.
function withLinked(all) {
  return linked?.data && !all.some((one) => one.id === linked.id) ? [...all, linked.data] : all;
}

function draw() {
  const seen = expected({ ...known, incidents: withLinked(known.incidents) });
  const held = new Set(known.incidents.filter(incidents.isOpen).map((one) => one.id));
  if (asked.incidents?.done) incidents.draw(seen.incidents, seen.silences, held);
  if (seen.actions) responses.draw(seen.actions);
  if (asked.silences?.done) silences.draw(seen.silences);
  if (asked.channels?.done) channels.draw(seen.channels);
  headline(seen);
}

// What a part brought holds only while it goes on answering: before that, and afterwards, nobody knows.
const isKnown = (name) => Boolean(asked[name]?.done) && !failed.has(name);
// What has not come up yet is no fault.
const isStarting = (name) => Boolean(failed.get(name)?.starting);
const listed = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");

function headline(seen) {
  const open = isKnown("incidents") ? seen.incidents.filter(incidents.isOpen) : [];
  const drifted = isKnown("models") ? seen.models.filter(hasDrifted).length : 0;
  const unscored = isKnown("models") ? seen.models.filter(isUnscored).length : 0;
  const unjudged = isKnown("models") ? seen.models.filter(hasNoVerdict).length : 0;
  const down = isKnown("probes") ? seen.probes.filter(isDown).length : 0;
  const unchecked = isKnown("probes") ? seen.probes.filter(isUnchecked).length : 0;
  const unscoredYet = isKnown("models") ? seen.models.filter(isUnscoredYet).length : 0;
  const uncheckedYet = isKnown("probes") ? seen.probes.filter(isUncheckedYet).length : 0;
  const unmeasured = isKnown("models") ? seen.models.filter(hasNoPerformance).length : 0;
  const unknownPipelines = isKnown("pipelines") ? seen.pipelines.filter(pipelines.isUnknown).length : 0;
  const absent = isKnown("rules") && !rules.isUnchecked(seen.rules) ? seen.rules.absent : [];
  const missed = absent.filter(rules.isMissed).length;
  const all = ["incidents", "probes", "models", "pipelines"].filter((name) => !isKnown(name));
  const unknown = all.filter((name) => !isStarting(name));
  const starting = all.filter(isStarting);
  const capital = (text) => text.replace(/^./, (first) => first.toUpperCase());
  const parts = [
    open.length ? plural(open.length, "open incident") : null,
    drifted ? `${plural(drifted, "model")} drifted` : null,
    down ? `${plural(down, "probe")} down` : null,
    unchecked ? `${plural(unchecked, "probe")} not checked` : null,
    unscored ? `${plural(unscored, "model")} not scored` : null,
    unknownPipelines ? `${plural(unknownPipelines, "pipeline")} not known` : null,
    missed ? `${plural(missed, "alert rule lost its", "alert rules lost their")} data` : null,
    unknown.length ? `${capital(listed(unknown))} are not known` : null,
  ].filter(Boolean);
  const awaited = [
    uncheckedYet ? `${plural(uncheckedYet, "probe")} not checked yet` : null,
    unscoredYet ? `${plural(unscoredYet, "model")} not scored yet` : null,
    unjudged ? `${plural(unjudged, "model")} without a verdict` : null,
    unmeasured ? `${plural(unmeasured, "model")} without a verdict on performance` : null,
    absent.length > missed ? `${plural(absent.length - missed, "alert rule")} without data` : null,
    !isStarting("rules") && (!isKnown("rules") || rules.isUnchecked(seen.rules)) ? `Alert rules not checked ${seen.rules && seen.rules.checked_at === null ? "yet" : "for data"}` : null,
    starting.length ? `${capital(listed(starting))} are not known yet` : null,
  ].filter(Boolean);
  // Some are asked for once a minute only: what is asked for all the time tells sooner.
  const nothing = Object.keys(PARTS).every((name) => PARTS[name].every > EVERY || (failed.has(name) && !isStarting(name)));
  const says = nothing ? "Not responding" : [...parts, ...awaited].join(" · ") || "All systems operational";
  if (at("state").textContent !== says) at("state").textContent = says; // said aloud once
  const blind = unknown.some((name) => PARTS[name].every <= EVERY);
  at("state").className = down || blind || unchecked || nothing ? "critical" : open.length ? incidents.worst(open) : parts.length ? "warning" : awaited.length ? "" : "good";
  document.title = !isKnown("incidents") ? "(?) aia" : open.length ? `(${open.length}) aia` : "aia";
  for (const name of Object.keys(SHOWN_IN)) for (const id of SHOWN_IN[name]) at(id).classList.toggle("stale", failed.has(name));
  const tiles = [...incidents.glance(isKnown("incidents") ? seen.incidents : null, isStarting("incidents")), ...responses.glance(isKnown("actions") ? seen.actions : null, isStarting("actions"))];
  patch(at("glance"), tiles.map((tile) => item(tile.name, tile, () =>
    el("div", {}, el("dt", {}, tile.name), el("dd", { class: tile.tone }, tile.value), el("dd", { class: "soft" }, tile.link ? el("a", { href: tile.link }, tile.more) : tile.more)))));
}

// A newer request may have been answered first: what it brought stays.
async function bring(name) {
  const turn = { at: Date.now(), done: asked[name]?.done };
  asked[name] = turn;
  try {
    const data = await PARTS[name].load();
    if (asked[name] !== turn) return;
    if (failed.delete(name)) askAgain(); // what was away may be another stack, with a past to load
    known[name] = data;
    turn.done = true;
    PARTS[name].draw?.(data);
  } catch (error) {
    if (asked[name] === turn) failed.set(name, { reason: error.message, starting: Boolean(error.starting) });
  }
}

function tell() {
  const reasons = [...new Set([...failed.values()].filter((one) => !one.starting).map((one) => one.reason))];
  const problem = reasons.length ? `Some data is out of date: ${reasons.join("; ")}` : "";
  if (at("problem").textContent !== problem) at("problem").textContent = problem;
  at("problem").hidden = !problem;
  if (!problem) at("updated").textContent = asOf();
}

async function refresh(names) {
  const more = isDue() && (await follow());
  if (more && !names.includes("models")) names.push("models");
  drawHistory();
  await Promise.all(names.map(bring));
  draw();
  tell();
  if (!document.body.dataset.loaded) await goToLinked();
  document.body.dataset.loaded = "true";
}

const due = (name) => failed.has(name) || !asked[name] || Date.now() - asked[name].at >= PARTS[name].every - 500;

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
    linked.data = await get(`/api/incidents/${encodeURIComponent(id)}`).catch(() => null);
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
  if (busy()) { clearTimeout(timer); timer = setTimeout(keepFresh, HURRY); }
});
keepFresh();
followRuns(drawRuns);
