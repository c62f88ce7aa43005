// Messages that could not be handled: looked at, corrected, and sent again once, after a question.
import { get } from "./api.js";
import { busy as sending, command, fault, pending } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { plural, since, when } from "./format.js";

const SHOWN = 20;
const read = new Map(); // what each says, by its id, or why that is not known
const edits = new Map();
const keyOf = (one) => `dead-letter/${one.id}`;
let redraw = () => {};

export const busy = sending;

async function open(one) {
  if (read.get(one.id)?.letter) return;
  try {
    read.set(one.id, { letter: await get(`/v1/dead-letters/${encodeURIComponent(one.id)}`) });
  } catch (error) {
    read.set(one.id, { problem: error.name === "TimeoutError" ? "the request timed out" : error.message });
  }
  redraw();
}

// As it is where a browser would change it: a number of more digits than a double has, as of nanoseconds.
const pretty = (data) => {
  if (/\d{16}/.test(data)) return data;
  try {
    return JSON.stringify(JSON.parse(data), null, 2);
  } catch {
    return data; // that it is no JSON may be what is wrong
  }
};

function confirmed(what) {
  at("confirm-what").textContent = what;
  at("confirm").returnValue = "";
  at("confirm").showModal();
  at("confirm-cancel").focus();
  return new Promise((resolve) => {
    at("confirm").addEventListener("close", () => resolve(at("confirm").returnValue === "send"), { once: true });
  });
}

async function send(one, note) {
  const edited = edits.get(one.id);
  const changed = edited !== undefined && edited !== pretty(read.get(one.id).letter.data);
  const to = one.subscription || one.function;
  if (!await confirmed(`The message goes ${changed ? "as you edited it" : "as it was"} to the topic of ${to}, which ${one.function} takes it from.`)) return;
  command({
    key: keyOf(one), path: `/v1/dead-letters/${encodeURIComponent(one.id)}/resend`, body: { note, ...(changed && { data: edited }) },
    says: `Sent again: ${one.id}`,
    apply: (all) => all.map((other) => (other.id === one.id ? { ...other, sent_again: true } : other)),
    holds: (all) => all.some((other) => other.id === one.id && other.sent_again),
  });
}

function form(one, letter) {
  const name = `What dead letter ${one.id} says`;
  const area = el("textarea", { "aria-label": name, spellcheck: "false", readonly: one.sent_again });
  area.value = edits.get(one.id) ?? pretty(letter.data);
  area.addEventListener("input", () => edits.set(one.id, area.value));
  const note = el("input", { type: "text", class: "note", maxlength: 300, required: true, placeholder: "Reason, for the audit trail", "aria-label": `Reason to send ${one.id} again`, "data-key": `note/${one.id}` });
  return [
    el("dl", {}, [["id", one.id], ["parked", `${when(one.received_at)}${one.n_parked > 1 ? `, ${plural(one.n_parked, "time")}` : ""}`], ["subscription", one.subscription || "not known"], ["message", one.message_id || "not known"],
      ...Object.entries(letter.attributes)].map(([term, text]) => [el("dt", {}, term), el("dd", {}, String(text))])),
    area,
    letter.confirm && el("p", { class: "buttons" }, el("a", { class: "do first", "data-needs": "operator", href: letter.confirm, target: "_blank", rel: "noopener noreferrer" }, "Confirm the subscription")),
    !letter.data && el("p", { class: "soft" }, "What it said cannot be read: it can only be sent with something else."),
    one.sent_again ? el("p", { class: "soft" }, "It was sent again; if it could not be handled again, that is another dead letter.")
      : el("form", { class: "buttons", onsubmit: (event) => { event.preventDefault(); send(one, note.value.trim()); } },
        el("button", { type: "submit", "data-needs": "operator", class: "do", "data-key": `send/${one.id}`, disabled: pending(keyOf(one)) }, "Send again…"), note),
  ];
}

function card(one, { letter, problem } = {}) {
  const node = el("details", { class: "card letter", "data-key": keyOf(one) },
    el("summary", {}, el("b", {}, one.function), el("span", { class: "reason" }, one.reason),
      el("span", { class: `pill ${one.sent_again ? "info" : "warning"}` }, pending(keyOf(one)) ? "sending…" : one.sent_again ? "sent again" : "waits"),
      el("span", { class: "soft" }, since(one.received_at), " ago")),
    letter ? form(one, letter) : el("p", { class: problem ? "fault" : "soft" }, problem ? `Not known: ${problem}` : "Loading…"),
    fault(keyOf(one)) && el("p", { class: "fault", role: "alert" }, fault(keyOf(one))));
  node.addEventListener("toggle", () => { if (node.open) open(one); });
  return el("div", {}, node);
}

const none = () => el("p", { class: "card" }, "None. A message that no retry can fix comes here with its reason, to be corrected and sent again. ", el("a", { href: "/guides/maintenance.md#dead-letters" }, "Guide"));
const unknown = (problem) => el("p", { class: "card fault" }, `Not known: ${problem || "asked for"}`);
const more = (count) => el("p", { class: "soft" }, `${plural(count, "older one")}: `, el("code", {}, "aia dead-letters list"));

export function draw(container, all, problem) {
  redraw = () => draw(container, all, problem);
  if (!all) return patch(container, problem ? [item("unknown", problem, () => unknown(problem))] : []);
  const items = all.slice(0, SHOWN).map((one) => {
    const said = read.get(one.id);
    return item(one.id, [one, Boolean(said?.letter), said?.problem, fault(keyOf(one)), pending(keyOf(one))], () => card(one, said));
  });
  const rest = all.length - SHOWN;
  patch(container, items.length ? [...items, ...(rest > 0 ? [item("more", rest, () => more(rest))] : [])] : [item("none", 0, none)]);
}

at("confirm-send").addEventListener("click", () => at("confirm").close("send"));
at("confirm-cancel").addEventListener("click", () => at("confirm").close(""));
