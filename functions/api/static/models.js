import { el, show, svg } from "./dom.js";
import { gaps, headline, performance } from "./performance.js";
import { clock, dayOf, number, percent, plural, shortDay, span, when, words } from "./format.js";

const FIRST = "psi"; // what most people look at first
const DAY = 86400;

// Offers the statistics that are on for any of the models, and gives back the chosen one.
export function offer(select, all) {
  const on = new Map(all.flatMap((one) => one.statistics).map((one) => [one.name, one]));
  const offered = [...select.options].map((option) => option.value);
  if (offered.join() !== [...on.keys()].join()) {
    const chosen = [select.value, FIRST].find((name) => on.has(name));
    select.replaceChildren(...[...on.values()].map((one) => el("option", { value: one.name, title: one.blind_to }, one.title)));
    if (chosen) select.value = chosen;
  }
  const test = on.get(select.value);
  select.title = test?.blind_to ?? "";
  return test;
}

// A statistic that is as strong as `full` fills its cell; what drifted is told by the colour, how strongly by the opacity.
function cells(feature, days, test) {
  const values = feature.tests[test.name] ?? [];
  const full = test.full ?? Math.max(1e-9, ...values.filter((value) => value !== null));
  return svg("svg", { viewBox: `0 0 ${days.length} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `${words(feature.name)}, ${test.title}, by day` },
    values.map((value, index) => {
      if (value === null) return null;
      const strength = Math.min(1, Math.max(0, value / full));
      const drifted = feature.drifted[index];
      const colour = drifted ? `rgba(var(--drift), ${0.45 + 0.55 * strength})` : `rgba(var(--quiet), ${0.06 + 0.54 * strength})`;
      const cell = svg("rect", { x: index, y: 0, width: 1.02, height: 1 }, svg("title", {}, `${dayOf(days[index])}: ${number(value)}${drifted ? ", drifted" : ""}`));
      cell.style.fill = colour;
      return cell;
    }));
}

function heat(drift, test, selected, select) {
  const rows = drift.features.map((feature) => {
    const last = feature.tests[test.name]?.at(-1);
    const drifted = feature.drifted.at(-1);
    return [
      el("button", { type: "button", "aria-pressed": String(feature.name === selected), "data-key": `${drift.model}/${feature.name}`, onclick: () => select(feature.name) }, words(feature.name)),
      cells(feature, drift.days, test),
      el("span", { class: drifted ? "value drifted" : "value" }, number(last)),
    ];
  });
  return el("div", {},
    el("div", { class: "heat" }, rows.flat(),
      el("span"), el("span", { class: "axis" }, el("span", {}, shortDay(drift.days[0])), el("span", {}, shortDay(drift.days.at(-1)))), el("span")),
    el("p", { class: "legend soft" },
      el("span", {}, el("i", { class: "q" }), "changed, within bounds"),
      el("span", {}, el("i", { class: "d" }), "drifted"),
      el("span", {}, el("i", { class: "n" }), "not scored")));
}

const isLow = (accuracy) => accuracy && accuracy.floor !== null && accuracy.value < accuracy.floor;
const noAccuracy = (model) => (model.task === "generative" ? "not measured" : "no labels yet");

function facts(model) {
  const accuracy = model.accuracy;
  const fact = (name, value, tone = "") => el("div", {}, el("dt", {}, name), el("dd", { class: tone }, value));
  return el("dl", { class: "facts" },
    fact("Drifted features", `${model.drifted.length} of ${model.features.length}`, model.drifted.length ? "error" : ""),
    !accuracy && model.performance?.some((one) => one.value !== null)
      ? fact(...headline(model))
      : fact("Accuracy", accuracy ? percent(accuracy.value) + (accuracy.floor === null ? "" : ` (floor ${percent(accuracy.floor)})`) : noAccuracy(model), isLow(accuracy) ? "critical" : ""),
    fact("Rows in the window", `${number(model.n_current, 6)} against ${number(model.n_reference, 6)}`),
    fact("Version", model.version || "not known"),
    fact("Scored for", when(model.window_end)));
}

function plot(holder, drift, test, selected) {
  const feature = drift.features.find((one) => one.name === selected);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const x = drift.days.map((day) => Date.parse(day) / 1000);
  const y = feature.tests[test.name] ?? x.map(() => null);
  const hot = y.map((value, index) => (feature.drifted[index] ? value : null));
  const value = (_, one) => number(one);
  const latest = (chart) => chart.setLegend({ idx: x.length - 1 });
  const limit = feature.limits[test.name] ?? null;
  const chart = new uPlot({
    width: holder.clientWidth, height: 190, tzDate: (second) => uPlot.tzDate(new Date(second * 1000), "UTC"),
    hooks: { ready: [latest] }, cursor: { y: false }, scales: { ...(x.length === 1 && { x: { range: [x[0] - DAY, x[0] + DAY] } }), y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.08 || 1] } },
    axes: [{ ...axis, incrs: [1, 2, 7, 14, 30, 90].map((days) => days * DAY), values: (_, splits) => splits.map((second) => shortDay(second * 1000)) }, { ...axis, size: 56 }],
    series: [
      { value: (_, day) => (day === null ? "–" : dayOf(day * 1000)), label: "Day" },
      { label: test.title, stroke: colour("--accent"), width: 1.6, spanGaps: false, points: { show: x.length === 1 }, value },
      ...(limit === null ? [] : [{ label: `Drift from ${number(feature.threshold)} sd`, stroke: colour("--warning"), width: 1.2, dash: [5, 4], points: { show: x.length === 1 }, value }]),
      { label: "Drifted", stroke: "transparent", points: { show: true, size: 6, fill: colour("--error"), stroke: colour("--error") }, value },
    ],
  }, [x, y, ...(limit === null ? [] : [x.map(() => limit)]), hot], holder);
  chart.over.addEventListener("mouseleave", () => latest(chart));
}

// A verdict holds only as long as windows go on being scored.
export const hasDrifted = (data) => data.drifted.length > 0 && !data.overdue && !data.awaited;
export const isAwaited = (data) => Boolean(data.awaited);
export const isUnscored = (data) => !isAwaited(data) && (!data.window_end || data.overdue);
// The worst first: what is wrong, then what is not known, then what is good.
export function rank(data) {
  if (!isAwaited(data) && !isUnscored(data) && isLow(data.accuracy)) return 0;
  if (hasDrifted(data)) return 1;
  if (isUnscored(data)) return 2;
  if (hasNoVerdict(data) || hasNoPerformance(data)) return 3;
  return isAwaited(data) ? 4 : 5;
}
// The newest window was read, and nothing is concluded about it.
export const hasNoVerdict = (data) => Boolean(data.window_end && data.reason) && !data.overdue && !data.awaited;

// Its settings ask for performance, and too few labels have arrived to measure it.
export const hasNoPerformance = (data) => Boolean(data.labels && data.labels.arrived < data.labels.required) && !data.overdue && !data.awaited;

const whyNoPerformance = ({ labels }) => `Performance is not known: ${labels.arrived ? plural(labels.arrived, "label has", "labels have") : "no labels have"} arrived for the window; a verdict needs ${number(labels.required, 6)}.`;

function whyNoVerdict(data) {
  if (!data.n_reference) return `The reference window has no rows of this model: its table needs rows whose column "model" is "${data.name}".`;
  if (Math.min(data.n_reference, data.n_current) >= data.minimum_rows) return "No feature can be compared: each is constant in the reference, an identifier or a time.";
  const [which, rows] = data.n_current < data.minimum_rows ? ["window", data.n_current] : ["reference", data.n_reference];
  return `The ${which} has ${plural(rows, "row")}; a verdict needs ${number(data.minimum_rows, 6)}.`;
}

const first = (data) => (data.due_at ? `the first score is due at ${clock(data.due_at)}` : "its history is loading");

export function pills(data) {
  if (!data.window_end && !data.awaited) return [el("span", { class: "pill warning" }, "not scored")];
  if (data.awaited) return [el("span", { class: "pill info" }, `not known yet, ${first(data)}`)];
  if (data.overdue) return [el("span", { class: "pill warning" }, `not known, not scored for ${span(data.window_end)}`)];
  const accuracy = data.accuracy;
  const low = isLow(accuracy) && el("span", { class: "pill critical" }, "accuracy below its floor");
  const drifted = data.drifted.length
    ? el("span", { class: "pill error" }, "drifted")
    : hasNoVerdict(data) ? el("span", { class: "pill warning" }, "no verdict") : el("span", { class: `pill ${low ? "info" : "good"}` }, "no drift");
  return [low, drifted, hasNoPerformance(data) && el("span", { class: "pill warning" }, "performance not known")];
}

export const link = (name) => el("a", { class: "name", href: `/models/${encodeURIComponent(name)}` }, name);

const unscored = (data) => el("article", { class: "card", "data-model": data.name }, el("h2", {}, link(data.name)),
  el("p", { class: "soft" }, `Not scored yet${data.awaited ? `: ${first(data)}` : data.due_at ? `: a score was due at ${clock(data.due_at)}` : ""}.`));

// One model: what it is, and where it is opened its tests by feature and day, with the chosen feature as a line. `choice` remembers the
// feature; `drift` is there once it was opened.
export function model(data, drift, test, choice, { open, toggled }) {
  if (!data.window_end) return { card: unscored(data), draw: () => {} };
  const holder = el("div", { class: "plot" });
  const body = el("div", {});
  const chosen = () => drift.features.find((one) => one.name === choice[data.name])?.name
    ?? drift.features.find((one) => one.name === data.strongest)?.name ?? drift.features[0].name;
  const select = (name) => {
    choice[data.name] = name;
    show(body, heat(drift, test, name, select));
    tell();
    draw();
  };
  // It is there before the chart is drawn: a page that is shorter meanwhile would lose where one reads.
  const note = el("p", { class: "soft" });
  const tell = () => {
    const { threshold, limits } = drift.features.find((one) => one.name === chosen());
    note.hidden = limits[test.name] === undefined;
    if (!note.hidden) note.replaceChildren(`Dashed: ${test.title} of a change by ${number(threshold)} sd, the smallest that is drift of this feature now. Whether it drifted is decided by the strength of its change, not by this test. `, el("a", { href: "/guides/drift-command.md#when-it-is-drift" }, "How"));
  };
  const draw = () => {
    const title = `${words(chosen())}, ${test.title}`;
    holder.replaceChildren(el("h3", {}, title));
    const picture = el("div", { role: "img", "aria-label": `${title}, by day in UTC` });
    holder.append(picture);
    plot(picture, drift, test, chosen());
  };
  const scored = drift?.days.length > 0;
  if (scored) {
    body.append(heat(drift, test, chosen(), select));
    tell();
  }
  const details = el("details", { class: "by-day", "data-key": `drift/${data.name}` }, el("summary", {}, "Drift by feature and day (UTC)"),
    scored ? [body, holder, note] : el("p", { class: "soft" }, drift ? "No window was scored in this period." : "Loading…"));
  const card = el("article", { class: "card", "data-model": data.name },
    el("div", { class: "row" }, el("h2", {}, link(data.name)), pills(data),
      data.owner && el("span", { class: "soft push" }, `owned by ${data.owner}`)),
    hasNoVerdict(data) && el("p", { class: "soft" }, whyNoVerdict(data)), hasNoPerformance(data) && el("p", { class: "soft" }, whyNoPerformance(data)), facts(data), performance(data), gaps(data), details);
  // Drawing puts open what was open before; what is open is known here.
  const settle = () => {
    details.open = open;
    details.addEventListener("toggle", () => { if (details.open !== open) toggled(details.open); });
    if (scored && open) draw();
  };
  return { card, draw: settle };
}
