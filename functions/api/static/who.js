// Whose browser this is: who is signed in, or the name that was given here once.
import { at } from "./dom.js";

const KEY = "aia.by";
const LONGEST = 80;
let signedIn = "";
let waiting = null;

const kept = () => {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage is switched off: the name is asked for again
  }
};
let name = kept();

function draw() {
  const role = document.body.dataset.role;
  Object.assign(at("who"), { disabled: Boolean(signedIn), textContent: signedIn ? role : name || "Who are you?", title: signedIn });
  at("who").setAttribute("aria-label", signedIn ? `You are ${signedIn}, with the role ${role}` : name ? `You are ${name}` : "Who are you?");
}

export function meet(me) {
  signedIn = me.by;
  document.body.dataset.role = me.role; // what takes another role is not shown
  draw();
}

function forgetDialog() {
  waiting?.("");
  waiting = null;
}

// Who says so; asks where that is not known yet. Empty where the person thought better of it.
export function whose() {
  if (signedIn || name) return Promise.resolve(signedIn || name);
  return ask();
}

export function ask() {
  forgetDialog();
  at("name").value = name;
  at("name-dialog").showModal();
  at("name").focus();
  return new Promise((resolve) => { waiting = resolve; });
}

at("who").addEventListener("click", ask);
at("name-dialog").addEventListener("close", forgetDialog);
at("name-later").addEventListener("click", () => at("name-dialog").close());
at("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = at("name").value.trim().slice(0, LONGEST);
  if (!given) return;
  name = given;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // it holds until the page is closed
  }
  draw();
  const answer = waiting;
  waiting = null;
  at("name-dialog").close();
  answer?.(name);
});
draw();
