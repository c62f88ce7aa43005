// Where to read what to do: an address as it is; a section of ours where it is known where those are; else its name.
import { el } from "./dom.js";

const WEB = /^https?:\/\//i;
const SERVED = "/runbooks/";
const FILE = /^[\w-]+\.md(#\S*)?$/;
const BESIDE = /^(\.\.\/|runbooks\/|docs\/runbooks\/)?([\w-]+\.md(?:#\S*)?)$/;
let base = "";
let reading = ""; // "runbooks" or "guides", where one of them is read

export const settle = (me) => { base = WEB.test(me.runbooks) || /^\/\w/.test(me.runbooks) ? me.runbooks.replace(/\/*$/, "/") : ""; };

// On the page of a runbook or a guide the others are beside it, wherever those are that the other pages lead to.
export function read(kind) {
  base = SERVED;
  reading = kind;
}

// Guides are in the folder above the runbooks; what is in no other of the two is not served.
function besideOf(where) {
  const [, folder, file] = BESIDE.exec(where) ?? [];
  if (!file) return "";
  if (folder === "../") return reading === "runbooks" ? `/guides/${file}` : "";
  return `/${folder ? "runbooks" : reading}/${file}`;
}

// A line breaks between the file and the section.
const broken = (section) => section.split(/(?<=#)/).flatMap((part) => [el("wbr"), part]);

export const sectionOf = (where) => where.replace(/^docs\/runbooks\//, "");

// The API serves runbooks and nothing beside them; what is kept elsewhere may have more.
const held = (section) => (WEB.test(base) ? !section.includes(":") : FILE.test(section));

// Where it leads; empty where that is not known.
function addressOf(where) {
  if (WEB.test(where) || (reading && where.startsWith("#"))) return where;
  if (reading) return besideOf(where);
  const section = sectionOf(where);
  return base && held(section) ? base + section : "";
}

// Between runbooks one goes on reading; anything else is opened beside what is looked at.
export function link(where, ...children) {
  const href = addressOf(where);
  if (!href) return null;
  return el("a", reading && !WEB.test(href) ? { href } : { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export function runbook(where) {
  const section = sectionOf(where);
  return link(where, WEB.test(where) ? "Runbook" : broken(section)) ?? el("span", { title: `docs/runbooks/${section}` }, broken(section));
}
