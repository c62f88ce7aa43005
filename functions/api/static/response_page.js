// What stands behind incidents: what acts by itself and awaits a person, what is muted, who is on call, how they are reached, and which rules
// cannot fire.
import { get } from "./api.js";
import * as channels from "./channels.js";
import { busy, expected, onChange } from "./commands.js";
import * as onCall from "./oncall.js";
import { SLOWLY, watch } from "./parts.js";
import * as responses from "./responses.js";
import * as rules from "./rules.js";
import { settle } from "./runbook.js";
import * as silences from "./silences.js";
import { meet } from "./who.js";

function draw() {
  const { known } = page;
  const seen = expected({ incidents: [], actions: known.actions ?? null, silences: known.silences ?? [], channels: known.channels ?? [] });
  if (seen.actions) responses.draw(seen.actions);
  if (known.silences) silences.draw(seen.silences);
  if (known.channels) channels.draw(seen.channels);
}

const page = watch({
  me: { load: () => get("/v1/me"), draw: (me) => { meet(me); settle(me); }, every: Infinity },
  actions: { load: () => get("/v1/actions"), in: ["approvals-list", "automation"], on: ["actions"] },
  silences: { load: () => get("/v1/silences"), in: ["silences"], on: ["silences"] },
  channels: { load: () => get("/v1/channels"), in: ["channels-list"] },
  "on-call": { load: () => get("/v1/on-call"), draw: onCall.draw, every: SLOWLY, in: ["on-call-list"] },
  rules: { load: () => get("/v1/rules"), draw: rules.draw, every: SLOWLY, in: ["rules-card"] },
}, { drawn: draw, busy, commanded: ["actions", "silences", "channels"] });

onChange(() => {
  draw();
  if (busy()) page.again();
});
page.keepFresh();
