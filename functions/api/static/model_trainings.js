// The trainings that were requested for a model, newest first: what came of each and why, in figures, and who asked.
import { el } from "./dom.js";
import { when, words } from "./format.js";
import { OUTCOME } from "./words.js";

function outcome({ outcome: name }) {
  const [tone, text] = OUTCOME[name] ?? ["info", name];
  return el("span", { class: `pill ${tone}` }, text);
}

// The newest step says why the outcome is what it is; those before it how that came.
function before({ steps }) {
  const earlier = [...steps].reverse().slice(1);
  return earlier.length > 0 && el("ul", { class: "soft" }, earlier.map((one) => el("li", {}, `${one.outcome}${one.at ? `, ${when(one.at)}` : ""}: ${one.detail}`)));
}

function asker({ requested_by: by, reason, note, run_id: run, experiment }) {
  const who = (by ?? "").replace(/^person:/, "") || words(reason);
  return el("div", { class: "soft by" }, `asked by ${who}`, by?.startsWith("finding:") && ` (${words(reason)})`, note && `: ${note}`,
    run && [" · run ", el("code", {}, run)], experiment && [" · experiment ", el("code", {}, experiment)]);
}

function training(one) {
  const since = one.steps.at(-1).at;
  return el("li", { "data-training": one.request },
    el("div", { class: "row" }, outcome(one), one.version && el("b", {}, `version ${one.version}`), since && el("span", { class: "soft" }, when(since))),
    el("div", {}, one.detail), before(one), asker(one));
}

export function trainings(data) {
  if (!data.trainings.length) return el("p", { class: "soft" }, `No training of this model was requested in the last ${data.days} days.`);
  return el("ol", { class: "trainings" }, data.trainings.map(training));
}
