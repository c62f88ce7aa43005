// What a person tells the system: shown at once as if it were done, sent, and held until the API says the same.
import { send } from "./api.js";
import { at } from "./dom.js";
import { whose } from "./who.js";

const PATIENCE = 45000;
const waiting = new Map();
const faults = new Map();
let changed = () => {};

export const onChange = (listener) => { changed = listener; };
export const fault = (key) => faults.get(key) ?? "";
export const pending = (key) => waiting.has(key);
export const busy = () => waiting.size > 0;

// What is known, as it will be when everything that was told is carried out.
export function expected(known) {
  for (const [key, one] of waiting) {
    if (!one.sentAt) continue;
    if (one.holds(known)) waiting.delete(key);
    else if (Date.now() - one.sentAt > PATIENCE) {
      waiting.delete(key);
      faults.set(key, "It was sent, but nothing has changed yet. See the timeline before you try again.");
    }
  }
  return [...waiting.values()].reduce((seen, one) => one.apply(seen), known);
}

// `key` is what it is about, `path` and `body` what is sent, `apply(known, by)` what then changes, `holds(known, by)` whether it has.
export async function command({ key, path, body, says, apply, holds }) {
  const by = await whose();
  if (!by) return false;
  const one = { apply: (known) => apply(known, by), holds: (known) => holds(known, by) };
  faults.delete(key);
  waiting.set(key, one);
  at("said").textContent = says;
  changed();
  try {
    const { warning } = await send(path, { ...body, by });
    if (warning) at("said").textContent = `${says}; ${warning}`;
    one.sentAt = Date.now();
  } catch (error) {
    if (waiting.get(key) === one) waiting.delete(key);
    faults.set(key, `Not done: ${error.message}`);
  }
  changed();
  return Boolean(one.sentAt);
}
