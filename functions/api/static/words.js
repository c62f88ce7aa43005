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
  started_flapping: "it fired several times within hours", stopped_flapping: "it flapped, and stays on",
  split: "a person took it out of the incident that it was a part of",
  merged: "it is a part of another incident now, or another one is a part of it",
  not_repeated: "its source stopped reporting it",
  stale: "no finding arrived for too long",
  notification_refused: "a channel refused the message",
  handed_on: "a channel refused the message, so the next tier was notified at once",
  not_acknowledged: "nobody acknowledged in time, so the next tier was notified",
  reminder: "nobody acknowledged, so they were reminded",
  notified: "people were notified",
  muted: "it is muted",
  flapping: "it is flapping; people are notified when it has settled",
  command: "a person did it",
  comment: "a person said so",
  acknowledgement_timed_out: "its owner neither mitigated nor resolved it in time",
  action: "an automated action changed it",
};

const ACTION = {
  asked: "a playbook requests it",
  dry_run: "dry run: it shows what would change, and changes nothing",
  disabled: "the settings disable all actions",
  halted: "a person halted it",
  not_requested: "the playbooks of the incident did not request it, or do not any more",
  incident_over: "the incident is resolved",
  resource_busy: "it begins when another action on the same resource has settled",
  unknown_action: "there is no action with this name",
  not_possible: "it is not possible for this target",
  nothing_to_do: "there is nothing to do",
  blast_radius: "it would exceed its blast radius",
  cooldown: "its cooldown has not ended",
  action_budget: "its hourly budget is exhausted",
  total_budget: "the hourly budget of all actions is exhausted",
  needs_approval: "a person must approve it",
  needs_second_person: "one person approved it, another one must, too",
  within_limits: "it passed all guard rails",
  person_approved: "a person approved it",
  person_rejected: "a person rejected it",
  nobody_answered: "the approval timed out",
  done: "it was applied and will be verified",
  outside_refused: "the target refused it",
  out_of_time: "it timed out",
  healthy: "it is in place and healthy",
  recovered: "the conditions recovered",
  no_recovery: "it did not help: the conditions still fire",
  unhealthy: "the target is unhealthy afterwards",
  not_better: "the result is not better, so the former state stays",
  worsened: "the incident got worse afterwards",
  never_settled: "verification timed out",
};

const CHANGE = {
  opened: "Opened", updated: "Updated", escalated: "Worse", acknowledged: "Acknowledged",
  unacknowledged: "No longer acknowledged",
  mitigated: "Mitigated", resolved: "Resolved", expired: "No longer reported", merged: "Merged", reopened: "Reopened",
};

export const STAGE = {
  planned: ["info", "planned"], refused: ["warning", "refused"], awaiting_approval: ["warning", "awaits approval"],
  approved: ["info", "in progress"], rejected: ["info", "rejected"], expired: ["warning", "approval expired"],
  applied: ["info", "applied, verifying"], verified: ["good", "verified"], undone: ["error", "undone"], failed: ["critical", "failed"],
};

// The result of a training, with its colour: that a version is not better is no failure.
export const OUTCOME = {
  requested: ["info", "requested"], started: ["info", "started"], trained: ["info", "trained"], "not better": ["warning", "not better"],
  promoted: ["good", "promoted"], rejected: ["warning", "rejected"], "rolled back": ["error", "rolled back"], failed: ["critical", "failed"],
  // answers to a request that started nothing
  halted: ["warning", "halted"], running: ["info", "another one runs"], other_version: ["info", "other version"], budget: ["warning", "budget"],
  no_progress: ["warning", "no progress"], no_pipeline: ["warning", "no pipeline"], refused: ["critical", "refused"],
};
// A training has come to its end when it has a version or none; whether that is in use is decided elsewhere.
export const TRAINING = {
  applied: ["info", "requested"], verified: ["good", "trained"], failed: ["critical", "failed"],
};
const TRAINED = {
  done: "the training was requested", healthy: "a version was registered", unhealthy: "the training failed",
  not_better: "its version is not better than the one in use",
  never_settled: "the training has no result within a day",
};

export const ofAction = ({ action, reason }) => (action === "retrain_model" && TRAINED[reason]) || because(reason);
export const why = (reason) => INCIDENT[reason] ?? words(reason);
export const because = (reason) => ACTION[reason] ?? words(reason);
export const changed = ({ change, reason }) => (reason === "comment" ? "Comment" : CHANGE[change] ?? words(change));
