// Upkeep: what each task did and does next, dead letters, backups, checks, and advice. What nobody answers is not known.
import { get } from "./api.js";
import { expected, onChange } from "./commands.js";
import * as letters from "./dead_letters.js";
import { at, el, item, patch } from "./dom.js";
import { SLOWLY, watch } from "./parts.js";
import { clock, number, plural, seconds, since, when, words } from "./format.js";
import { meet } from "./who.js";

const OUTCOMES = { done: ["good", "succeeded"], failed: ["critical", "failed"], continues: ["info", "goes on"], waits: ["info", "not run yet"] };
const STATUSES = { verified: ["good", "verified"], complete: ["info", "not compared yet"], broken: ["critical", "broken"] };
const VERDICTS = { good: ["good", "none found"], bad: ["error", "found"], not_known: ["warning", "not known"] };
const BACKUPS_SHOWN = 5;

const guide = (section, ...children) => el("a", { href: `/guides/maintenance.md#${section}` }, ...children);
const pill = ([tone, text]) => el("span", { class: `pill ${tone}` }, text);
const table = (name, heads, rows) => el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": name }, el("table", {},
  el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)));
const whole = (value) => number(value, 12);
const row = (...cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)));

// Oldest first, as time goes.
function marks(runs) {
  const failed = runs.filter((run) => run.outcome === "failed").length;
  return el("span", { class: "runs", role: "img", "aria-label": `${runs.length - failed} of the last ${plural(runs.length, "run")} succeeded` },
    [...runs].reverse().map((run) => el("i", { class: run.outcome, title: `${when(run.written_at)}: ${OUTCOMES[run.outcome][1]}` })));
}

const isDue = (one) => Date.parse(one.next) <= Date.now();

function task(one) {
  const state = one.outcome ? OUTCOMES[one.outcome] : ["warning", "not known"];
  return el("div", {}, el("details", { class: "card task", "data-key": one.task },
    el("summary", {}, el("b", {}, one.task), pill(state),
      el("span", { class: "soft" }, one.finished_at ? [since(one.finished_at), ` ago, in ${seconds(one.seconds)}`] : one.outcome === "continues" ? `${seconds(one.seconds)} so far` : "", one.detail && ` · ${one.detail}`),
      one.runs?.length ? marks(one.runs) : el("span", { class: "soft" }, one.runs === null ? "runs not known" : ""),
      el("span", { class: "soft" }, "next ", isDue(one) ? "at the next tick" : el("time", { datetime: one.next }, clock(one.next)))),
    !one.outcome && el("p", { class: "soft" }, "Nothing is known of it: the function ", el("code", {}, "maintenance"), " has not looked at it yet. Its job must be in ", el("code", {}, "jobs"), " of the settings."),
    one.outcome === "failed" && el("p", { class: "fault" }, one.runs?.[0]?.fault || one.detail || "Why is in the incident and in the log.", " ", el("a", { href: "/runbooks/system.md#maintenance_failed" }, "Runbook")),
    one.succeeded_at && el("p", { class: "soft" }, `Succeeded last for ${when(one.succeeded_at)}.`),
    one.runs?.length > 0 && table(`Runs of ${one.task}`, ["Ended", "Outcome", "Took", "What it did"],
      one.runs.map((run) => row(when(run.written_at), pill(OUTCOMES[run.outcome]), seconds(run.seconds), run.fault || run.detail || "nothing to do")))));
}

function backup(one) {
  return row(when(one.at), [pill(STATUSES[one.status]), one.detail && el("div", { class: "soft" }, one.detail)], String(one.tables), whole(one.rows), whole(one.documents));
}

function backups(all, next) {
  const heads = ["Made for", "State", "Tables", "Rows", "Documents"];
  if (all === null) return [el("p", { class: "card fault" }, "Not known: the warehouse does not answer.")];
  if (!all.length) {
    return [el("p", { class: "card" }, "No backup yet. ", next && (Date.parse(next) > Date.now() ? `The first one is made on ${when(next)}` : "The first one is made at the next tick"), "; ", el("code", {}, "aia backup"), " makes one now. ", guide("backup", "What a backup has"))];
  }
  return [el("div", { class: "card" }, table("Backups", heads, all.slice(0, BACKUPS_SHOWN).map(backup)),
    all.length > BACKUPS_SHOWN && el("details", { "data-key": "backups" }, el("summary", {}, `${all.length - BACKUPS_SHOWN} older`), table("Older backups", heads, all.slice(BACKUPS_SHOWN).map(backup))),
    el("p", { class: "soft" }, guide("restore", "How to restore one")))];
}

function check(one) {
  const verdict = one.outcome === "bad" && one.severity ? [one.severity, "found"] : one.outcome === "not_known" && !one.at ? ["info", "not known yet"] : VERDICTS[one.outcome];
  return el("li", {}, pill(verdict),
    el("span", {}, el("b", {}, one.check),
      one.outcome === "bad" && el("div", { class: "soft" }, one.detail && `${one.detail}. `, el("a", { href: `/runbooks/${one.runbook}` }, "What to do")),
      one.outcome === "not_known" && el("div", { class: "soft" }, one.at ? "The newest run could not read it; why is in the log of maintenance." : "It has not been looked at yet.")),
    el("span", { class: "soft" }, one.at && [since(one.at), " ago"]));
}

const numbers = (all) => Object.entries(all).map(([name, value]) => `${words(name)}: ${whole(value)}`).join(", ");

function advice(newest) {
  if (!newest) return [el("p", { class: "card" }, "Not known: the task ", el("code", {}, "optimisation"), " has not run yet.")];
  if (!newest.advice.length) return [el("p", { class: "card" }, `None, as of ${when(newest.at)}.`)];
  const figures = newest.advice.some((one) => Object.keys(one.numbers).length);
  return [el("div", { class: "card" }, table("Advice", ["Kind", "About", "Advice", ...(figures ? ["Figures"] : [])],
    newest.advice.map((one) => row(words(one.kind), el("code", {}, one.subject), one.text, ...(figures ? [numbers(one.numbers)] : [])))),
  el("p", { class: "soft" }, `As of ${when(newest.at)}. `, guide("advice", "When there is which")))];
}

function headline({ tasks, backups: all, checks }, parked) {
  const failed = tasks.filter((one) => one.outcome === "failed").map((one) => one.task);
  const bad = checks.filter((one) => one.outcome === "bad").length;
  const waiting = parked ? expected(parked).filter((one) => !one.sent_again).length : 0;
  const parts = [
    failed.length && `${failed.join(", ")} failed`,
    all?.[0]?.status === "broken" && "The newest backup is broken",
    waiting && plural(waiting, "dead letter"),
    bad && `${plural(bad, "check")} found something`,
    (all === null || !parked) && "Backups, runs or dead letters are not known",
  ].filter(Boolean);
  const unrun = tasks.filter((one) => one.outcome !== "done").map((one) => one.task);
  at("state").className = failed.length || all?.[0]?.status === "broken" ? "critical" : parts.length ? "warning" : unrun.length ? "" : "good";
  at("state").textContent = parts.join(" · ") || (unrun.length ? `No failure is known; not run yet: ${unrun.join(", ")}` : "All tasks succeeded");
}

function draw() {
  const { upkeep } = page.known;
  const parked = page.isKnown("letters") ? page.known.letters : null;
  if (upkeep) {
    patch(at("tasks"), upkeep.tasks.map((one) => item(one.task, [one, isDue(one)], () => task(one))));
    patch(at("backups"), [item("backups", upkeep.backups, () => el("div", {}, backups(upkeep.backups, upkeep.tasks.find((one) => one.task === "backup")?.next)))]);
    patch(at("checks"), upkeep.checks.map((one) => item(one.kind, one, () => check(one))));
    patch(at("advice"), [item("advice", upkeep.advice, () => el("div", {}, advice(upkeep.advice)))]);
    headline(upkeep, parked);
  } else if (page.failed.has("upkeep")) at("state").textContent = "Not known";
  letters.draw(at("letters"), parked && expected(parked), page.failed.get("letters")?.reason);
}

const page = watch({
  me: { load: () => get("/v1/me"), draw: meet, every: Infinity },
  upkeep: { load: () => get("/v1/maintenance"), every: SLOWLY, in: ["tasks", "backups", "checks", "advice"], on: ["maintenance", "verdicts"] },
  letters: { load: async () => (await get("/v1/dead-letters")).dead_letters, every: SLOWLY, on: ["maintenance"] },
}, { drawn: draw, busy: letters.busy, commanded: ["letters"] });

onChange(() => {
  draw();
  if (letters.busy()) page.again();
});
page.keepFresh();
