// The pipelines: all of them once a minute, those with a run that has not ended every second.
import { get } from "./api.js";
import { at } from "./dom.js";
import { plural } from "./format.js";
import { followRuns, withFresh } from "./live.js";
import { SLOWLY, watch } from "./parts.js";
import { draw, isUnknown } from "./pipelines.js";

function drawAll() {
  const all = page.known.pipelines;
  if (!all) return;
  draw(withFresh(all));
  const [running, unknown] = [all.filter((one) => one.running > 0).length, all.filter(isUnknown).length];
  at("summary").textContent = [plural(all.length, "pipeline"), running && `${running} with a run that goes on`, unknown && `${unknown} not known`].filter(Boolean).join(" · ");
}

const page = watch({ pipelines: { load: () => get("/v1/pipelines"), every: SLOWLY, in: ["summary", "pipelines-list"], on: ["pipelines"] } },
  { drawn: drawAll, changed: (topics) => topics.has("pipelines") && follow() });
const follow = () => followRuns(() => {
  if (page.known.pipelines) page.known.pipelines = withFresh(page.known.pipelines);
  drawAll();
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) follow(); });
page.keepFresh();
follow();
