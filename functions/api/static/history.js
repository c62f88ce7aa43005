// How much of the past is in, while it is still being loaded: information, and no fault. It is asked for at first, often while it
// comes, and not any more when all of it is in or there is nothing to load.
import { get } from "./api.js";
import { at, el } from "./dom.js";
import { dayOf } from "./format.js";

export const OFTEN = 3000;
const state = { history: null, asked: 0 };

export const isComing = () => Boolean(state.history && !state.history.done);
export const isDue = () => !state.asked || (isComing() && Date.now() - state.asked >= OFTEN - 500);
export const askAgain = () => { state.asked = 0; };

// Gives whether more has come since it was asked the last time, so that what is drawn of it is old.
export async function follow() {
  const before = state.history;
  state.asked = Date.now();
  const answer = await get("/v1/backfills").catch(() => null);
  if (!answer) { // asked again with the rest of the page
    if (!before) state.asked = 0;
    return false;
  }
  state.history = answer.history;
  return Boolean(before && !before.done && (!state.history || state.history.days !== before.days || state.history.done));
}

// `from`, in seconds, is where what is looked at begins: before what is in, it says so.
export function drawHistory(from = Infinity) {
  const box = at("history");
  box.hidden = !isComing();
  if (box.hidden) return box.replaceChildren();
  const { days, of, since } = state.history;
  const beyond = 1000 * from < Date.parse(since) ? `; before ${dayOf(since)} it is still loading` : "";
  const says = `History: ${days} of ${of} days${beyond}`;
  if (box.querySelector("span")?.textContent === says) return;
  box.replaceChildren(el("progress", { max: of, value: days, "aria-hidden": "true" }), el("span", {}, says));
}
