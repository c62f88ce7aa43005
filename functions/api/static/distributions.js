// The features of a model, those that drifted most first: reference and current window as histograms in the same bins.
import { el, svg } from "./dom.js";
import { number, percent, plain, when, words } from "./format.js";

const FIRST = 12;
const HEIGHT = 60;
const REASONS = {
  drift: ["error", "drifted"], no_change: ["good", "no change"], small_change: ["info", "change below the threshold"], seasonal: ["info", "usual for the season"],
  absent: ["warning", "not known: the column is gone"], type_changed: ["warning", "not known: the column has another type"], insufficient_data: ["warning", "not known: too few rows"],
};
const LEFT_OUT = {
  identifier: "not compared: almost every row has a value of its own", timestamp: "not compared: a time, later in every window", constant: "not compared: constant in the reference",
};
const sum = (values) => values.reduce((total, value) => total + value, 0);

// Shares of the rows that are not missing; of a window without such rows nothing is drawn.
function shares(values) {
  const total = sum(values);
  return total ? values.map((value) => value / total) : null;
}

const isWhole = (edges) => edges.every(Number.isInteger);
const spelt = (value) => (Number.isInteger(value) && Math.abs(value) < 1e15 ? plain(value) : number(value, 4));

function between(edges, place) {
  const whole = isWhole(edges);
  const low = edges[place - 1], high = edges[place];
  if (low === undefined) return `below ${spelt(high)}`;
  if (high === undefined) return `${spelt(low)} and above`;
  if (!whole) return `${spelt(low)} to ${spelt(high)}`;
  return high - low === 1 ? spelt(low) : `${spelt(low)} to ${spelt(high - 1)}`;
}

// The names of the bins, in their order.
export function labels({ edges, categories, reference }) {
  if (categories) return [...categories, "all others"];
  return edges.length ? reference.map((_, place) => between(edges, place)) : ["all"];
}

// What has no row in either window is not drawn: the bins beyond the ends, mostly.
function bins(feature) {
  const before = shares(feature.reference), now = shares(feature.current);
  return labels(feature).map((label, place) => ({ label, place, reference: before?.[place] ?? null, current: now?.[place] ?? null }))
    .filter((_, place) => feature.reference[place] || feature.current[place]);
}

const told = (bin) => `${bin.label}: reference ${percent(bin.reference)}, now ${percent(bin.current)}`;

function outline(all, highest) {
  const y = (bin) => HEIGHT * (1 - (bin.current ?? 0) / highest);
  return all.map((bin, index) => `${index ? "L" : "M"}${index} ${y(bin)}H${index + 1}`).join("");
}

function columns(feature, all) {
  const highest = Math.max(...all.flatMap((bin) => [bin.reference ?? 0, bin.current ?? 0])) || 1;
  const picture = svg("svg", { viewBox: `0 0 ${all.length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${words(feature.name)}: ${all.map(told).join("; ")}` },
    all.map((bin, index) => {
      const height = HEIGHT * ((bin.reference ?? 0) / highest);
      return svg("rect", { class: "before", x: index + 0.03, y: HEIGHT - height, width: 0.94, height });
    }),
    all.some((bin) => bin.current !== null) && svg("path", { class: "now", d: outline(all, highest) }),
    all.map((bin, index) => svg("rect", { class: "over", x: index, y: 0, width: 1, height: HEIGHT }, svg("title", {}, told(bin)))));
  return el("div", { class: "histogram" }, picture, ticks(feature, all));
}

// Values stand at the lower end of the first, the middle and the last bin that has one.
function ticks({ edges }, all) {
  const known = all.map((bin, index) => ({ index, value: edges[bin.place - 1] })).filter((one) => one.value !== undefined);
  const chosen = [...new Set([known[0], known[Math.floor(known.length / 2)], known.at(-1)])].filter(Boolean);
  return el("div", { class: "ticks", "aria-hidden": "true" }, chosen.map((one) => {
    const tick = el("span", {}, number(one.value));
    const left = (100 * one.index) / all.length;
    tick.classList.toggle("end", left > 60);
    if (left > 60) tick.style.right = `${100 - left}%`;
    else tick.style.left = `${left}%`;
    return tick;
  }));
}

function bar(kind, share, highest) {
  const node = el("i", { class: kind });
  node.style.width = `${(100 * (share ?? 0)) / highest}%`;
  return node;
}

// All others together would dwarf each of them: they have no bar.
function rows({ categories }, all) {
  const isNamed = (bin) => bin.place < categories.length;
  const highest = Math.max(...all.filter(isNamed).flatMap((bin) => [bin.reference ?? 0, bin.current ?? 0])) || 1;
  return el("ul", { class: "named" }, all.map((bin) => el("li", { title: told(bin) },
    el("span", { class: "label" }, bin.label),
    el("span", { class: "bars", "aria-hidden": "true" }, isNamed(bin) && [bar("before", bin.reference, highest), bar("now", bin.current, highest)]),
    el("span", { class: "share" }, `${percent(bin.reference)} → ${percent(bin.current)}`))));
}

function missing({ missing: both, reference, current }) {
  const [before, now] = both;
  if (!before && !now) return null;
  const share = (count, all) => percent(count / Math.max(count + sum(all), 1));
  return el("p", { class: "soft" }, `Missing: ${share(before, reference)} in the reference, ${share(now, current)} now`);
}

// How strong the change is, beside the smallest one that is called drift.
function strength(feature) {
  if (feature.left_out || feature.strength === undefined) return null;
  const full = 2 * Math.max(feature.strength, feature.threshold) || 1;
  const scale = (value) => 100 * Math.min(1, (1.6 * value) / full);
  return el("div", { class: `strength ${feature.drifted ? "error" : "info"}` },
    el("p", {}, "Strength ", el("b", {}, `${number(feature.strength)} sd`), el("span", { class: "soft" }, `, threshold ${number(feature.threshold)} sd`)),
    svg("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "track", x: 0, y: 0, width: 100, height: 6 }),
      svg("rect", { class: "value", x: 0, y: 0, width: scale(feature.strength), height: 6 }),
      svg("rect", { class: "limit", x: scale(feature.threshold), y: 0, width: 0.8, height: 6 })));
}

function tests(feature, titles) {
  const all = Object.entries(feature.tests ?? {}).filter(([, one]) => one.value !== null);
  return all.length ? el("p", { class: "soft" }, all.map(([name, one]) => `${titles.get(name) ?? name} ${number(one.value)}`).join(" · ")) : null;
}

function pill(feature) {
  if (feature.left_out) return el("span", { class: "pill info" }, LEFT_OUT[feature.left_out] ?? `not compared: ${words(feature.left_out)}`);
  const [tone, text] = REASONS[feature.reason] ?? ["warning", words(feature.reason)];
  return el("span", { class: `pill ${tone}` }, text);
}

function card(feature, titles) {
  const all = feature.reference ? bins(feature) : [];
  const drawn = all.length ? (feature.categories ? rows(feature, all) : columns(feature, all)) : el("p", { class: "soft" }, "Its distribution is not kept.");
  return el("article", { class: `card feature ${feature.drifted ? "drifted" : ""}`, "data-feature": feature.name },
    el("div", { class: "row" }, el("h3", {}, words(feature.name)), feature.role === "prediction" && el("span", { class: "soft" }, "score of the model"), pill(feature)),
    strength(feature), drawn, feature.reference && missing(feature), tests(feature, titles));
}

const key = () => el("p", { class: "legend soft" }, el("span", {}, el("i", { class: "before" }), "reference"), el("span", {}, el("i", { class: "now" }), "now"), el("span", {}, el("i", { class: "now drifted" }), "now, drifted"));

// `titles` are those of the statistics; `all` shows every feature, else the first ones, and `more` is called for the rest.
export function features(data, titles, all, more) {
  if (data.unknown) return [el("p", { class: "card soft" }, `Not known: ${data.unknown}.`)];
  const shown = all ? data.features : data.features.slice(0, FIRST);
  const left = data.features.length - shown.length;
  return [
    el("p", { class: "soft" }, `Window until ${when(data.window_end)}: ${number(data.n_current, 6)} rows against ${number(data.n_reference, 6)} of the reference${data.version ? ` of version ${data.version}` : ""}. The most drifted first.`),
    key(),
    el("div", { class: "features" }, shown.map((one) => card(one, titles))),
    left > 0 && el("button", { type: "button", class: "do", "data-key": "all-features", onclick: more }, `Show ${left} more`),
  ].filter(Boolean);
}
