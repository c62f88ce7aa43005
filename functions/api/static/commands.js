// What a person tells the system: shown at once as if it were done, sent, and held until the API says the same.
import { send } from "./api.js";
import { confirmed, undoable, untilUndone } from "./confirm.js";
import { at } from "./dom.js";
import { whose } from "./who.js";

const PATIENCE = 45000;
const waiting = new Map();
const faults = new Map();
let changed = () => {};

export const onChange = (listener) => { changed = listener; };
export const fault = (key) => faults.get(key) ?? "";
export const pending = (key) => waiting.has(key);
export const busy = () => [...waiting.values()].some((one) => !one.held);

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

// Returns when nothing is told about `key` any more: what comes next is about what came of it.
async function settled(key) {
  for (let turns = 0; waiting.has(key) && turns < PATIENCE / 100; turns++) await new Promise((resolve) => { setTimeout(resolve, 100); });
}

// `key` is what it is about, `path` and `body` what is sent, `apply(known, by)` what then changes, `holds(known, by)` whether it has. `ask` is
// asked before it; `holdBack` sends it only when the time to undo it is over, `undo()` undoes what is sent at once;
// `takesBack` says that it only undoes what is held back, where something is; `refused(error)` hears why it is not done.
export async function command({ key, path, body, says, apply, holds, ask, holdBack, takesBack, undo, refused = () => {} }) {
  const by = await whose();
  if (!by || (ask && !(await confirmed(ask)))) return false;
  const before = waiting.get(key)?.held;
  if (before && takesBack) return before.undo() ?? true;
  before?.now();
  const one = { apply: (known) => apply(known, by), holds: (known) => holds(known, by), held: holdBack ? untilUndone(says) : null };
  faults.delete(key);
  waiting.set(key, one);
  at("said").textContent = says;
  changed();
  if (one.held && !(await one.held.over)) {
    if (waiting.get(key) === one) waiting.delete(key);
    at("said").textContent = `Undone: ${says}`;
    changed();
    return false;
  }
  one.held = null;
  try {
    const { warning } = await send(path, { ...body, by });
    if (warning) at("said").textContent = `${says}; ${warning}`;
    one.sentAt = Date.now();
    if (undo) undoable(says, () => settled(key).then(undo));
  } catch (error) {
    if (waiting.get(key) === one) waiting.delete(key);
    faults.set(key, `Not done: ${error.message}`);
    refused(error);
  }
  changed();
  return Boolean(one.sentAt);
}
