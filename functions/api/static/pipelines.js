// Pipelines: whether anything is known of each, how healthy it is, and when it last succeeded.
import { at, el, item, patch } from "./dom.js";
import { percent, plural, since, when, words } from "./format.js";

export const isUnknown = (data) => Boolean(data.fault) || !data.known;

const GOOD = 0.6; // as PipelineHealthLow has it

function state(data) {
  if (data.fault) return ["warning", "not known", `What is kept of its runs cannot be read: ${data.fault}`];
  if (!data.known) return ["warning", "not known", data.runs.length ? "No run has succeeded or failed yet." : "No run was reported."];
  const { score, reason } = data.health;
  return score === null ? ["info", words(reason), ""] : [score < GOOD ? "warning" : "good", `health ${percent(score)}`, reason === "healthy" ? "" : words(reason)];
}

function row(data) {
  const [tone, text, more] = state(data);
  return el("li", { "data-pipeline": data.name },
    el("span", {}, el("b", {}, data.name), " ", el("span", { class: `pill ${tone}` }, text), more && ` ${more}`,
      data.running > 0 && el("span", { class: "soft" }, ` ${plural(data.running, "run")} active`),
      data.last_success_at && el("span", { class: "soft", title: when(data.last_success_at) }, " last success ", since(data.last_success_at), " ago")));
}

export function draw(all) {
  patch(at("pipelines-list"), all.length ? all.map((one) => item(one.name, one, () => row(one))) : [item("none", 0, () => el("li", { class: "soft" }, "No pipeline has reported a run."))]);
}
