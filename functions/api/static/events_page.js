// The event log: what people and the system did, the newest first, filtered by the address.
import { get } from "./api.js";
import { at, el, item, patch } from "./dom.js";
import { address, empty, filters, isFiltered } from "./filters.js";
import { clock, plural, when, words } from "./format.js";
import { SLOWLY, watch } from "./parts.js";

const NAMES = ["q", "kind", "target", "person", "since", "until"];
const TONE = { command: "info", incident: "warning", action: "info", notification: "soft", model: "info", version: "info", training: "info", recommendation: "soft", upkeep: "soft" };
const SETTLES = 3000; // milliseconds until what is told of is in the warehouse
const BAD = ["failed", "refused", "undone", "escalated", "dropped"];
const state = { first: [], older: [], next: "", kinds: Object.keys(TONE), turn: 0, loading: false, fault: "" };

const asked = (more = {}) => address("/v1/events", NAMES, more);

const fields = () => [
  { name: "q", label: "Search", type: "search", placeholder: "words of the event", wide: true },
  { name: "kind", label: "Kind", choices: state.kinds },
  { name: "target", label: "Target", placeholder: "model/*" },
  { name: "person", label: "Person", placeholder: "name" },
  { name: "since", label: "From", type: "date" },
  { name: "until", label: "Before", type: "date" },
];

const spelt = (one) => (one.kind === "action" ? words(one.subject) : one.subject);
const subject = (one) => (one.incident
  ? el("a", { href: `/incidents/${encodeURIComponent(one.incident)}` }, one.subject === one.incident ? one.incident : spelt(one))
  : one.target.startsWith("model/") && one.kind !== "version" ? el("a", { href: `/models/${encodeURIComponent(one.target.slice(6))}` }, one.subject) : el("span", {}, one.subject || "–"));

const row = (one) => el("tr", {},
  el("td", { class: "number", title: when(one.at) }, clock(one.at)),
  el("td", {}, el("span", { class: `pill ${TONE[one.kind] ?? "soft"}` }, one.kind)),
  el("td", { class: BAD.includes(one.what) ? "critical" : "" }, words(one.what)),
  el("th", { scope: "row" }, subject(one), (one.target && one.target !== one.subject || one.text) && el("span", { class: "soft" },
    one.target && one.target !== one.subject && el("code", {}, one.target), one.text && one.text !== one.subject && ` ${one.text}`)),
  el("td", {}, one.person || el("span", { class: "soft" }, "–")));

const COLUMNS = ["When", "Kind", "What", "About", "Who"];
const table = () => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Events" }, el("table", { class: "dense log" },
  el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {})));

const nothing = () => (isFiltered(NAMES)
  ? empty("No event matches.", el("button", { type: "button", class: "do small", onclick: () => form.clear() }, "Clear the filters"))
  : empty("No event in the last 30 days.", "Commands of people, changes of incidents, actions, notifications and upkeep appear here. Earlier ones: choose a day under ", el("b", {}, "From"), "."));

function draw() {
  const ids = new Set(state.first.map((one) => one.kind + one.id));
  const all = [...state.first, ...state.older.filter((one) => !ids.has(one.kind + one.id))];
  const box = at("list");
  box.removeAttribute("aria-busy");
  if (!all.length) box.replaceChildren(nothing());
  else {
    if (!box.querySelector("tbody")) box.replaceChildren(table());
    patch(box.querySelector("tbody"), all.map((one) => item(one.kind + one.id, one, () => row(one))));
  }
  at("summary").textContent = state.fault || [all.length && plural(all.length, "event"), !state.next && all.length && `all since ${when(state.since)}`].filter(Boolean).join(" · ");
  at("more").hidden = !state.next || state.loading;
  form.draw(fields());
}

async function older() {
  const { turn } = state;
  Object.assign(state, { loading: true, fault: "" });
  draw();
  try {
    const found = await get(asked({ cursor: state.next }));
    if (turn !== state.turn) return;
    state.older.push(...found.events);
    state.next = found.next;
  } catch (error) {
    if (turn === state.turn) state.fault = `Earlier events are not known: ${error.message}`;
  }
  state.loading = false;
  draw();
}

function take(found) {
  state.first = found.events;
  Object.assign(state, { since: found.since, kinds: found.kinds });
  if (!state.older.length) state.next = found.next;
  draw();
}

async function load() {
  const { turn } = state;
  const found = await get(asked());
  return turn === state.turn ? found : get(asked());
}

const page = watch({ events: { load, draw: take, every: SLOWLY, in: ["summary", "list"], on: ["incidents", "actions", "silences", "promotions", "models", "maintenance"], after: SETTLES } });
const form = filters(at("filters"), () => {
  Object.assign(state, { turn: state.turn + 1, first: [], older: [], next: "", loading: false, fault: "" });
  page.refresh();
});
form.draw(fields());
at("more").addEventListener("click", older);
page.keepFresh();
