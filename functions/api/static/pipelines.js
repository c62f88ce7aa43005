// Pipelines: whether anything is known of each, how healthy it is, when it last succeeded, its newest run and its bottleneck.
import { bottleneck } from "./bottleneck.js";
import { at, el, item, patch } from "./dom.js";
import { gantt, took } from "./gantt.js";
import { percent, plural, since, when, words } from "./format.js";

export const isUnknown = (data) => Boolean(data.fault) || !data.known;

const GOOD = 0.6; // as PipelineHealthLow has it

function state(data) {
  if (data.fault) return ["warning", "not known", `What is kept of its runs cannot be read: ${data.fault}`];
  if (!data.known) return ["warning", "not known", data.runs.length ? "No run has succeeded or failed yet." : "No run was reported."];
  const { score, reason } = data.health;
  return score === null ? ["info", words(reason), ""] : [score < GOOD ? "warning" : "good", `health ${percent(score)}`, reason === "healthy" ? "" : words(reason)];
}

export const isUnhealthy = (data) => !isUnknown(data) && data.health.score !== null && data.health.score < GOOD;
export const pill = (data) => el("span", { class: `pill ${state(data)[0]}` }, state(data)[1]);

function head(data) {
  const [, , more] = state(data);
  return el("span", {}, el("b", {}, data.name), " ", pill(data), more && ` ${more}`,
    data.running > 0 && el("span", { class: "soft" }, ` ${plural(data.running, "run")} active`),
    data.last_success_at && el("span", { class: "soft", title: when(data.last_success_at) }, " last success ", since(data.last_success_at), " ago"));
}

const isLive = (run) => run?.status === "running";

// A run that goes on is open; the stages of one that has ended are a click away.
function newest(data) {
  const [run] = data.runs;
  if (!run) return null;
  const drawn = gantt(run, data.critical_path);
  if (isLive(run)) return el("div", {}, el("p", { class: "soft" }, `Run ${run.run_id}`), drawn);
  const title = `Newest run: ${run.status}${run.seconds === null ? "" : ` in ${took(run.seconds)}`}, ${plural(run.stages.length, "stage")}`;
  return el("details", { "data-key": `run-${data.name}` }, el("summary", {}, title), drawn, el("p", { class: "soft" }, `Run ${run.run_id}`));
}

const row = (data) => el("li", { "data-pipeline": data.name }, head(data), newest(data), bottleneck(data.name, data.bottleneck));

// The bars of a run that goes on grow every second.
const drawnAt = (data) => (isLive(data.runs[0]) ? Math.floor(Date.now() / 1000) : 0);

export function draw(all) {
  patch(at("pipelines-list"), all.length ? all.map((one) => item(one.name, [one, drawnAt(one)], () => row(one))) : [item("none", 0, () => el("li", { class: "soft" }, "No pipeline has reported a run. ", el("a", { href: "/guides/pipelines.md" }, "How pipelines report"), " what they do."))]);
}
