// The dashboards: which one, over which time and how often stands in the address, so that it can be shared and gone back to.
import { get } from "./api.js";
import { at, el } from "./dom.js";
import { plural } from "./format.js";
import { askAgain, drawHistory, follow, isComing, isDue, OFTEN } from "./history.js";
import { settle } from "./runbook.js";
import { made } from "./tiles.js";
import { columnOf, RANGES, REFRESHES, stepOf } from "./times.js";
import { clockOf as shown } from "./zone.js";

const AT_ONCE = 4;
const POINTS = 400;
const AGAIN = 10;
const SOON = 3; // seconds, while what is asked is starting
const PATIENCE = 8000; // milliseconds of a tile's request: a little more than the API gives Prometheus
const TOGETHER = 10; // seconds within which all see the same
// What is looked at over weeks and what is looked at over hours; a range that is chosen goes before.
const FIRST = { executive: "30d", business: "30d", models: "7d" };
const state = { name: "", titles: [], layout: null, tiles: [], waiting: [], asked: new Set(), turn: 0, timer: 0, failed: 0, inRow: 0, came: 0, asOf: 0, gone: false, starting: false, drawn: 0 };

const chosen = () => new URLSearchParams(location.search);
const range = () => (chosen().get("range") in RANGES ? chosen().get("range") : FIRST[state.name] ?? "1d");
const refresh = () => (chosen().get("refresh") in REFRESHES ? chosen().get("refresh") : "1m");
const nameOf = () => decodeURIComponent(location.pathname.split("/")[2] ?? "") || state.titles[0]?.name;
const short = (title) => title.replace(/^AIA:\s*/, "").replace(/^./, (first) => first.toUpperCase());
const address = (name, query = chosen()) => `/dashboards/${encodeURIComponent(name)}${[...query].length ? `?${query}` : ""}`;

function tell(problem) {
  if (at("problem").textContent !== problem) at("problem").textContent = problem;
  at("problem").hidden = !problem;
}

function choose(key, value) {
  const query = chosen();
  query.set(key, value);
  history.pushState(null, "", address(state.name, query));
  controls();
  load();
}

function go(event, name) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const query = chosen();
  for (const key of [...query.keys()]) if (!["range", "refresh"].includes(key)) query.delete(key);
  history.pushState(null, "", address(name, query));
  open().then(() => at("title").focus({ preventScroll: true }));
}

// Where the names are more than the screen is wide, the one that is open is among those that are seen.
function showChosen(nav) {
  const open = nav.querySelector("[aria-current]");
  if (!open) return;
  const [all, one] = [nav.getBoundingClientRect(), open.getBoundingClientRect()];
  nav.scrollLeft += one.left + one.width / 2 - all.left - all.width / 2;
}

function controls() {
  at("names").replaceChildren(...state.titles.map(({ name, title }) =>
    el("a", { href: address(name), "aria-current": name === state.name ? "page" : null, onclick: (event) => go(event, name) }, short(title))));
  showChosen(at("names"));
  for (const input of at("ranges").querySelectorAll("input")) input.checked = input.value === range();
  at("refresh").value = refresh();
  for (const select of at("variables").querySelectorAll("select")) select.value = chosen().get(select.name) ?? select.dataset.first;
}

function selector({ name, value, choices }) {
  const current = chosen().get(name) ?? value;
  const all = [...new Set([...choices, ...(current ? [current] : [])])];
  const select = el("select", { name, "data-first": value, onchange: (event) => choose(name, event.target.value) },
    el("option", { value: "" }, "all"), all.map((one) => el("option", { value: one }, one)));
  return el("label", {}, `${name.replace(/^./, (first) => first.toUpperCase())} `, select);
}

function build(layout) {
  for (const one of state.tiles) one.clear?.();
  state.tiles = layout.tiles.map(made);
  at("variables").replaceChildren(...layout.variables.filter((one) => one.choices.length || chosen().has(one.name)).map(selector));
  at("grid").style.setProperty("--columns", layout.columns);
  // Tiles before the first heading have one of their own, which only who hears the page needs.
  const untitled = layout.tiles.length && layout.tiles[0].kind !== "header";
  at("grid").replaceChildren(...(untitled ? [el("h2", { class: "hidden" }, "At a glance")] : []), ...state.tiles.map((one) => one.node));
}

function question(tile, seconds, end) {
  const columned = tile.kind === "chart" && tile.sets.some((set) => set.plot === "bar");
  const step = columned ? columnOf(range()) : stepOf(seconds, POINTS);
  const query = new URLSearchParams({ start: end - seconds, end, step });
  for (const one of state.layout.variables) query.set(one.name, chosen().get(one.name) ?? one.value);
  return `/v1/dashboards/${encodeURIComponent(state.name)}/tiles/${tile.index}?${query}`;
}

const clockOf = (seconds) => shown(new Date(1000 * seconds));
const isAway = (error) => error.status === undefined || error.status >= 500;

async function bring(one, turn, seconds, end) {
  state.asked.add(one);
  try {
    const data = await get(question(one.tile, seconds, end), PATIENCE);
    if (turn !== state.turn) return;
    state.asked.delete(one);
    state.came += 1;
    state.inRow = 0;
    if (!state.gone) state.asOf = data.end;
    one.take(data, isComing());
  } catch (error) {
    if (turn !== state.turn) return;
    const reason = error.name === "TimeoutError" ? "The request timed out" : error.message;
    state.asked.delete(one);
    state.failed += 1;
    state.inRow = isAway(error) ? state.inRow + 1 : 0;
    state.starting ||= Boolean(error.starting);
    one.fail(reason, error.starting);
    if (state.inRow >= AT_ONCE || (state.failed >= AT_ONCE && state.failed > state.came)) giveUp(reason);
  }
}

// Nobody answers: what was not asked yet is not asked any more, and everything without an answer says so at once.
function giveUp(reason) {
  if (state.gone) return;
  state.gone = true;
  for (const one of [...state.asked, ...state.waiting.splice(0)]) one.fail(reason, state.starting);
  if (state.starting) return tell("");
  const shown = state.asOf ? ` The data shown is from ${clockOf(state.asOf)} and may be out of date.` : "";
  tell(`${reason.replace(/\.?$/, ".")}${shown}`);
  at("updated").textContent = state.asOf ? `as of ${clockOf(state.asOf)}, out of date` : "no data yet";
  at("said").textContent = "";
}

function finish() {
  if (state.starting) at("updated").textContent = "starting";
  if (state.gone || state.starting) return;
  const back = !at("problem").hidden;
  tell("");
  if (back) {
    at("said").textContent = "Up to date again";
    askAgain(); // what was away may be another stack, with a past to load
  }
  const told = [state.came ? `as of ${clockOf(state.asOf)}` : "", state.failed ? `${plural(state.failed, "tile")} not up to date` : ""];
  at("updated").textContent = told.filter(Boolean).join(", ");
}

// A few at a time, in reading order; whoever chooses something else meanwhile does not wait for the rest.
async function load() {
  const turn = ++state.turn;
  clearTimeout(state.timer);
  if (isDue()) await follow();
  if (turn !== state.turn) return;
  const seconds = RANGES[range()][0];
  const end = Math.floor(Date.now() / 1000 / TOGETHER) * TOGETHER;
  drawHistory(end - seconds);
  state.drawn = Date.now();
  state.waiting = state.tiles.filter((one) => one.take);
  for (const one of state.waiting) one.wait();
  Object.assign(state, { asked: new Set(), failed: 0, inRow: 0, came: 0, gone: false, starting: false });
  const worker = async () => {
    while (state.waiting.length && turn === state.turn) await bring(state.waiting.shift(), turn, seconds, end);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (turn !== state.turn) return;
  finish();
  document.body.dataset.loaded = "true";
  again();
}

function again() {
  clearTimeout(state.timer);
  const [every] = REFRESHES[refresh()];
  if (!every || document.hidden) return;
  const wait = 1000 * (state.starting ? SOON : state.failed ? Math.min(every, AGAIN) : every);
  state.timer = isComing() ? setTimeout(look, Math.min(OFTEN, wait)) : setTimeout(load, wait);
}

// While the past comes, charts are drawn again when there is more of it, and else as often as is chosen.
async function look() {
  const more = isDue() && (await follow());
  const [every] = REFRESHES[refresh()];
  if (more || state.starting || !isComing() || Date.now() - state.drawn >= 1000 * every) return load();
  drawHistory(Math.floor(Date.now() / 1000) - RANGES[range()][0]);
  again();
}

async function open() {
  const name = nameOf();
  if (name !== state.name || !state.layout) {
    state.name = name;
    state.asOf = 0;
    state.layout = null;
    state.turn++;
    delete document.body.dataset.loaded;
    try {
      const layout = await get(`/v1/dashboards/${encodeURIComponent(name)}`);
      if (name !== state.name) return;
      state.layout = layout;
    } catch (error) {
      tell(error.message);
      controls();
      at("grid").replaceChildren();
      document.body.dataset.loaded = "true";
      return;
    }
    tell("");
    at("title").textContent = `${short(state.layout.title)} dashboard`;
    document.title = `${short(state.layout.title)} · aia`;
    build(state.layout);
  }
  controls();
  await load();
}

function fixed() {
  at("ranges").replaceChildren(...Object.entries(RANGES).map(([key, [, title]]) =>
    el("label", { title }, el("input", { type: "radio", name: "range", value: key, "aria-label": title, onchange: () => choose("range", key) }), el("span", { "aria-hidden": "true" }, key.replace(/(?<=\d)(?=\D)/, " ")))));
  at("refresh").replaceChildren(...Object.entries(REFRESHES).map(([key, [, title]]) => el("option", { value: key }, title)));
  at("refresh").addEventListener("change", () => choose("refresh", at("refresh").value));
  at("controls").addEventListener("submit", (event) => event.preventDefault());
}

// Runbooks are linked where it is known where they are; where that is not told, they are only named.
async function start() {
  try {
    const [titles, me] = await Promise.all([get("/v1/dashboards"), get("/v1/me").catch(() => null)]);
    if (me) settle(me);
    state.titles = titles;
  } catch (error) {
    tell(error.message);
    document.body.dataset.loaded = "true";
    setTimeout(start, 1000 * AGAIN);
    return;
  }
  if (!location.pathname.split("/")[2]) history.replaceState(null, "", address(state.titles[0].name));
  await open();
}

addEventListener("popstate", open);
document.addEventListener("visibilitychange", () => { if (!document.hidden && state.layout && REFRESHES[refresh()][0]) load(); });
document.addEventListener("themechange", () => { for (const one of state.tiles) one.redraw?.(); });
fixed();
start();
