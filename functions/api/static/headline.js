// The one line that says how things are, and what of it is not known. What a part brought holds only while it goes on answering: before that,
// and afterwards, nobody knows; what has not come up yet is no fault.
import { at } from "./dom.js";
import { plural } from "./format.js";
import * as incidents from "./incidents.js";
import { hasDrifted, hasNoPerformance, hasNoVerdict, isAwaited as isUnscoredYet, isUnscored } from "./models.js";
import { EVERY } from "./parts.js";
import * as pipelines from "./pipelines.js";
import { isAwaited as isUncheckedYet, isDown, isUnchecked } from "./probes.js";
import * as rules from "./rules.js";

const listed = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");

export function headline(seen, { parts: sources, failed, isKnown, isStarting }) {
  const open = isKnown("incidents") ? seen.incidents.filter(incidents.isOpen) : [];
  const drifted = isKnown("models") ? seen.models.filter(hasDrifted).length : 0;
  const unscored = isKnown("models") ? seen.models.filter(isUnscored).length : 0;
  const unjudged = isKnown("models") ? seen.models.filter(hasNoVerdict).length : 0;
  const down = isKnown("probes") ? seen.probes.filter(isDown).length : 0;
  const unchecked = isKnown("probes") ? seen.probes.filter(isUnchecked).length : 0;
  const unscoredYet = isKnown("models") ? seen.models.filter(isUnscoredYet).length : 0;
  const uncheckedYet = isKnown("probes") ? seen.probes.filter(isUncheckedYet).length : 0;
  const unmeasured = isKnown("models") ? seen.models.filter(hasNoPerformance).length : 0;
  const unknownPipelines = isKnown("pipelines") ? seen.pipelines.filter(pipelines.isUnknown).length : 0;
  const absent = isKnown("rules") && !rules.isUnchecked(seen.rules) ? seen.rules.absent : [];
  const missed = absent.filter(rules.isMissed).length;
  const lacking = absent.filter(rules.isLacking).length;
  const all = ["incidents", "probes", "models", "pipelines"].filter((name) => !isKnown(name));
  const unknown = all.filter((name) => !isStarting(name));
  const starting = all.filter(isStarting);
  const capital = (text) => text.replace(/^./, (first) => first.toUpperCase());
  const parts = [
    open.length ? plural(open.length, "open incident") : null,
    drifted ? `${plural(drifted, "model")} drifted` : null,
    down ? `${plural(down, "probe")} down` : null,
    unchecked ? `${plural(unchecked, "probe")} not checked` : null,
    unscored ? `${plural(unscored, "model")} not scored` : null,
    unknownPipelines ? `${plural(unknownPipelines, "pipeline")} not known` : null,
    missed ? `${plural(missed, "alert rule lost its", "alert rules lost their")} data` : null,
    unknown.length ? `${capital(listed(unknown))} are not known` : null,
  ].filter(Boolean);
  const awaited = [
    uncheckedYet ? `${plural(uncheckedYet, "probe")} not checked yet` : null,
    unscoredYet ? `${plural(unscoredYet, "model")} not scored yet` : null,
    unjudged ? `${plural(unjudged, "model")} without a verdict` : null,
    unmeasured ? `${plural(unmeasured, "model")} without a verdict on performance` : null,
    lacking ? `${plural(lacking, "alert rule")} without data` : null,
    !isStarting("rules") && (!isKnown("rules") || rules.isUnchecked(seen.rules)) ? `Alert rules not checked ${seen.rules && seen.rules.checked_at === null ? "yet" : "for data"}` : null,
    starting.length ? `${capital(listed(starting))} are not known yet` : null,
  ].filter(Boolean);
  // Some are asked for once a minute only: what is asked for all the time tells sooner.
  const nothing = Object.keys(sources).every((name) => sources[name].every > EVERY || (failed.has(name) && !isStarting(name)));
  const says = nothing ? "Not responding" : [...parts, ...awaited].join(" · ") || "All systems operational";
  if (at("state").textContent !== says) at("state").textContent = says; // said aloud once
  const blind = unknown.some((name) => sources[name].every <= EVERY);
  at("state").className = down || blind || unchecked || nothing ? "critical" : open.length ? incidents.worst(open) : parts.length ? "warning" : awaited.length ? "" : "good";
  document.title = !isKnown("incidents") ? "(?) aia" : open.length ? `(${open.length}) aia` : "aia";
}
