// A question before what is hard to take back, and ten seconds afterwards in which it can be.
import { el } from "./dom.js";

const SECONDS = 10;
const dialog = el("dialog", { id: "question", "aria-labelledby": "question-title" });
const told = el("div", { id: "told", "aria-live": "polite" });
document.querySelector("main").append(dialog, told);
const held = new Set(); // what is sent when the page is left

let answer = () => {};
const end = (yes) => { answer(yes); dialog.close(); };
dialog.addEventListener("close", () => answer(false));

// Whether the person means it: `{ title, text, label }`.
export function confirmed({ title, text, label }) {
  answer(false);
  dialog.replaceChildren(
    el("h2", { id: "question-title" }, title),
    ...[text].flat().map((line) => el("p", {}, line)),
    el("div", { class: "buttons" },
      el("button", { type: "button", class: "do first", onclick: () => end(true) }, label),
      el("button", { type: "button", class: "do plain", onclick: () => end(false) }, "Back")));
  dialog.showModal();
  return new Promise((resolve) => { answer = resolve; });
}

// Says what is done, with a button to undo it, until the time is over, it is dismissed or the page is left.
function offer(says, dismiss, { ended, undone }) {
  let left = SECONDS;
  const count = el("span", { class: "soft", "aria-hidden": "true" });
  const note = el("p", { class: "told" }, el("span", {}, says), count,
    el("button", { type: "button", class: "do small first", onclick: () => finish(undone) }, "Undo"),
    el("button", { type: "button", class: "do small plain", onclick: () => finish(ended) }, dismiss));
  const show = () => { count.textContent = ` ${left} s`; };
  const timer = setInterval(() => { left -= 1; if (left > 0) show(); else finish(ended); }, 1000);
  const leave = () => finish(ended);
  function finish(then) {
    clearInterval(timer);
    held.delete(leave);
    note.remove();
    then();
  }
  held.add(leave);
  show();
  told.append(note);
  return { undo: () => finish(undone), now: () => finish(ended) };
}

addEventListener("pagehide", () => { for (const leave of [...held]) leave(); });

// Holds back what is told for as long as it can be undone, by `undo()`, or `now()` for no longer; `over` gives whether it was not undone.
export function untilUndone(says) {
  let ends = null;
  const over = new Promise((resolve) => { ends = offer(`${says}.`, "Now", { ended: () => resolve(true), undone: () => resolve(false) }); });
  return { over, ...ends };
}

// What is done at once and is undone by its opposite.
export const undoable = (says, undo) => offer(`${says}.`, "Close", { ended: () => {}, undone: undo });
