"""The life of an incident: steps that change its state, and are written into its timeline."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from core.events import Change, IncidentChange, Severity, stamp
from core.incidents.brief import brief
from core.incidents.model import (
    ANSWERS_LIMIT,
    TIMELINE_LEAST,
    TIMELINE_LIMIT,
    Answer,
    Entry,
    Incident,
    Reason,
    State,
)
from core.incidents.timing import began

OPENS = frozenset({Change.OPENED, Change.REOPENED})
CARE = frozenset({Change.ACKNOWLEDGED, Change.MITIGATED})
_STATES = {
    Change.ACKNOWLEDGED: State.ACKNOWLEDGED,
    Change.MITIGATED: State.MITIGATED,
    Change.RESOLVED: State.RESOLVED,
}
_FRESH: dict[str, Any] = {
    "acknowledged_at": None,
    "acknowledged_by": "",
    "mitigated_at": None,
    "closed_at": None,
    "cancelled": False,
}
"""What an incident that opens, or opens again, has not seen yet."""
TIMELINES_SIZE = 120_000
"""Bytes of all timelines of a group together; where many incidents have long names in them, each keeps fewer entries."""
_ENTRY_SIZE = 100
"""Bytes of an entry beside its texts."""
_LEAST = 3
_FIELDS = tuple(field.name for field in fields(Incident))
_values = attrgetter(*_FIELDS)


_AS_IT_IS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the life of an incident.

    Attributes:
        change: what happens.
        reason: why.
        at: the instant of what caused it.
        summary: one line for people.
        cause: the id of the finding, the command or the decision that caused it, or empty.
    """

    change: Change
    reason: Reason
    at: datetime
    summary: str = ""
    cause: str = ""


def opened(target: str, at: datetime, group: str = "") -> Incident:
    """An incident before its first step."""
    return Incident(
        id=identifier(target, at, group),
        target=target,
        title="",
        state=State.OPEN,
        severity=Severity.INFO,
        category="",
        opened_at=at,
    )


def identifier(target: str, opened_at: datetime, group: str = "") -> str:
    """The id of an incident: readable, fit for an address, and the same whenever it is made.

    What the settings have moved to another group is another incident there, of the same target and the same instant.

    >>> from datetime import UTC
    >>> identifier("model/flight-delay", datetime(2026, 1, 2, 9, tzinfo=UTC))
    'model-flight-delay-20260102-6ffbaafd'
    """
    name = re.sub(r"[^a-z0-9]+", "-", target.lower())[:40].strip("-")
    where = "" if group == target else group
    digest = hashlib.sha256("\n".join(filter(None, (target, stamp(opened_at), where))).encode()).hexdigest()[:8]
    return f"{name or 'incident'}-{opened_at.astimezone(UTC):%Y%m%d}-{digest}"


def advance(
    incident: Incident, steps: Iterable[Step], values: Mapping[str, Any] = _AS_IT_IS
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    """The incident after some steps, and the changes to publish.

    Args:
        incident: before.
        steps: oldest first.
        values: other fields as they shall be after the steps, by name.
    """
    after: dict[str, Any] = {**values, "state": incident.state}
    taken: list[tuple[int, Step, State]] = []
    for sequence, asked in enumerate(steps, start=incident.sequence + 1):
        step = _meant(asked, after["state"])
        after |= _entered(incident, step)
        taken.append((sequence, step, after["state"]))
    if not taken:
        return amended(incident, values) if values else incident, ()
    entries = (_entry(sequence, step) for sequence, step, _ in taken)
    final = amended(incident, {**after, "sequence": taken[-1][0], "timeline": (*incident.timeline, *entries)})
    return final, tuple([_change(final, *one) for one in taken])


def amended(incident: Incident, values: Mapping[str, Any]) -> Incident:
    """The incident with other values in some fields: `dataclasses.replace`, in half the time."""
    return Incident(**{**dict(zip(_FIELDS, _values(incident), strict=True)), **values})


def shortened(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """The incidents with timelines that fit into one document together: each keeps its first entry and the newest."""
    kept = tuple(incidents)
    if sum(len(incident.timeline) for incident in kept) <= TIMELINE_LIMIT:
        return kept
    most = max(TIMELINE_LEAST, TIMELINE_LIMIT // len(kept))
    kept = tuple(_shortened(one, most) for one in kept)
    while most > _LEAST and sum(_size(entry) for one in kept for entry in one.timeline) > TIMELINES_SIZE:
        most //= 2
        kept = tuple(_shortened(one, most) for one in kept)
    return kept


def _shortened(incident: Incident, most: int) -> Incident:
    timeline = incident.timeline
    if len(timeline) <= most:
        return incident
    return replace(incident, timeline=(timeline[0], *timeline[-(most - 1) :]))


def _size(entry: Entry) -> int:
    return _ENTRY_SIZE + len(entry.summary.encode()) + len(entry.finding_id.encode())


def _meant(step: Step, state: State) -> Step:
    """The step; what is resolved already is not resolved again, so that it is no more than an entry."""
    again = step.change is Change.RESOLVED and state is State.RESOLVED
    return replace(step, change=Change.UPDATED) if again else step


def _entered(incident: Incident, step: Step) -> dict[str, Any]:
    """The state after a step, and what is forgotten where it begins.

    Findings may come late: care that somebody took after the instant at which it fires again goes on, unless people were
    told in between that it is over.
    """
    if step.change not in OPENS:
        return {"state": _STATES[step.change]} if step.change in _STATES else {}
    believed = incident.heard.firing or incident.heard.severity is None
    acknowledged, mitigated = incident.acknowledged_at, incident.mitigated_at
    after: dict[str, Any] = {"state": State.OPEN, **_FRESH, "began_at": _began(incident, step)}
    if believed and acknowledged is not None and acknowledged >= step.at:
        who: dict[str, Any] = {"acknowledged_at": acknowledged, "acknowledged_by": incident.acknowledged_by}
        after |= {"state": State.ACKNOWLEDGED, **who}
    elif acknowledged is not None and not incident.cancelled:
        answer = Answer(began_at=began(incident), acknowledged_at=acknowledged)
        after["answered"] = (*incident.answered, answer)[-ANSWERS_LIMIT:]
    if believed and mitigated is not None and mitigated >= step.at:
        after |= {"state": State.MITIGATED, "mitigated_at": mitigated}
    return after


def _began(incident: Incident, step: Step) -> datetime | None:
    """When it begins with this step; None where that is since when something fires, which may yet be found to be earlier."""
    start = max(step.at, incident.opened_at)
    return start if step.change is Change.REOPENED or start > step.at else None


def _entry(sequence: int, step: Step) -> Entry:
    return Entry(
        sequence=sequence,
        at=step.at,
        change=step.change,
        reason=step.reason,
        summary=brief(step.summary),
        finding_id=step.cause,
    )


def _change(incident: Incident, sequence: int, step: Step, state: State) -> IncidentChange:
    return IncidentChange(
        incident_id=incident.id,
        sequence=sequence,
        at=step.at,
        change=step.change,
        state=state,
        severity=incident.severity,
        target=incident.target,
        title=incident.title,
        reason=step.reason,
        finding_id=step.cause,
        summary=brief(step.summary),
    )
