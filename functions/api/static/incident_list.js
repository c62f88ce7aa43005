// The list of incidents: the open ones first, the most severe on top, then what is over, a year back; filtered by the address.
import { get } from "./api.js";
import { at, el, item, patch } from "./dom.js";
import { address, empty, filters, isFiltered } from "./filters.js";
import { clock, dayOf, dollars, plural, since, span, when, words } from "./format.js";
import { EVERY, watch } from "./parts.js";

const ENOUGH = 25; // rows before the page asks for older ones by itself
const TONE = { open: "error", acknowledged: "warning", mitigated: "info", resolved: "good", cancelled: "good", expired: "info", merged: "info" };
const STATES = [["open,acknowledged,mitigated", "not over"], "open", "acknowledged", "mitigated", ["resolved,cancelled,expired,merged", "over"], "resolved", ["cancelled", "false alarm"], ["expired", "no longer reported"], "merged"];
const NAMES = ["q", "state", "severity", "category", "target", "model", "person", "since", "until"];
const state = { first: [], older: [], next: "", choices: { categories: [], people: [], models: [] }, turn: 0, loading: false, fault: "" };

const asked = (more = {}) => address("/v1/incidents/search", NAMES, more);

const fields = () => [
  { name: "q", label: "Search", type: "search", placeholder: "title, target, comment", wide: true },
  { name: "state", label: "State", choices: STATES },
  { name: "severity", label: "Severity", choices: ["critical", "error", "warning", "info"] },
  { name: "category", label: "Category", choices: state.choices.categories },
  { name: "target", label: "Target", placeholder: "model/*" },
  { name: "model", label: "Model", choices: state.choices.models },
  { name: "person", label: "Person", choices: state.choices.people },
  { name: "since", label: "Opened from", type: "date" },
  { name: "until", label: "Opened before", type: "date" },
];

const isOver = (one) => Boolean(one.resolved_at) && !["open", "acknowledged", "mitigated"].includes(one.state);

function row(one) {
  const over = isOver(one);
  const name = one.state === "cancelled" ? "false alarm" : one.state === "expired" ? "no longer reported" : one.state;
  return el("tr", { "data-incident": one.id },
    el("td", {}, el("span", { class: over ? "soft" : `pill solid ${one.severity}` }, over ? `was ${one.peak}` : one.severity)),
    el("th", { scope: "row" }, el("a", { href: `/incidents/${encodeURIComponent(one.id)}` }, one.title),
      el("span", { class: "soft" }, el("code", {}, one.target), one.targets.length > 1 && ` and ${one.targets.length - 1} more`,
        one.category ? ` · ${words(one.category)}` : one.source === "warehouse" && " · category not known",
        one.n_comments > 0 && ` · ${plural(one.n_comments, "comment")}`)),
    el("td", {}, el("span", { class: `pill ${TONE[one.state]}` }, name)),
    el("td", { class: one.acknowledged_by ? "" : over ? "soft" : "critical" }, one.acknowledged_by || (one.acknowledged_by === null ? "not known" : over ? "–" : "nobody yet")),
    el("td", { class: "number" }, over ? "" : one.dollars_per_hour === null ? el("span", { class: "soft" }, "not known") : `${dollars(one.dollars_per_hour)}/h`),
    el("td", { class: "number" }, over
      ? [el("span", { title: when(one.resolved_at) }, clock(one.resolved_at)), el("span", { class: "soft" }, `after ${span(one.opened_at, one.resolved_at)}`)]
      : [since(one.opened_at), el("span", { class: "soft" }, `since ${clock(one.opened_at)}`)]));
}

const COLUMNS = ["Severity", "Incident", "State", "Who has it", "Impact", "When"];
const table = () => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Incidents" }, el("table", { class: "dense" },
  el("thead", {}, el("tr", {}, COLUMNS.map((name, place) => el("th", { scope: "col", class: place > 3 ? "number" : "" }, name)))), el("tbody", {})));

function nothing() {
  if (state.next) return "";
  if (isFiltered(NAMES)) return empty("No incident matches.", el("button", { type: "button", class: "do small", onclick: () => form.clear() }, "Clear the filters"));
  return empty("No incident in the last 400 days.", "Incidents appear when a detector, a probe or a foreign alert reports something: see ", el("a", { href: "/coverage" }, "what is watched"), " and ", el("a", { href: "/probes" }, "the probes"), ".");
}

function draw() {
  const ids = new Set(state.first.map((one) => one.id));
  const all = [...state.first, ...state.older.filter((one) => !ids.has(one.id))];
  const box = at("list");
  box.removeAttribute("aria-busy");
  if (!all.length) box.replaceChildren(nothing());
  else {
    if (!box.querySelector("tbody")) box.replaceChildren(table());
    patch(box.querySelector("tbody"), all.map((one) => item(one.id, one, () => row(one))));
  }
  const open = all.filter((one) => !isOver(one)).length;
  const told = [all.length && plural(all.length, "incident"), open && `${open} not over`, state.loading && "looking further back…", !state.next && all.length && `all since ${dayOf(state.recorded)}`];
  at("summary").textContent = state.fault || told.filter(Boolean).join(" · ");
  at("summary").classList.toggle("fault", Boolean(state.fault));
  at("more").hidden = !state.next || state.loading;
  form.draw(fields());
}

// The next page, and further ones as long as the list is short: what is asked for may be long ago.
async function older(turn = state.turn) {
  state.loading = true;
  state.fault = "";
  draw();
  try {
    do {
      const found = await get(asked({ cursor: state.next }));
      if (turn !== state.turn) return;
      state.older.push(...found.incidents);
      state.next = found.next;
      draw();
    } while (state.next && state.first.length + state.older.length < ENOUGH);
  } catch (error) {
    if (turn !== state.turn) return;
    state.fault = `Incidents before ${dayOf(state.stored)} are not known: ${error.message}`;
  }
  state.loading = false;
  draw();
}

// The first page, of the store; what is older is not asked for again.
function take(found) {
  const turn = state.turn;
  state.first = found.incidents;
  state.choices = found.choices;
  [state.stored, state.recorded] = [found.stored_since, found.recorded_since];
  if (state.older.length || state.loading || state.fault) return draw();
  state.next = found.next;
  draw();
  if (state.next && state.first.length < ENOUGH) older(turn);
}

async function load() {
  const turn = state.turn;
  const found = await get(asked());
  return turn === state.turn ? found : get(asked());
}

const page = watch({ incidents: { load, draw: take, every: EVERY, in: ["summary", "list"], on: ["incidents"] } });
const form = filters(at("filters"), () => {
  Object.assign(state, { turn: state.turn + 1, first: [], older: [], next: "", loading: false, fault: "" });
  page.refresh();
});
form.draw(fields());
at("more").addEventListener("click", () => older());
page.keepFresh();
