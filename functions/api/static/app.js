// The overview: what needs somebody now, on one screen. Each part stands for itself: while the warehouse is away, incidents and probes
// still come. The lists in full have pages of their own.
import { get } from "./api.js";
import { busy, expected, onChange } from "./commands.js";
import { at, el, item, patch } from "./dom.js";
import { askAgain, drawHistory, follow, isComing, isDue } from "./history.js";
import { headline } from "./headline.js";
import * as incidents from "./incidents.js";
import { followRuns, withFresh } from "./live.js";
import { cards } from "./overview.js";
import { EVERY, SLOWLY, watch } from "./parts.js";
import * as responses from "./responses.js";
import { settle } from "./runbook.js";
import { meet } from "./who.js";

// Messages that were sent before each incident had a page link to it here.
const linked = new URLSearchParams(location.hash.slice(1)).get("incident");
if (linked) location.replace(`/incidents/${encodeURIComponent(linked)}`);

// Of more of the past that has come in, what is shown of models is old.
async function past() {
  const more = isDue() && (await follow());
  drawHistory();
  return more ? ["models"] : [];
}

const page = watch({
  me: { load: () => get("/v1/me"), draw: (me) => { meet(me); settle(me); }, every: Infinity },
  incidents: { load: async () => (await get("/v1/incidents?limit=1")).incidents, every: EVERY, in: ["open"], on: ["incidents", "actions"] },
  actions: { load: () => get("/v1/actions"), every: EVERY, in: ["approvals-list"], on: ["actions"] },
  silences: { load: () => get("/v1/silences"), every: EVERY, on: ["silences"] },
  probes: { load: () => get("/v1/probes"), every: EVERY, on: ["probes"] },
  models: { load: () => get("/v1/models"), every: SLOWLY, on: ["models", "verdicts", "promotions"] },
  pipelines: { load: async () => withFresh(await get("/v1/pipelines")), every: SLOWLY, on: ["pipelines"] },
  rules: { load: () => get("/v1/rules"), every: SLOWLY },
  channels: { load: () => get("/v1/channels"), every: SLOWLY },
  "on-call": { load: () => get("/v1/on-call"), every: SLOWLY },
}, { drawn: draw, busy, commanded: ["incidents", "actions", "silences"], soon: isComing, back: askAgain, also: past, changed: (topics) => topics.has("pipelines") && followRuns(drawRuns) });

function glance(seen) {
  const { isKnown, isStarting } = page;
  const tiles = [...incidents.glance(isKnown("incidents") ? seen.incidents : null, isStarting("incidents")), ...responses.glance(isKnown("actions") ? seen.actions : null, isStarting("actions"))];
  patch(at("glance"), tiles.map((tile) => item(tile.name, tile, () =>
    el("div", {}, el("dt", {}, tile.name), el("dd", { class: tile.tone }, tile.value), el("dd", { class: "soft" }, tile.link ? el("a", { href: tile.link }, tile.more) : tile.more)))));
}

function draw() {
  const { known } = page;
  const seen = expected({ incidents: [], actions: null, silences: [], ...known });
  if (known.incidents) incidents.draw(seen.incidents, seen.silences);
  if (seen.actions) responses.approvals(seen.actions);
  glance(seen);
  patch(at("parts"), cards(known, page));
  headline(seen, page);
}

function drawRuns() {
  if (!page.known.pipelines) return;
  page.known.pipelines = withFresh(page.known.pipelines);
  draw();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) followRuns(drawRuns); });
onChange(() => {
  draw();
  if (busy()) page.again();
});
page.keepFresh();
followRuns(drawRuns);
