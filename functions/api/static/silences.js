// Silences: for a time nobody is told of some targets; incidents are kept all the same.
import { command, fault, pending } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { clock, left } from "./format.js";

const keyOf = (pattern) => `silence/${pattern}`;
const HOURS = [1, 4, 8, 24, 72];

// The last one that was refused since it matches nothing that is known: what it is most like, and how to make it all the same.
let unmatched = null;

export function silence(pattern, minutes, note, key = "silences", anyway = false) {
  unmatched = null;
  const now = Date.now();
  const until = new Date(now + minutes * 60000).toISOString();
  return command({
    key, path: "/v1/silences", body: { pattern, minutes, note, ...(anyway && { anyway }) }, says: `Silenced: ${pattern}`,
    refused: ({ near }) => { if (near !== undefined) unmatched = { pattern, minutes, note, near }; },
    apply: (known, by) => ({ ...known, silences: [...known.silences, { pattern, by, note, at: new Date(now).toISOString(), until }] }),
    holds: (known) => known.silences.some((one) => one.pattern === pattern && Date.parse(one.until) >= Date.parse(until) - 60000),
  });
}

export function unsilence(pattern, key = keyOf(pattern)) {
  return command({
    key, path: "/v1/silences/end", body: { pattern }, says: `No longer silenced: ${pattern}`, holdBack: true,
    ask: { title: "End this silence?", text: [pattern, "People are notified of these targets again, also of what fires already."], label: "End the silence" },
    apply: (known) => ({ ...known, silences: known.silences.filter((one) => one.pattern !== pattern) }),
    holds: (known) => !known.silences.some((one) => one.pattern === pattern),
  });
}

function row(one, context) {
  return el("li", {},
    el("span", {}, el("code", {}, one.pattern), " by ", el("b", {}, one.by), ", for ", left(one.until), ` (until ${clock(one.until)})`, one.note && `: ${one.note}`,
      one.warning && el("span", { class: "warning" }, ` ${one.warning}`),
      context.sending && el("span", { class: "saving" }, " saving…")),
    el("button", { type: "button", "data-needs": "responder", class: "do small", "data-key": keyOf(one.pattern), "aria-label": `End the silence of ${one.pattern}`, onclick: () => unsilence(one.pattern) }, "End"),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault));
}

function send(event) {
  event.preventDefault();
  const value = (id) => at(id).value.trim();
  if (!value("silence-pattern")) return at("silence-pattern").focus();
  silence(value("silence-pattern"), 60 * Number(value("silence-hours")), value("silence-note")).then((done) => {
    if (done) at("silence-pattern").value = at("silence-note").value = "";
  });
}

// Whoever mistyped it takes the one that is meant; whoever means a target of tomorrow says so.
function meant({ pattern, minutes, note, near }) {
  const button = (text, chosen, anyway) => el("button", {
    type: "button", "data-needs": "responder", class: "do small", "data-key": `meant/${chosen}`,
    onclick: () => silence(chosen, minutes, note, "silences", anyway).then((done) => { if (done) at("silence-pattern").value = at("silence-note").value = ""; }),
  }, text);
  return el("div", { class: "buttons" }, near && button(`Silence ${near}`, near, false), button(`Silence ${pattern} anyway`, pattern, true));
}

function form(problem) {
  return el("form", { onsubmit: send, "aria-label": "Silence targets" },
    el("div", { class: "buttons" },
      el("input", { type: "text", id: "silence-pattern", required: true, maxlength: 300, placeholder: "model/*", "aria-label": "Target pattern; * matches any characters", "data-key": "silence-pattern" }),
      el("select", { id: "silence-hours", "aria-label": "Duration", "data-key": "silence-hours" }, HOURS.map((hours) => el("option", { value: hours }, `${hours} h`))),
      el("input", { type: "text", class: "note", id: "silence-note", maxlength: 300, placeholder: "Reason (optional)", "aria-label": "Reason for the silence", "data-key": "silence-note" }),
      el("button", { type: "submit", "data-needs": "responder", class: "do", "data-key": "silence-do" }, "Silence")),
    problem && el("p", { class: "fault", role: "alert" }, problem),
    problem && unmatched && meant(unmatched));
}

export function draw(silences) {
  const rows = silences.map((one, index) => {
    const key = keyOf(one.pattern);
    const context = { fault: fault(key), sending: pending(key) };
    return item(`${one.pattern} ${one.by} ${index}`, [one, context], () => row(one, context));
  });
  patch(at("silences"), rows.length ? rows : [item("none", 0, () => el("li", { class: "soft" }, "No silences."))]);
  patch(at("silence-form"), [item("form", [fault("silences"), unmatched], () => form(fault("silences")))]);
}
