"""The headline of a message: what happened to an incident, in one sentence."""

from datetime import timedelta

from core.events import Change
from core.incidents.lifecycle import ENDINGS
from core.incidents.model import GroupState, Incident, IncidentReason
from core.incidents.notification import Notification
from core.text import clean, duration, instant, period

_SILENCES = {
    IncidentReason.NOT_REPEATED: "its source stopped reporting it",
    IncidentReason.STALE: "no finding arrived for too long",
}
"""Why a condition is taken for over although no source said that it recovered."""


_FLAPS = {
    IncidentReason.STARTED_FLAPPING: "Flapping",
    IncidentReason.STOPPED_FLAPPING: "No longer flapping",
}


LONGEST = 900
"""Characters of a line of a message."""


_NO_TIME = timedelta(0)


def headline(state: GroupState, notification: Notification, about: str) -> str:
    """What happened.

    Args:
        state: with the other incidents of the group.
        notification: about the incident.
        about: the target that the message is about.
    """
    if notification.change is Change.MERGED:
        return clean(_merged(state, notification.incident), LONGEST)
    if notification.change in ENDINGS:
        return clean(_resolved(notification), LONGEST)
    if notification.reason is IncidentReason.HANDED_ON:
        return clean(_handed_on(notification, about), LONGEST)
    if notification.reason in (IncidentReason.NOT_ACKNOWLEDGED, IncidentReason.REMINDER):
        return clean(_not_acknowledged(notification, about), LONGEST)
    if notification.reason is IncidentReason.MERGED:
        return clean(_introduced(notification.incident, about), LONGEST)
    return clean(_changed(notification, about), LONGEST)


def _introduced(incident: Incident, about: str) -> str:
    is_so = f"{about}, severity {incident.severity}, firing since {instant(incident.opened_at)}"
    return f"An incident that you were notified of is a part of this one now: {is_so}."


def _changed(notification: Notification, about: str) -> str:
    incident, before = notification.incident, notification.before.severity
    is_so, since = f"{about}, severity {incident.severity}", f"firing since {instant(incident.opened_at)}"
    match notification.change:
        case Change.ACKNOWLEDGED | Change.UNACKNOWLEDGED as change:
            return f"{_ownership(incident, change)}: {is_so}, {since}."
        case Change.UPDATED:
            actions = (entry.summary for entry in reversed(incident.timeline) if entry.reason is IncidentReason.ACTION)
            return f"Automated action: {next(actions, about)}."
        case Change.MITIGATED:
            return f"Mitigated by a person: {is_so}, still {since}."
        case Change.ESCALATED:
            return f"Worse: {is_so}{f' (was {before})' if before else ''}, {since}."
        case Change.REOPENED:
            start = _FLAPS.get(notification.reason, "Reopened")
            return f"{start}: {is_so}, {_reopening(notification)}."
        case _:
            return f"New: {is_so}, {since}."


def _ownership(incident: Incident, change: Change) -> str:
    """Who has the incident, or why nobody has it any more."""
    if change is Change.ACKNOWLEDGED:
        return f"Acknowledged by {incident.acknowledged_by}"
    entries = (entry.summary for entry in reversed(incident.timeline) if entry.change is Change.UNACKNOWLEDGED)
    return f"No longer acknowledged ({next(entries, 'withdrawn')})"


def _reopening(notification: Notification) -> str:
    """Since when it fires, and why it was reopened where no condition fired anew."""
    incident = notification.incident
    first = instant(incident.opened_at)
    entry = next((entry for entry in reversed(incident.timeline) if entry.change is Change.REOPENED), None)
    if notification.reason is IncidentReason.STARTED_FLAPPING:
        return f"{_times(incident)} since {first}; the next message comes when it stays on or off"
    if notification.reason is IncidentReason.STOPPED_FLAPPING:
        return f"it stays on since {instant(incident.last_opened_at)}; {_times(incident)} since {first}"
    if entry and notification.reason in (IncidentReason.STILL_FIRING, IncidentReason.SPLIT):
        return f"firing since {first}: {entry.summary}"
    if entry and notification.reason is IncidentReason.COMMAND:
        return f"first opened {first}; reopened by {entry.summary}"
    reopened = (entry.at for entry in incident.timeline if entry.change is Change.REOPENED)
    return f"firing again since {instant(max(reopened, default=notification.at))}; first opened {first}"


def _handed_on(notification: Notification, about: str) -> str:
    """Who was not reached, and why: the newest refusal in the timeline."""
    incident = notification.incident
    refusals = (entry for entry in incident.timeline if entry.reason is IncidentReason.NOTIFICATION_REFUSED)
    why = max(refusals, key=lambda entry: entry.sequence, default=None)
    is_so = f"{about}, severity {incident.severity}, firing since {instant(incident.opened_at)}"
    return f"Handed on to you{f', because {why.summary}' if why else ''}: {is_so}."


def _times(incident: Incident) -> str:
    return f"fired {incident.reopenings + 1} times"


def _not_acknowledged(notification: Notification, about: str) -> str:
    incident = notification.incident
    waited = duration(max(notification.at - incident.opened_at, _NO_TIME))
    start = "Not acknowledged" if notification.reason is IncidentReason.NOT_ACKNOWLEDGED else "Still not acknowledged"
    is_so = f"firing since {instant(incident.opened_at)}"
    if incident.expired:
        silent = f"no longer reported since {instant(incident.resolved_at or notification.at)}"
        is_so = f"{silent}, whether it recovered is not known"
    return f"{start} for {waited}: {about}, severity {incident.severity}, {is_so}."


def _merged(state: GroupState, incident: Incident) -> str:
    if incident.part and incident.is_part:
        return f"Merged into another incident at {incident.part.target}, which continues: {incident.merged_into}."
    into = next((other.target for other in state.incidents if other.id == incident.merged_into), "")
    return f"Merged into a larger incident{f' at {into}' if into else ''}, which continues: {incident.merged_into}."


def _resolved(notification: Notification) -> str:
    incident, target = notification.incident, notification.incident.target
    end = max(incident.resolved_at or notification.at, incident.opened_at)
    lasted = f"{duration(end - incident.opened_at)}, {period(incident.opened_at, end)}"
    if incident.cancelled:
        return f"Cancelled as a false alarm: {target}, after {lasted}."
    if incident.closed_at is not None:
        return f"Resolved by a person: {target}, after {lasted}."
    if notification.change is Change.EXPIRED:
        why = _SILENCES.get(notification.reason, _SILENCES[IncidentReason.STALE])
        return f"No longer reported: {target}, after {lasted}; {why}. Whether it recovered is not known."
    if notification.before.flapping:
        return f"Resolved, no longer flapping: {target}, after {lasted}; {_times(incident)}, and it stays off."
    late = notification.reason is IncidentReason.ALREADY_RESOLVED
    why = "; it ended before a notification could be sent" if late else ""
    return f"Resolved: {target}, after {lasted}{why}."
