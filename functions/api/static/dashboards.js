// The dashboards: which one, over which time and how often stands in the address, so that it can be shared and gone back to.
import { get } from "./api.js";
import { at, el } from "./dom.js";
import { plural } from "./format.js";
import { askAgain, drawHistory, follow, isComing, isDue, OFTEN } from "./history.js";
import { settle } from "./runbook.js";
import { made } from "./tiles.js";
import { around, columnOf, own, RANGES, REFRESHES, stepOf, titleOf, written } from "./times.js";
import { clockOf as shown, fieldOf, secondsOf } from "./zone.js";

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

// What is looked at: a range of one's own, or the last hours or days.
function span() {
  const fixed = own(chosen());
  if (fixed) return { seconds: fixed.to - fixed.from, end: fixed.to, fixed };
  const seconds = RANGES[range()][0];
  return { seconds, end: Math.floor(Date.now() / 1000 / TOGETHER) * TOGETHER, fixed: null };
}

function choose(key, value) {
  const query = chosen();
  query.set(key, value);
  if (key === "range") for (const end of ["from", "to"]) query.delete(end);
  show(query);
}

function zoom(from, to) {
  const query = chosen();
  const exact = around(from, to);
  query.set("from", written(exact.from));
  query.set("to", written(exact.to));
  show(query);
}

function show(query) {
  history.pushState(null, "", address(state.name, query));
  controls();
  load();
}

function go(event, name) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const query = chosen();
  for (const key of [...query.keys()]) if (!["range", "refresh", "from", "to"].includes(key)) query.delete(key);
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
  for (const input of at("ranges").querySelectorAll("input")) input.checked = !own(chosen()) && input.value === range();
  drawOwn();
  at("refresh").value = refresh();
  for (const select of at("variables").querySelectorAll("select")) select.value = chosen().get(select.name) ?? select.dataset.first;
}

// The range of one's own: what it is, where it is chosen, and the way back to the last hours or days.
function drawOwn() {
  const { fixed, end, seconds } = span();
  at("own-title").textContent = fixed ? titleOf(fixed) : "Own range";
  at("own").classList.toggle("chosen", Boolean(fixed));
  if (!at("own").contains(document.activeElement)) [at("from").value, at("to").value] = [fieldOf(end - seconds), fieldOf(end)];
  at("back").hidden = !fixed;
  at("back").textContent = `Back to ${RANGES[range()][1]}`;
}

function submitOwn(event) {
  event.preventDefault();
  const [from, to] = ["from", "to"].map((id) => secondsOf(at(id).value));
  const query = chosen();
  if (to > from) for (const [name, value] of [["from", from], ["to", to]]) query.set(name, written(value));
  const wrong = !(to > from) || !own(query);
  at("own-fault").textContent = wrong ? "From must be before To, by 5 minutes to 399 days" : "";
  at("own-fault").hidden = !wrong;
  if (wrong) return;
  at("own").open = false;
  show(query);
}

function closeOwn(event) {
  if (event.key !== "Escape" || !at("own").open) return;
  at("own").open = false;
  at("own").querySelector("summary").focus();
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
  state.tiles = layout.tiles.map((tile) => made({ ...tile, zoom }));
  at("variables").replaceChildren(...layout.variables.filter((one) => one.choices.length || chosen().has(one.name)).map(selector));
  at("grid").style.setProperty("--columns", layout.columns);
  // Tiles before the first heading have one of their own, which only who hears the page needs.
  const untitled = layout.tiles.length && layout.tiles[0].kind !== "header";
  at("grid").replaceChildren(...(untitled ? [el("h2", { class: "hidden" }, "At a glance")] : []), ...state.tiles.map((one) => one.node));
}

function question(tile, seconds, end) {
  const columned = tile.kind === "chart" && tile.sets.some((set) => set.plot === "bar");
  const step = columned ? columnOf(own(chosen()) ? "" : range(), seconds) : stepOf(seconds, POINTS);
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
  const { seconds, end } = span();
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
  const { fixed } = span();
  if (!every || document.hidden || (fixed && fixed.to < Date.now() / 1000 && !state.failed)) return; // what is over does not change
  const wait = 1000 * (state.starting ? SOON : state.failed ? Math.min(every, AGAIN) : every);
  state.timer = isComing() ? setTimeout(look, Math.min(OFTEN, wait)) : setTimeout(load, wait);
}

// While the past comes, charts are drawn again when there is more of it, and else as often as is chosen.
async function look() {
  const more = isDue() && (await follow());
  const [every] = REFRESHES[refresh()];
  if (more || state.starting || !isComing() || Date.now() - state.drawn >= 1000 * every) return load();
  drawHistory(span().end - span().seconds);
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
  at("controls").addEventListener("submit", submitOwn);
  at("own").addEventListener("keydown", closeOwn);
  at("back").addEventListener("click", () => choose("range", range()));
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
