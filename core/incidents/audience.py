"""Who receives a notification: the tiers that are reached, and everybody who was notified before."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.events import Change
from core.incidents.lifecycle import ENDINGS, RESPONSES, merged_into
from core.incidents.model import GroupState, Incident, IncidentReason, State
from core.incidents.notified import EscalationState
from core.incidents.routing import escalation_due, routing_facts, stakeholders, tier_channels
from core.settings.people import People

_Audience = tuple[tuple[EscalationState, ...], tuple[str, ...]]


def audience(incident: Incident, change: Change, reason: IncidentReason, *, people: People, now: datetime) -> _Audience:
    """The tiers reached after a notification, and the channels that receive it.

    Whoever was notified of an incident that was merged into this one is notified of this one from then on.

    Args:
        incident: before the notification.
        change: that is notified.
        reason: why.
        people: with the routes and tiers.
        now: the present.
    """
    if reason is IncidentReason.MERGED and change not in ENDINGS:
        return incident.notified.escalations, incident.joining
    escalations, to = _reached(incident, change, people, now)
    return escalations, tuple(dict.fromkeys((*to, *incident.joining)))


def with_channels(incident: Incident, parts: Iterable[Incident]) -> Incident:
    """The incident, which is to be introduced to everybody who was notified of those that are merged into it.

    Not to those who were notified that theirs is over. One that is no longer reported is not over: its pager is on still.
    """
    told = [channel for part in parts for channel in (*part.notified.alerted, *part.joining)]
    known = {*incident.notified.channels, *incident.joining}
    new = [channel for channel in dict.fromkeys(told) if channel not in known]
    return replace(incident, joining=(*incident.joining, *new)) if new else incident


def is_introduced(state: GroupState, part: Incident) -> bool:
    """Whether whoever was notified of a part has the incident that it is a part of on the pager, or that one has recovered."""
    whole = merged_into(state, part)
    known = not whole.joining and (whole.notified.firing or whole.notified.expired)
    return whole is part or known or (whole.state is State.RESOLVED and not whole.expired)


def _reached(incident: Incident, change: Change, people: People, now: datetime) -> _Audience:
    notified, resolved = incident.notified, change in ENDINGS
    if change in {*RESPONSES, Change.UPDATED}:  # the tiers reached stay: the acknowledgement may be withdrawn
        return notified.escalations, notified.channels
    if resolved and notified.severity is not None:
        return _left(notified.escalations, incident, change, people), notified.channels
    goes_on = change in {Change.ESCALATED, Change.UNACKNOWLEDGED}
    reached = {escalation.stakeholder: escalation for escalation in notified.escalations} if goes_on else {}
    given_back = notified.acknowledged and incident.state is State.OPEN
    if change is Change.UNACKNOWLEDGED or given_back:  # the tiers reached have their time to acknowledge once more
        reached = {name: replace(escalation, since=now) for name, escalation in reached.items()}
    names = [name for name in stakeholders(routing_facts(incident), people, now) if name in people.stakeholders]
    first = {name: EscalationState(stakeholder=name, tier=0, since=now) for name in names}
    escalations = tuple((first | reached).values())
    to = tier_channels(escalations, people, now)
    before = notified.channels if goes_on else ()
    escalations = _left(escalations, incident, change, people) if resolved else escalations
    return escalations, tuple(dict.fromkeys((*to, *before)))


def _left(
    escalations: tuple[EscalationState, ...], incident: Incident, change: Change, people: People
) -> tuple[EscalationState, ...]:
    """The escalations that go on after an end: of what only went silent, where somebody must still look."""
    if change is not Change.EXPIRED:
        return ()
    return tuple(one for one in escalations if escalation_due(one, incident.severity, people) is not None)
