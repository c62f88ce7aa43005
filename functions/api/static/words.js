// Why something was decided, in plain words.
import { words } from "./format.js";

const INCIDENT = {
  first_firing: "it fired for the first time",
  fired_again: "it fired again",
  worsened: "it got worse",
  eased: "it got better, and still fires",
  joined: "a related condition fired as well",
  partly_recovered: "some of its conditions recovered",
  all_recovered: "all its conditions recovered",
  still_firing: "it still fires",
  merged: "it is part of another incident: a target that both depend on fires",
  not_repeated: "its source stopped reporting it",
  stale: "no finding arrived for too long",
  notification_refused: "a channel refused the message",
  not_acknowledged: "nobody acknowledged in time, so the next tier was notified",
  reminder: "nobody acknowledged, so they were reminded",
  notified: "people were notified",
  muted: "it is muted",
  flapping: "it flaps, so people are notified when it has settled",
  command: "a person did it",
  action: "an automated action",
};

const ACTION = {
  asked: "a playbook asks for it",
  dry_run: "a dry run: it says what would change, and changes nothing",
  disabled: "the settings switch every action off",
  halted: "a person has halted it",
  unknown_action: "there is no action of that name",
  not_possible: "it cannot be done to this target",
  nothing_to_do: "there is nothing to do",
  blast_radius: "it would touch more than it may",
  cooldown: "the same was done a moment ago",
  action_budget: "it was done as often as it may be in an hour",
  total_budget: "all actions together were done as often as they may be in an hour",
  needs_approval: "a person must approve it",
  within_limits: "every guard rail lets it pass",
  person_approved: "a person approved it",
  person_rejected: "a person rejected it",
  nobody_answered: "nobody answered in time",
  done: "it is done, and will be looked at",
  outside_refused: "it was refused by what it acts on",
  out_of_time: "it could not be done in time",
  healthy: "it is in place and works",
  unhealthy: "it does not work",
  worsened: "the incident got worse afterwards",
  never_settled: "it could not be told in time whether it works",
};

const CHANGE = {
  opened: "Opened", updated: "News", escalated: "Worse", acknowledged: "Acknowledged",
  mitigated: "Mitigated", resolved: "Resolved", reopened: "Back again",
};

export const STAGE = {
  planned: ["info", "planned"], refused: ["warning", "not done"], awaiting_approval: ["warning", "awaits approval"],
  approved: ["info", "being done"], rejected: ["info", "rejected"], expired: ["warning", "not approved in time"],
  applied: ["info", "done, being checked"], verified: ["good", "done and works"], undone: ["error", "undone"], failed: ["critical", "failed"],
};

export const why = (reason) => INCIDENT[reason] ?? words(reason);
export const because = (reason) => ACTION[reason] ?? words(reason);
export const changed = (change) => CHANGE[change] ?? words(change);
