// Channels: how people are notified, whether that works, and a test message through each.
import { command, fault, pending } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { since, when } from "./format.js";

const keyOf = (name) => `channel/${name}`;
const TONE = { delivered: "good", refused: "critical", failed: "critical" };

function send({ name, test }) {
  command({
    key: keyOf(name), path: `/v1/channels/${encodeURIComponent(name)}/test`, body: {}, says: `Test message: ${name}`,
    apply: (known) => known,
    holds: (known) => known.channels.some((one) => one.name === name && one.test && one.test.id !== test?.id),
  });
}

function answer(test) {
  if (!test) return el("span", { class: "soft" }, "never tested");
  return el("span", { title: when(test.answered_at) }, el("b", { class: TONE[test.outcome] }, test.outcome), test.detail && `: ${test.detail}`,
    el("span", { class: "soft" }, ` (tested by ${test.by} `, since(test.answered_at), " ago)"));
}

function row(one, context) {
  return el("li", { "data-channel": one.name },
    el("span", {}, el("b", {}, one.name), " ", el("span", { class: "soft" }, `${one.kind}: `), one.failing && el("span", { class: "pill critical" }, "does not deliver"), one.failing && " ", answer(one.test),
      context.sending && el("span", { class: "saving" }, " sending…")),
    el("button", { type: "button", "data-needs": "responder", class: "do small", "data-key": keyOf(one.name), "aria-label": `Send a test message to ${one.name}`, onclick: () => send(one) }, "Test"),
    context.fault && el("p", { class: "fault", role: "alert" }, context.fault));
}

export function draw(channels) {
  const rows = channels.map((one) => {
    const context = { fault: fault(keyOf(one.name)), sending: pending(keyOf(one.name)) };
    return item(one.name, [one, context], () => row(one, context));
  });
  patch(at("channels-list"), rows.length ? rows : [item("none", 0, () => el("li", { class: "soft" }, "No channels in the settings."))]);
}
