"""Notification: who is notified of an incident, when and why, from what they were notified of before.

1. A new incident, a worse severity and a response are notified at once.
2. The opposite of what was just notified waits until the incident settles. What fires again and again is notified as flapping,
   once, and then when it stays on or off.
3. Nothing is notified in maintenance or under a silence; when that ends, the difference to the last notification is.
4. Where nobody acknowledges, the next tier is notified, and the last tier is reminded (`core.incidents.routing`).
   An acknowledgement stops that; when it is withdrawn, or times out, the tiers reached are notified, and it goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Change, IncidentChange, Severity
from core.incidents.audience import audience, is_introduced
from core.incidents.lifecycle import ENDINGS, OPENINGS, RESPONSES, Step, advance
from core.incidents.model import GroupState, Incident, IncidentReason
from core.incidents.notified import EscalationState, NotificationState
from core.incidents.policy import IncidentPolicy
from core.incidents.routing import (
    Mute,
    Silence,
    incident_mute,
    next_escalation,
    tier_channels,
)
from core.incidents.updates import FLAPS, Moment, Update, pending_update, recent_flaps, response_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification about one incident.

    Attributes:
        incident: as it is now.
        change: what happened.
        reason: why people are notified.
        at: the instant of the change.
        channels: the receivers, each once; may be empty.
        before: what people were notified of before.
    """

    incident: Incident
    change: Change
    reason: IncidentReason
    at: datetime
    channels: tuple[str, ...]
    before: NotificationState


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPlan:
    """The notifications that are due in a group.

    Attributes:
        state: the next state of the group.
        changes: the timeline entries written.
        notifications: those that are due.
        deferred: whether one waits, so that the sweep must look again.
    """

    state: GroupState
    changes: tuple[IncidentChange, ...]
    notifications: tuple[Notification, ...]
    deferred: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    state: GroupState
    at: datetime
    now: datetime
    policy: IncidentPolicy
    silences: Sequence[Silence]

    @property
    def moment(self) -> Moment:
        return Moment(at=self.at, timing=self.policy.timing)

    def mute(self, incident: Incident) -> Mute | None:
        return incident_mute(self.state, incident, self.now, self.policy.maintenance, self.silences)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluation:
    """Outcome of evaluating one incident."""

    incident: Incident
    steps: tuple[Step, ...] = ()
    notification: Notification | None = None
    deferred: bool = False


def plan_notifications(
    state: GroupState, *, at: datetime, now: datetime, policy: IncidentPolicy, silences: Sequence[Silence] = ()
) -> NotificationPlan:
    """The notifications that are due.

    Args:
        state: after the decision.
        at: the instant of the decision; the present when only time has passed.
        now: the present, for escalations and for when people are notified, as the timeline has it.
        policy: the policy.
        silences: by people, ended ones included.
    """
    context = _Context(state=state, at=min(at, now), now=now, policy=policy, silences=silences)
    evaluations = _in_turn([_evaluate(incident, context) for incident in state.incidents], state)
    advanced = [
        advance(evaluation.incident, evaluation.steps) if evaluation.steps else (evaluation.incident, ())
        for evaluation in evaluations
    ]
    incidents = tuple(incident for incident, _ in advanced)
    same = all(after is other for after, other in zip(incidents, state.incidents, strict=True))
    return NotificationPlan(
        state=state if same else replace(state, incidents=incidents),
        changes=tuple(change for _, changes in advanced for change in changes),
        notifications=tuple(
            replace(evaluation.notification, incident=incident)
            for evaluation, incident in zip(evaluations, incidents, strict=True)
            if evaluation.notification is not None
        ),
        deferred=any(evaluation.deferred for evaluation in evaluations),
    )


def _in_turn(evaluations: list[_Evaluation], state: GroupState) -> list[_Evaluation]:
    """The evaluations, where a part is given up only when its receivers know the incident that goes on."""
    after, turns = replace(state, incidents=tuple(one.incident for one in evaluations)), []
    for one, before in zip(evaluations, state.incidents, strict=True):
        gives_up = one.notification is not None and one.notification.change is Change.MERGED
        early = gives_up and not is_introduced(after, before)
        turns.append(_Evaluation(incident=before, deferred=True) if early else one)
    return turns


def _evaluate(incident: Incident, context: _Context) -> _Evaluation:
    update = pending_update(incident, context.moment)
    if update is None:
        return _escalate(incident, context)
    if update.reason is IncidentReason.FLAPPING:
        return _Evaluation(incident=incident, deferred=True)
    if update.change in RESPONSES and incident.notified.severity is None and not incident.joining:
        # Nobody else was notified of it: whoever responds needs no message.
        return _Evaluation(incident=_notified(incident, update, context, (), ()))
    if mute := context.mute(incident):
        return _mute(incident, mute, update, context.now)
    return _notify(incident, update, context)


def _mute(incident: Incident, mute: Mute, update: Update, now: datetime) -> _Evaluation:
    """The muted incident, with one timeline entry for each reason."""
    never = incident.notified.severity is None and update.change in ENDINGS
    # What was resolved before anybody was notified is not notified later either.
    severity = incident.severity if never else incident.notified.severity
    if incident.notified.mute_reason == mute.reason and not never:
        return _Evaluation(incident=incident, deferred=True)
    notified = replace(incident.notified, mute_reason=mute.reason, severity=severity)
    step = Step(Change.UPDATED, IncidentReason.MUTED, now, f"muted ({update.change}): {mute.reason}")
    return _Evaluation(incident=replace(incident, notified=notified), steps=(step,), deferred=not never)


def _notify(incident: Incident, update: Update, context: _Context) -> _Evaluation:
    people, now = context.policy.people, context.now
    escalations, to = audience(incident, update.change, update.reason, people=people, now=now)
    if not to and update.change in {*OPENINGS, Change.UNACKNOWLEDGED}:
        # No route matches now; one may later, by its hours or a worse severity.
        return _Evaluation(incident=incident)
    before = incident.notified
    incident = _notified(incident, update, context, escalations, to)
    if not to:
        return _Evaluation(incident=incident)
    named = () if update.change in {*RESPONSES, Change.UPDATED} else escalations
    merged = update.reason is IncidentReason.MERGED and update.change not in ENDINGS
    everybody = "everybody notified of what is a part of it now" if merged else "everybody notified before"
    names = ", ".join(escalation.stakeholder for escalation in named) or everybody
    step = Step(Change.UPDATED, IncidentReason.NOTIFIED, now, f"{update.change}: notified {names} ({', '.join(to)})")
    notification = Notification(
        incident=incident, change=update.change, reason=update.reason, at=context.at, channels=to, before=before
    )
    return _Evaluation(incident=incident, steps=(step,), notification=notification)


def _escalate(incident: Incident, context: _Context) -> _Evaluation:
    """The next tiers where nobody acknowledged in time, and reminders where there is no next tier."""
    notified, people, now = incident.notified, context.policy.people, context.now
    if not incident.escalates:
        return _Evaluation(incident=incident)
    escalations = tuple(
        next_escalation(escalation, incident.severity, people, now) for escalation in notified.escalations
    )
    due = [
        after
        for before, after in zip(notified.escalations, escalations, strict=True)
        if after is not before and (after.tier > before.tier or not notified.flapping)
    ]
    if not due or context.mute(incident):
        return _Evaluation(incident=incident)
    higher = [escalation.tier for escalation in escalations] != [escalation.tier for escalation in notified.escalations]
    change, reason = (Change.ESCALATED, _why(incident, now)) if higher else (Change.UPDATED, IncidentReason.REMINDER)
    to = tier_channels(due, people, now)
    after = replace(
        notified,
        escalations=escalations,
        count=notified.count + 1,
        channels=tuple(dict.fromkeys((*notified.channels, *to))),
    )
    names = ", ".join(f"{escalation.stakeholder} tier {escalation.tier + 1}" for escalation in due)
    cause = "refused" if reason is IncidentReason.HANDED_ON else "not acknowledged"
    step = Step(Change.UPDATED, reason, now, f"{cause}: notified {names} ({', '.join(to) or 'no channel'})")
    incident = replace(incident, notified=after)
    notification = Notification(incident=incident, change=change, reason=reason, at=now, channels=to, before=notified)
    return _Evaluation(incident=incident, steps=(step,), notification=notification)


def _why(incident: Incident, now: datetime) -> IncidentReason:
    """Why the next tier is notified: nobody acknowledged in time, or a channel refused the message right now."""
    last = incident.timeline[-1] if incident.timeline else None
    refused = last is not None and last.reason is IncidentReason.NOTIFICATION_REFUSED and last.at == now
    return IncidentReason.HANDED_ON if refused else IncidentReason.NOT_ACKNOWLEDGED


def _notified(
    incident: Incident,
    update: Update,
    context: _Context,
    escalations: tuple[EscalationState, ...],
    to: tuple[str, ...],
) -> Incident:
    """The incident after the notification."""
    before, at = incident.notified, context.at
    if update.change is Change.UPDATED:
        channels = tuple(dict.fromkeys((*before.channels, *to)))
        notified = replace(before, count=before.count + bool(to), channels=channels)
        return replace(incident, notified=notified, pending_update="", joining=())
    # What flapped and is calm flaps again at its next reopening.
    flaps = FLAPS - 1 if before.flapping and update.change in (*OPENINGS, *ENDINGS) else recent_flaps(before, at)
    reopened = update.change is Change.REOPENED and update.reason is not IncidentReason.STOPPED_FLAPPING
    known = before.alerted if update.change is Change.REOPENED else before.channels
    notified = NotificationState(
        firing=update.change not in ENDINGS and not incident.expired,
        severity=_worst_notified(incident, update),
        at=at if before.at is None else max(at, before.at),
        flaps=flaps + reopened,
        count=before.count + bool(to),
        channels=tuple(dict.fromkeys((*known, *to))),
        escalations=escalations,
        acknowledged=response_of(incident) is not None or (incident.expired and incident.acknowledged_at is not None),
        owner=incident.acknowledged_by,
        expired=incident.expired,
        flapping=update.reason is IncidentReason.STARTED_FLAPPING
        or (before.flapping and update.change not in OPENINGS | ENDINGS),
    )
    requested = None if update.change in OPENINGS else incident.requested_severity
    return replace(incident, notified=notified, pending_update="", joining=(), requested_severity=requested)


def _worst_notified(incident: Incident, update: Update) -> Severity:
    before = incident.notified.severity
    if before is None or update.change is Change.REOPENED or incident.severity.rank > before.rank:
        return incident.severity
    return before
