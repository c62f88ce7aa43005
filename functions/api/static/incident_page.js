// The page of one incident.
import { get } from "./api.js";
import { busy, expected, fault, onChange, pending } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { whole } from "./incident.js";
import { isOpen, silencing } from "./incidents.js";
import { keyOf } from "./incident_verbs.js";
import { SLOWLY, watch } from "./parts.js";
import * as responses from "./responses.js";
import { settle } from "./runbook.js";
import { meet } from "./who.js";

const id = decodeURIComponent(location.pathname.split("/")[2]);
const path = `/v1/incidents/${encodeURIComponent(id)}`;
let missing = false;

// An address of none: said once, and not asked for again.
async function one() {
  try {
    return await get(path);
  } catch (error) {
    missing = error.status === 404;
    if (missing) return null;
    throw error;
  }
}

function people() {
  const onCall = (page.known["on-call"] ?? []).map((shift) => shift.person);
  const owners = (page.known.others ?? []).map((other) => other.acknowledged_by);
  at("people").replaceChildren(...[...new Set([...onCall, ...owners])].filter(Boolean).map((name) => el("option", { value: name })));
}

function gone() {
  at("incident").removeAttribute("aria-busy");
  at("incident").replaceChildren(el("h1", {}, "Incident not found"), el("p", { class: "card empty" }, `No incident has the id ${id}. `, el("a", { href: `/incidents?q=${encodeURIComponent(id)}` }, "Search the incidents"), "."));
}

function draw() {
  if (missing) return gone();
  const { incident, silences, others, actions } = page.known;
  if (!incident) return undefined;
  const seen = expected({ incidents: [incident, ...(others ?? []).filter((other) => other.id !== id)], silences: silences ?? [], actions });
  const shown = seen.incidents.find((other) => other.id === id);
  const more = seen.incidents.filter((other) => other.id !== id && isOpen(other)).map(({ id: key, title, target }) => ({ id: key, title, target }));
  const context = { quiet: isOpen(shown) ? silencing(seen.silences, shown.target) : [], others: isOpen(shown) ? more : [], fault: fault(keyOf(shown)), sending: pending(keyOf(shown)) };
  document.title = `${shown.title} · aia`;
  patch(at("incident"), [item(shown.id, [shown, context], () => whole(shown, context))]);
  people();
  if (seen.actions) responses.approvals({ ...seen.actions, waiting: seen.actions.waiting.filter((asked) => asked.incident_id === id) });
  return undefined;
}

const page = watch({
  me: { load: () => get("/v1/me"), draw: (me) => { meet(me); settle(me); }, every: Infinity },
  incident: { load: one, in: ["incident"], on: ["incidents", "actions"] },
  actions: { load: () => get("/v1/actions"), on: ["actions"] },
  silences: { load: () => get("/v1/silences"), on: ["silences"] },
  others: { load: async () => (await get("/v1/incidents?limit=1")).incidents, every: SLOWLY },
  "on-call": { load: () => get("/v1/on-call"), every: SLOWLY },
}, { drawn: draw, busy, commanded: ["incident", "actions", "silences"] });

onChange(() => {
  draw();
  if (busy()) page.again();
});
page.keepFresh();
