// What is concluded of a model now: good, bad or not known, with when and on how many rows it rests; and what the model is.
import { el } from "./dom.js";
import { clock, number, percent, plural, when } from "./format.js";

const OUTCOMES = { good: ["good", "good"], bad: ["error", "bad"], not_known: ["warning", "not known"] };

const known = (value) => value !== null && value !== undefined;

// `unit` is what the verdict rests on: rows, labels or requests.
export function verdict(title, data, unit, { due_at: due, awaited }) {
  const [tone, text] = OUTCOMES[data.outcome];
  const first = !data.at && due ? `; ${awaited ? "the first score is" : "a score was"} due at ${clock(due)}` : "";
  return el("article", { class: `card edge ${tone}`, "data-verdict": title.toLowerCase() },
    el("div", { class: "row" }, el("h2", {}, title), el("span", { class: `pill solid ${tone}` }, text)),
    el("p", {}, data.summary + first),
    el("p", { class: "soft" }, [data.at && `window until ${when(data.at)}`, known(data.rows) && `${number(data.rows, 6)} ${unit}`].filter(Boolean).join(" · ")));
}

const holder = (versions, alias) => versions?.changes.find((one) => one.alias === alias);

function challenger(versions) {
  const newest = holder(versions, "challenger");
  if (!newest?.version) return versions ? "none" : "not known";
  return `${newest.version}, ${[newest.stage, `${percent(newest.share / 100)} of the traffic`].filter(Boolean).join(", ")}`;
}

export function facts(model, versions) {
  const fact = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  return el("dl", { class: "facts" },
    fact("Version in use (champion)", versions?.in_use || model.version || "not known"),
    fact("Challenger", challenger(versions)),
    model.features.length ? fact("Features", `${plural(model.features.length, "feature")}, ${model.drifted.length} drifted`) : null,
    fact("Rows", model.window_end ? `${number(model.n_current, 6)} against ${number(model.n_reference, 6)} of the reference` : "not known"),
    fact("Window", model.window_start ? `${when(model.window_start)} to ${when(model.window_end)}` : "not scored yet"),
    fact("Open incidents", model.incidents.length
      ? model.incidents.map((one, place) => [place ? ", " : "", el("a", { href: `/incidents/${encodeURIComponent(one.id)}` }, one.title)])
      : "none"));
}
