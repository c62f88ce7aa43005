// The parts of a page: each asked for by itself, often while the page is looked at and not at all while it is hidden, so that what one
// source does not tell is missing alone.
import { at } from "./dom.js";
import { tick } from "./format.js";
import { answered, isLive, watchChanges } from "./watching.js";
import { asOf } from "./zone.js";

export const EVERY = 10000;
export const SLOWLY = 60000;
const AGAIN = 5000;
const HURRY = 1500;
const SOON = 3000;
const PAUSE = 1000; // between two answers to changes that follow each other
const LONG_PAUSE = 2000; // where reading costs

const reasonOf = (error) => (error.name === "TimeoutError" ? "the request timed out" : error.message);

// How often a part is asked for: seldom while the server tells what changes, where it tells of it.
const often = (part) => (part.on && isLive() ? Math.max(part.every ?? EVERY, SLOWLY) : part.every ?? EVERY);

// `parts`: by name `{ load, draw, every, in, on, after }`, where `in` are the ids of what is pale while it is old, `on` the topics that tell
// when it changes, and `after` how long after that it is known where it is read. `drawn()` follows each round; `changed()` hears the topics
// that changed, once their parts were asked for;
// `busy()` says that something was commanded, and `commanded` which parts tell what came of it; `soon()` that more of the past is coming;
// `back()` hears that a part answers again; `also()` gives which parts are old for another reason.
export function watch(parts, { drawn = () => {}, busy = () => false, commanded = [], soon = () => false, back = () => {}, also = async () => [], changed = () => {} } = {}) {
  const known = {};
  const asked = {};
  const failed = new Map(); // by the name of a part: `{ reason, starting }`
  let timer = 0;

  // A newer request may have been answered first: what it brought stays.
  async function bring(name) {
    const turn = { at: Date.now(), done: asked[name]?.done };
    asked[name] = turn;
    try {
      const answer = parts[name].load();
      turn.over = answer.catch(() => {});
      const data = await answer;
      if (asked[name] !== turn) return;
      if (failed.delete(name)) back();
      known[name] = data;
      turn.done = true;
      parts[name].draw?.(data);
    } catch (error) {
      if (asked[name] === turn) failed.set(name, { reason: reasonOf(error), starting: Boolean(error.starting) });
    } finally {
      turn.over = null;
    }
  }

  function tell() {
    const reasons = [...new Set([...failed.values()].filter((one) => !one.starting).map((one) => one.reason))];
    const problem = reasons.length ? `Some data is missing or out of date: ${reasons.join("; ")}` : "";
    if (at("problem").textContent !== problem) at("problem").textContent = problem;
    at("problem").hidden = !problem;
    for (const [name, part] of Object.entries(parts)) for (const id of part.in ?? []) at(id)?.classList.toggle("stale", failed.has(name));
    if (!problem && at("updated")) at("updated").textContent = asOf();
    answered(Object.keys(parts).some((name) => parts[name].every !== Infinity && !failed.has(name)));
  }

  async function refresh(names = Object.keys(parts)) {
    await Promise.all(names.map(bring));
    drawn();
    tell();
    document.body.dataset.loaded = "true";
  }

  const due = (name) => failed.has(name) || !asked[name] || Date.now() - asked[name].at >= often(parts[name]) - 500;

  async function keepFresh() {
    clearTimeout(timer);
    if (document.hidden) return;
    const more = await also();
    await refresh(Object.keys(parts).filter((name) => due(name) || more.includes(name) || (busy() && commanded.includes(name))));
    tick();
    again();
  }

  function again() {
    clearTimeout(timer);
    timer = setTimeout(keepFresh, busy() ? HURRY : soon() ? SOON : failed.size ? AGAIN : EVERY);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) keepFresh(); });
  // Of changes that follow each other a part is asked for once, and not before the last answer is here: else none would be shown in time.
  const later = new Set();
  const pause = (part) => (part.every >= SLOWLY ? LONG_PAUSE : PAUSE);
  const wait = (name) => Math.max(parts[name].after ?? 0, (asked[name]?.at ?? 0) + pause(parts[name]) - Date.now());
  async function afterwards(name) {
    later.add(name);
    await new Promise((resolve) => { setTimeout(resolve, wait(name)); });
    await asked[name]?.over;
    later.delete(name);
    refresh([name]);
  }
  const told = (topics) => {
    const touched = Object.keys(parts).filter((name) => parts[name].on?.some((topic) => topics.has(topic)) && !later.has(name));
    const now = touched.filter((name) => wait(name) <= 0 && !asked[name]?.over);
    if (now.length) refresh(now);
    for (const name of touched) if (!now.includes(name)) afterwards(name);
    changed(topics);
  };
  watchChanges(Object.values(parts).flatMap((part) => part.on ?? []), told);
  const isStarting = (name) => Boolean(failed.get(name)?.starting);
  return { parts, known, failed, isStarting, isKnown: (name) => Boolean(asked[name]?.done) && !failed.has(name), refresh, keepFresh, again };
}
