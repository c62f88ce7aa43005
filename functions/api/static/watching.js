// What changes, as the server tells it by server-sent events: what a page shows of it is read again then. Where that does not work, a page
// asks by itself, as it does now and then in any case.
import { at, el } from "./dom.js";
import { clockOf } from "./zone.js";

const SILENT = 40000; // the server says something every 15 s
const AGAIN = 20000;
const PACE = 1000; // between two notifications of one topic
const EVENTS = ["hello", "changes", "resync", "state", "beat", "bye"];
let source = null;
let topics = [];
let listener = () => {};
let live = false;
let newest = "";
let since = null; // when the API stopped answering
let silence = 0;
const changes = new Set(); // topics that changed and were not told of yet
const told = new Map(); // by topic: when it was last told of, in ms of the page
let later = 0;
let mark = null;

export const isLive = () => live;

// What the header says: "live" only while the server says that it gets the changes. Of metrics nobody tells: they are asked for.
function show() {
  if (!at("updated")) return;
  if (!mark) {
    mark = el("p", { id: "live" });
    at("updated").after(mark);
  }
  const says = since ? `not connected since ${clockOf(since)}` : live ? "live" : topics.length ? "polling" : "updates every minute";
  if (mark.textContent !== says) mark.textContent = says;
  mark.dataset.state = since ? "away" : live ? "live" : topics.length ? "polling" : "timed";
}

// Whether the API answered what a page asked for.
export function answered(yes) {
  since = yes ? null : since ?? new Date();
  show();
}

// A topic is told of at once, and then at most once a second; its last change is never left out.
function tell(changed) {
  for (const topic of changed) changes.add(topic);
  handOut();
}

function handOut() {
  clearTimeout(later);
  const left = (topic) => (told.get(topic) ?? -PACE) + PACE - performance.now();
  const due = [...changes].filter((topic) => left(topic) <= 0);
  for (const topic of due) {
    changes.delete(topic);
    told.set(topic, performance.now());
  }
  if (changes.size) later = setTimeout(handOut, Math.min(...[...changes].map(left)));
  if (due.length) listener(new Set(due));
}

function become(now) {
  const was = live;
  live = now;
  show();
  if (was && !now) tell(topics); // from now on it is asked for
}

function take(event) {
  clearTimeout(silence);
  silence = setTimeout(reopen, SILENT);
  if (event.lastEventId) newest = event.lastEventId;
  const data = JSON.parse(event.data);
  if ("live" in data) become(data.live);
  if (event.type === "changes") tell(data.changes.map((one) => one.topic));
  if (event.type === "resync") tell(topics);
}

function close() {
  clearTimeout(silence);
  source?.close();
  source = null;
}

function open() {
  close();
  if (document.hidden || !topics.length) return;
  source = new EventSource(`/v1/live?topics=${topics.join(",")}${newest && `&after=${encodeURIComponent(newest)}`}`);
  for (const name of EVENTS) source.addEventListener(name, take);
  source.onerror = () => {
    become(false);
    if (source?.readyState !== EventSource.CLOSED) return; // the browser comes again by itself, with the last id
    close();
    silence = setTimeout(reopen, AGAIN);
  };
  silence = setTimeout(reopen, SILENT);
}

function reopen() {
  become(false);
  open();
}

// Calls back with the topics that changed, each at most once a second. A page that is not looked at has no connection.
export function watchChanges(wanted, changed) {
  [topics, listener] = [[...new Set(wanted)], changed];
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    close();
    return become(false);
  });
  open();
  show();
}
