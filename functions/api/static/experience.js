// What people see, told to whoever watches the application: page loads, requests that failed, frames while something moves, and
// that somebody is there. No address, name or content leaves the browser. docs/experience.md says what is sent.
//
//   <script src="/assets/experience.js" type="module" data-service="shop" data-to="/api/experience"></script>
//
// While a view of its own draws, an application calls `window.experience.moving()` once a frame, or as often as it likes.
const EVERY = 60000;
const STILL = 500;
const IDLE = 1800000;
const MOST = { frame: 40, request: 40, load: 1, view: 2 };
const LONGEST = 600;
const KEY = "experience.session";
const MOVES = ["scroll", "wheel", "touchmove", "resize"];

const name = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function device() {
  const agent = navigator.userAgent;
  if (/iPad|Tablet|Android(?!.*Mobile)/i.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "tablet";
  return /Mobi|iPhone|iPod/i.test(agent) ? "mobile" : "desktop";
}

// A visit of this tab; after half an hour without a sign of life another one begins.
let kept = null;
function session() {
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY)) ?? kept;
  } catch {
    // storage is switched off: the visit lasts as long as the page
  }
  const now = Date.now();
  kept = { id: kept && now - kept.at < IDLE ? kept.id : name(), at: now };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // as above
  }
  return kept.id;
}

// Of many a sample is kept in which each is as likely as any other: percentiles and shares stay what they are.
let gathered = {};
function keep(kind, event) {
  const of = (gathered[kind] ??= { seen: 0, events: [] });
  of.seen += 1;
  const place = of.events.length < MOST[kind] ? of.events.length : Math.floor(Math.random() * of.seen);
  if (place < MOST[kind]) of.events[place] = { kind, at: performance.now(), ...event };
}

const seconds = (milliseconds) => Math.min(LONGEST, Math.max(0, milliseconds / 1000));

// A frame is timed only between two that were drawn while something moved and somebody could see it.
let moved = 0;
let before = null;
function draw(now) {
  if (before !== null && !document.hidden) keep("frame", { value: seconds(now - before) });
  before = performance.now() - moved < STILL ? now : null;
  if (before !== null) requestAnimationFrame(draw);
}
export function moving() {
  const rests = performance.now() - moved >= STILL;
  moved = performance.now();
  if (rests && before === null) requestAnimationFrame(draw);
}

function watchRequests(to) {
  const mine = new URL(to, location.href).href;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Others' answers show no status, some browsers none at all, and 0 is also what the page itself gave up, as each search while
      // somebody types on: of those nothing is known.
      if (entry.name === mine || !entry.responseStatus || new URL(entry.name).origin !== location.origin) continue;
      keep("request", { value: seconds(entry.duration), failed: entry.responseStatus >= 400 });
    }
  }).observe({ type: "resource", buffered: true });
}

function watchLoad() {
  const entry = performance.getEntriesByType("navigation")[0];
  if (entry?.loadEventEnd > 0) keep("load", { value: seconds(entry.loadEventEnd) });
}

export function start({ service, to = "/api/experience" }) {
  const send = () => {
    keep("view", {});
    const now = performance.now();
    const events = Object.values(gathered).flatMap((of) => of.events);
    gathered = {};
    const report = {
      report: name(), service, session: session(), device: device(),
      events: events.map(({ at, ...event }) => ({ ...event, ago: Math.min(900, (now - at) / 1000) })),
    };
    navigator.sendBeacon(to, new Blob([JSON.stringify(report)], { type: "application/json" }));
  };
  keep("view", {});
  watchRequests(to);
  // `loadEventEnd` is known only after the handlers of `load`.
  if (document.readyState === "complete") watchLoad();
  else addEventListener("load", () => setTimeout(watchLoad));
  for (const move of MOVES) addEventListener(move, moving, { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => {
    before = null;
    if (document.hidden) send();
  });
  setInterval(() => { if (!document.hidden) send(); }, EVERY);
}

const tag = document.querySelector("script[data-service]");
if (tag) {
  window.experience = { moving };
  start({ service: tag.dataset.service, to: tag.dataset.to });
}
