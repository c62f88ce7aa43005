"""Lifecycle of an incident: steps change its state and are written into its timeline; response times measure it."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from core.events import Change, IncidentChange, Severity, stamp
from core.incidents.model import (
    ACKNOWLEDGEMENTS_LIMIT,
    TIMELINE_LEAST,
    TIMELINE_LIMIT,
    Acknowledgement,
    Incident,
    Reason,
    State,
    TimelineEntry,
)
from core.text import clean_utf8

OPENINGS = frozenset({Change.OPENED, Change.REOPENED})
RESPONSES = frozenset({Change.ACKNOWLEDGED, Change.MITIGATED})
"""Somebody, or an automated action, takes care of the incident."""
_STATES = {
    Change.ACKNOWLEDGED: State.ACKNOWLEDGED,
    Change.MITIGATED: State.MITIGATED,
    Change.RESOLVED: State.RESOLVED,
}
_RESET: dict[str, Any] = {
    "acknowledged_at": None,
    "acknowledged_by": "",
    "mitigated_at": None,
    "closed_at": None,
    "cancelled": False,
}
"""Fields that an opening or reopening resets."""
TIMELINES_SIZE = 120_000
"""Bytes of all timelines of a group together; where many incidents have long names in them, each keeps fewer entries."""
_ENTRY_SIZE = 100
"""Bytes of an entry beside its texts."""
_LEAST_ENTRIES = 3
_FIELDS = tuple(field.name for field in fields(Incident))
_values = attrgetter(*_FIELDS)
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the lifecycle of an incident.

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


def new_incident(target: str, at: datetime, group: str = "") -> Incident:
    """An incident before its first step."""
    return Incident(
        id=make_incident_id(target, at, group),
        target=target,
        title="",
        state=State.OPEN,
        severity=Severity.INFO,
        category="",
        opened_at=at,
    )


def make_incident_id(target: str, opened_at: datetime, group: str = "") -> str:
    """The id of an incident: readable, fit for an address, and deterministic.

    A target that the settings moved to another group has another incident there, of the same target and instant.

    >>> from datetime import UTC
    >>> make_incident_id("model/flight-delay", datetime(2026, 1, 2, 9, tzinfo=UTC))
    'model-flight-delay-20260102-6ffbaafd'
    """
    name = re.sub(r"[^a-z0-9]+", "-", target.lower())[:40].strip("-")
    where = "" if group == target else group
    digest = hashlib.sha256("\n".join(filter(None, (target, stamp(opened_at), where))).encode()).hexdigest()[:8]
    return f"{name or 'incident'}-{opened_at.astimezone(UTC):%Y%m%d}-{digest}"


def advance(
    incident: Incident, steps: Iterable[Step], values: Mapping[str, Any] = _NO_VALUES
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    """The incident after some steps, and the changes to publish.

    Args:
        incident: before.
        steps: oldest first.
        values: other fields to set, by name.
    """
    after: dict[str, Any] = {**values, "state": incident.state}
    taken: list[tuple[int, Step, State]] = []
    for sequence, requested in enumerate(steps, start=incident.sequence + 1):
        step = _effective(requested, after["state"])
        after |= _transition(incident, step)
        taken.append((sequence, step, after["state"]))
    if not taken:
        return with_values(incident, values) if values else incident, ()
    entries = (_entry(sequence, step) for sequence, step, _ in taken)
    final = with_values(incident, {**after, "sequence": taken[-1][0], "timeline": (*incident.timeline, *entries)})
    return final, tuple([_change(final, *one) for one in taken])


def with_values(incident: Incident, values: Mapping[str, Any]) -> Incident:
    """The incident with other values in some fields: `dataclasses.replace`, in half the time."""
    return Incident(**{**dict(zip(_FIELDS, _values(incident), strict=True)), **values})


def trim_timelines(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """The incidents with timelines that fit into one document together: each keeps its first entry and the newest."""
    trimmed = tuple(incidents)
    if sum(len(incident.timeline) for incident in trimmed) <= TIMELINE_LIMIT:
        return trimmed
    most = max(TIMELINE_LEAST, TIMELINE_LIMIT // len(trimmed))
    trimmed = tuple(_trim(one, most) for one in trimmed)
    while most > _LEAST_ENTRIES and sum(_size(entry) for one in trimmed for entry in one.timeline) > TIMELINES_SIZE:
        most //= 2
        trimmed = tuple(_trim(one, most) for one in trimmed)
    return trimmed


def _trim(incident: Incident, most: int) -> Incident:
    timeline = incident.timeline
    if len(timeline) <= most:
        return incident
    return replace(incident, timeline=(timeline[0], *timeline[-(most - 1) :]))


def _size(entry: TimelineEntry) -> int:
    return _ENTRY_SIZE + len(entry.summary.encode()) + len(entry.finding_id.encode())


def _effective(step: Step, state: State) -> Step:
    """The step; resolving what is resolved already is a mere timeline entry."""
    again = step.change is Change.RESOLVED and state is State.RESOLVED
    return replace(step, change=Change.UPDATED) if again else step


def _transition(incident: Incident, step: Step) -> dict[str, Any]:
    """The state after a step, and the fields that an opening resets.

    Findings may be late: an acknowledgement after the instant of the reopening stays valid, unless a recovery was notified
    in between.
    """
    if step.change not in OPENINGS:
        return {"state": _STATES[step.change]} if step.change in _STATES else {}
    believed = incident.notified.firing or incident.notified.severity is None
    acknowledged, mitigated = incident.acknowledged_at, incident.mitigated_at
    after: dict[str, Any] = {"state": State.OPEN, **_RESET, "reopened_at": _reopened_at(incident, step)}
    if believed and acknowledged is not None and acknowledged >= step.at:
        who: dict[str, Any] = {"acknowledged_at": acknowledged, "acknowledged_by": incident.acknowledged_by}
        after |= {"state": State.ACKNOWLEDGED, **who}
    elif acknowledged is not None and not incident.cancelled:
        earlier = Acknowledgement(opened_at=incident.last_opened_at, acknowledged_at=acknowledged)
        after["acknowledgements"] = (*incident.acknowledgements, earlier)[-ACKNOWLEDGEMENTS_LIMIT:]
    if believed and mitigated is not None and mitigated >= step.at:
        after |= {"state": State.MITIGATED, "mitigated_at": mitigated}
    return after


def _reopened_at(incident: Incident, step: Step) -> datetime | None:
    """The instant of a reopening; None at the opening, whose instant a late finding may still move back."""
    start = max(step.at, incident.opened_at)
    return start if step.change is Change.REOPENED or start > step.at else None


def _entry(sequence: int, step: Step) -> TimelineEntry:
    return TimelineEntry(
        sequence=sequence,
        at=step.at,
        change=step.change,
        reason=step.reason,
        summary=clean_utf8(step.summary),
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
        summary=clean_utf8(step.summary),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRecord:
    """The instants of an incident from which response times are computed.

    Attributes:
        severity: of the incident.
        opened_at: the opening.
        reopened_at: the last reopening, or None.
        acknowledged_at: when it was acknowledged, or None.
        acknowledgements: those before the last reopening.
        resolved_at: when it ended, or None while it lasts.
        cancelled: whether it was a false alarm.
        merged_into: the id of the incident that it is part of, or empty.
    """

    severity: Severity
    opened_at: datetime
    reopened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    resolved_at: datetime | None = None
    cancelled: bool = False
    merged_into: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is measured: neither cancelled nor part of another incident."""
        return not self.cancelled and not self.merged_into

    @property
    def last_opened_at(self) -> datetime:
        """The last opening or reopening."""
        return self.reopened_at or self.opened_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimes:
    """Mean response times.

    Attributes:
        mtta: from the opening or reopening to the acknowledgement after it; None where there was none.
        mttr: from the opening to the resolution, or None where there was none.
        n_acknowledged: the number of acknowledgements in the mean.
        n_resolved: the number of resolutions in the mean.
    """

    mtta: timedelta | None
    mttr: timedelta | None
    n_acknowledged: int
    n_resolved: int


def response_times(incidents: Iterable[ResponseRecord], since: datetime, until: datetime) -> ResponseTimes:
    """Mean time to acknowledge and to resolve, over what was acknowledged or resolved from `since` until before `until`.

    An incident counts in the span in which it was acknowledged or resolved, not in the one in which it was opened: so each
    counts once, long ones too, and the figures of a past span never change. One that was reopened is acknowledged anew, and
    each acknowledgement counts from the opening or reopening before it; it is resolved once.

    Args:
        incidents: in any order.
        since: the first instant.
        until: the instant after the last.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> one = ResponseRecord(severity=Severity.ERROR, opened_at=nine, acknowledged_at=nine + timedelta(minutes=4),
    ...                      resolved_at=nine + timedelta(minutes=30))
    >>> two = ResponseRecord(severity=Severity.ERROR, opened_at=nine, resolved_at=nine + timedelta(minutes=10))
    >>> times = response_times([one, two], nine, nine + timedelta(days=1))
    >>> str(times.mtta), str(times.mttr), times.n_acknowledged, times.n_resolved
    ('0:04:00', '0:20:00', 1, 2)
    """
    counted = [one for one in incidents if one.counts]
    acknowledged = _spans((pair for one in counted for pair in _acknowledgements(one)), since, until)
    resolved = _spans(((one.opened_at, one.resolved_at) for one in counted), since, until)
    return ResponseTimes(
        mtta=_mean(acknowledged), mttr=_mean(resolved), n_acknowledged=len(acknowledged), n_resolved=len(resolved)
    )


def response_times_by_severity(
    incidents: Iterable[ResponseRecord], since: datetime, until: datetime
) -> dict[Severity, ResponseTimes]:
    """The response times of every severity, the worst first; see `response_times`."""
    records = tuple(incidents)
    return {
        severity: response_times((one for one in records if one.severity is severity), since, until)
        for severity in reversed(Severity)
    }


def _acknowledgements(record: ResponseRecord) -> Iterator[tuple[datetime, datetime | None]]:
    yield from ((earlier.opened_at, earlier.acknowledged_at) for earlier in record.acknowledgements)
    yield record.last_opened_at, record.acknowledged_at


def _spans(times: Iterable[tuple[datetime, datetime | None]], since: datetime, until: datetime) -> list[timedelta]:
    """The durations of what ended within the span; never negative, whatever two clocks say."""
    return [max(timedelta(0), end - start) for start, end in times if end is not None and since <= end < until]


def _mean(spans: Sequence[timedelta]) -> timedelta | None:
    return sum(spans, timedelta(0)) / len(spans) if spans else None
