// Pipelines with a run that has not ended: asked for when something changes, and where nobody tells of that, every second while the page is
// looked at, so that an event is seen within two. What ends is asked for once more by its name.
import { get } from "./api.js";
import { isLive } from "./watching.js";

const EVERY = 1000;
const TOLD = 10000;
const AGAIN = 5000;
const NEWER = 15000; // the list of all is older for as long, as the API keeps it and it may be under way
const fresh = new Map(); // by name
let live = new Set();
let timer = 0;

// All pipelines, as they are now where that is known better.
export function withFresh(all) {
  for (const [name, { at }] of fresh) if (at < Date.now() - NEWER) fresh.delete(name);
  const others = all.filter((one) => !fresh.has(one.name));
  return [...others, ...[...fresh.values()].map((one) => one.data)].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function ask(changed) {
  const running = await get("/v1/pipelines?running=true");
  const names = new Set(running.map((one) => one.name));
  const ended = [...live].filter((name) => !names.has(name));
  const last = await Promise.all(ended.map((name) => get(`/v1/pipelines?name=${encodeURIComponent(name)}`)));
  for (const data of [...running, ...last.flat()]) fresh.set(data.name, { data, at: Date.now() });
  const differs = ended.length > 0 || [...names].some((name) => !live.has(name));
  live = names;
  if (running.length || ended.length) changed(differs);
}

// Calls back with what is new, and whether a run began or ended.
export async function followRuns(changed) {
  clearTimeout(timer);
  if (document.hidden) return;
  const wait = await ask(changed).then(() => (isLive() ? TOLD : EVERY), () => AGAIN);
  clearTimeout(timer);
  timer = setTimeout(() => followRuns(changed), wait);
}
