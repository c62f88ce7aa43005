"""Refusal: a channel that refuses a message for good hands on to the next tier, which then need not wait."""

from dataclasses import replace
from datetime import datetime

from core.events import Severity
from core.incidents.model import GroupState
from core.incidents.notified import EscalationState
from core.incidents.routing import channels
from core.settings import People


def hand_on(state: GroupState, incident_id: str, channel: str, *, people: People, now: datetime) -> GroupState:
    """The state in which the next tiers are due at once, where a tier of the incident was notified through this channel.

    A channel hands on once: not where an earlier tier has it as well. The last tier has nobody to hand on to. Who escalates,
    and whether it is muted, `plan_notifications` decides.

    Args:
        state: of the group, with the refusal recorded.
        incident_id: the incident that the message was about.
        channel: the channel's name.
        people: with the tiers.
        now: the present.
    """
    incident = next((one for one in state.incidents if one.id == incident_id), None)
    if incident is None or not incident.escalates:
        return state
    before = incident.notified.escalations
    after = tuple(_hand_on(one, incident.severity, channel, people, now) for one in before)
    if after == before:
        return state
    due = replace(incident, notified=replace(incident.notified, escalations=after))
    return replace(state, incidents=tuple(due if one is incident else one for one in state.incidents))


def _hand_on(
    escalation: EscalationState, severity: Severity, channel: str, people: People, now: datetime
) -> EscalationState:
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    if stakeholder is None or severity not in stakeholder.page or escalation.tier + 1 >= len(stakeholder.tiers):
        return escalation
    *earlier, tier = stakeholder.tiers[: escalation.tier + 1]
    told_before = any(channel in channels(one.to, people, now) for one in earlier)
    if told_before or channel not in channels(tier.to, people, now):
        return escalation
    return replace(escalation, since=min(escalation.since, now - tier.wait))
