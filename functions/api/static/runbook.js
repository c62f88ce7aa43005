// Where to read what to do: an address as it is; a section of ours where it is known where those are; else its name.
import { el } from "./dom.js";

const WEB = /^https?:\/\//i;
let base = "";

export const settle = (me) => { base = WEB.test(me.runbooks) ? me.runbooks.replace(/\/*$/, "/") : ""; };

// A line breaks between the file and the section.
const broken = (section) => section.split(/(?<=#)/).flatMap((part) => [el("wbr"), part]);

const sectionOf = (where) => where.replace(/^docs\/runbooks\//, "");

// Where it leads; empty where that is not known.
export const addressOf = (where) => (WEB.test(where) ? where : base && !where.includes(":") ? base + sectionOf(where) : "");

export function runbook(where) {
  const section = sectionOf(where);
  const address = addressOf(where);
  if (!address) return el("span", { title: `docs/runbooks/${section}` }, broken(section));
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, WEB.test(where) ? "Runbook" : broken(section));
}
