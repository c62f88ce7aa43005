"""Who hears of a change, and in which words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from core.events import Change, IncidentChange, Severity, Status
from core.incidents.model import Incident, Tracked, Watch
from core.incidents.text import comparison, duration, instant, period
from core.settings.types import Route

_EVIDENCE_SHOWN = 3
_CONDITIONS_SHOWN = 5
_NOTIFIED = frozenset({Change.OPENED, Change.ESCALATED, Change.REOPENED, Change.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel is told about one change.

    Attributes:
        key: the same for every attempt to send it.
        channel: the channel's name.
        incident_id: the incident.
        change: what happened.
        severity: the worst severity people heard of in this incident.
        title: one line.
        text: what, since when, how much, what supports it and what to do; several lines.
        url: where to see the incident.
        at: the instant of the change, in UTC.
    """

    key: str
    channel: str
    incident_id: str
    change: Change
    severity: Severity
    title: str
    text: str
    url: str
    at: datetime


def messages(
    watch: Watch, changes: tuple[IncidentChange, ...], *, routes: Iterable[Route], url: str
) -> tuple[Message, ...]:
    """Who is told of the changes of one decision: only of the last, for it says everything.

    An update wakes nobody. A resolution is told to everybody who heard of the incident since it was opened.

    Args:
        watch: after the decision.
        changes: of the decision.
        routes: from the settings; a channel on several routes is told once.
        url: the address of the pages, to link the incident.
    """
    incident = watch.incident
    if incident is None or not changes or changes[-1].change not in _NOTIFIED:
        return ()
    change = changes[-1]
    concerned = incident.told if change.change is Change.RESOLVED else incident.told[-1:]
    channels = dict.fromkeys(name for route in routes if route.severity & set(concerned) for name in route.to)
    body = text(incident, change, watch.members())
    return tuple(
        Message(
            key=f"{change.id}:{channel}",
            channel=channel,
            incident_id=incident.id,
            change=change.change,
            severity=max(concerned, key=lambda severity: severity.rank),
            title=incident.title,
            text=body,
            url=f"{url.rstrip('/')}/#incident={incident.id}",
            at=change.at,
        )
        for channel in channels
    )


def text(incident: Incident, change: IncidentChange, conditions: Sequence[Tracked]) -> str:
    """The message in words.

    Args:
        incident: after the change.
        change: what is told.
        conditions: of the incident, the worst first.
    """
    lines = [_headline(incident, change)]
    if change.change is Change.RESOLVED:
        lines += [line for line in (change.summary,) if line and line != incident.title]
        return "\n".join(lines)
    firing = [condition for condition in conditions if condition.status is Status.FIRING]
    lead = firing[0]
    lines += [line for line in (_lead(lead, incident), comparison(lead.value, lead.threshold, lead.unit)) if line]
    lines += [f"{evidence.name}: {evidence.text}" for evidence in lead.evidence[:_EVIDENCE_SHOWN]]
    lines += _also(firing[1:])
    lines.append(_to_do(lead))
    return "\n".join(lines)


def _headline(incident: Incident, change: IncidentChange) -> str:
    since = instant(incident.opened_at)
    if change.change is Change.RESOLVED:
        over = incident.resolved_at or change.at
        lasted = duration(over - incident.opened_at)
        return f"Over: {incident.target} was affected for {lasted}, {period(incident.opened_at, over)}."
    if change.change is Change.ESCALATED:
        return f"Worse: {incident.target} is {incident.severity} now, {_before(incident)}; affected since {since}."
    if change.change is Change.REOPENED:
        return f"Back again: {incident.target} is {incident.severity}, {instant(change.at)}; first seen {since}."
    return f"New: {incident.target} is {incident.severity} since {since}."


def _before(incident: Incident) -> str:
    return next((f"was {old}" for old, new in reversed(list(pairwise(incident.told)))), "was less")


def _lead(lead: Tracked, incident: Incident) -> str:
    return "" if lead.summary == incident.title else lead.summary


def _also(others: Sequence[Tracked]) -> list[str]:
    shown = [f"Also {other.severity}: {other.summary or other.key}" for other in others[:_CONDITIONS_SHOWN]]
    hidden = len(others) - len(shown)
    return [*shown, f"And {hidden} more."] if hidden else shown


def _to_do(lead: Tracked) -> str:
    if lead.runbook:
        return f"What to do: docs/runbooks/{lead.runbook.removeprefix('docs/runbooks/')}"
    return f"What to do: no runbook is named for {lead.kind}; start with the timeline of the incident."
