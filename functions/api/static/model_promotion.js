// The newest promotion of a model: how far the challenger has come, who has which traffic, what it waits for, and the newest look.
import { el } from "./dom.js";
import { number, percent, plural, when, words } from "./format.js";

const TONES = { promoted: "good", rejected: "warning", stopped: "error", "rolled back": "error", replaced: "warning" };
const known = (value) => value !== null && value !== undefined;

function look(looks) {
  const one = looks.at(-1);
  if (!one) return el("p", { class: "soft" }, "No look at the data yet.");
  const { advantage, low, high } = one.measure;
  const figures = known(advantage) ? `: advantage ${number(advantage)} (${number(low)} to ${number(high)}) on ${plural(one.n, "unit")}` : "";
  return el("p", { class: "soft" }, `${plural(looks.length, "look")}, the newest ${when(one.look_at)}: ${one.decision}, ${words(one.reason)}${figures}`);
}

function bar(share) {
  const filled = el("i", {});
  filled.style.width = `${share}%`;
  return el("span", { class: "track", "aria-hidden": "true" }, filled);
}

const traffic = (shares) => el("ul", { class: "traffic", "aria-label": "Traffic" }, shares.map((one) =>
  el("li", {}, el("span", {}, `version ${one.version} (${one.alias})`),
    bar(one.share), el("b", {}, percent(one.share / 100)))));

export function promotion({ promotion: one, looks }) {
  if (!one) return [el("p", { class: "soft" }, "No version of this model was compared or promoted yet.")];
  return [
    el("p", { class: "row" }, el("b", {}, `Version ${one.challenger} against ${one.champion}`), el("span", { class: `pill ${TONES[one.stage] ?? "info"}` }, one.stage),
      el("span", { class: "soft" }, `since ${when(one.changed_at)}, by ${one.by}`)),
    el("p", {}, one.why),
    one.waits && el("p", { class: "waits" }, el("span", { class: "pill warning" }, "waits"), " ", one.waits),
    traffic(one.traffic), look(looks),
  ];
}
