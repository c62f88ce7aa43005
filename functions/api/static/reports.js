// Weekly reports: the newest of each kind, and those that were sent.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";
import { when } from "./format.js";
import { asOf } from "./zone.js";

const TONES = { delivered: "good", refused: "critical" };
const address = (name, week) => `/reports/${encodeURIComponent(name)}/${encodeURIComponent(week)}`;
const newest = (one, week) => el("li", {}, el("a", { href: address(one.name, week) }, one.title), el("div", { class: "soft" }, `${week}: ${one.section_titles.join(", ")}`));
const answer = ([channel, { outcome }]) => [" ", el("span", { class: `pill ${TONES[outcome] ?? "warning"}` }, `${channel}: ${outcome}`)];

// Also one of a kind that there is not any more.
const kept = (one, titles) => el("li", {}, el("a", { href: address(one.name, one.week) }, `${titles.get(one.name) ?? one.name}, ${one.week}`),
  el("span", { class: "soft" }, ` made ${when(one.made_at)}`), Object.keys(one.sent).length ? Object.entries(one.sent).sort().map(answer) : el("span", { class: "soft" }, ", not sent yet"));

function draw(found) {
  const titles = new Map(found.reports.map((one) => [one.name, one.title]));
  show(at("newest"), ...found.reports.map((one) => newest(one, found.latest)));
  show(at("kept"), ...found.kept.length ? found.kept.map((one) => kept(one, titles))
    : [el("li", { class: "soft" }, "None yet. Name in the settings who gets which: ", el("a", { href: "/guides/reports.md" }, "guide"))]);
}

async function refresh() {
  if (document.hidden) return;
  let problem = "";
  try {
    draw(await get("/v1/reports"));
    at("updated").textContent = asOf();
  } catch (error) {
    problem = `Which reports there are is not known or out of date: ${error.name === "TimeoutError" ? "the request timed out" : error.message}`;
  }
  at("problem").textContent = problem;
  at("problem").hidden = !problem;
  document.body.dataset.loaded = "true";
}

document.addEventListener("visibilitychange", refresh);
refresh();
