"""How fast people answer: the mean times to acknowledge and to resolve."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Severity
from core.incidents.model import Answer, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What is measured of an incident.

    Attributes:
        severity: of the incident.
        opened_at: since when something fired.
        began_at: when it came back last, or None where it never did.
        acknowledged_at: when somebody took care, or None.
        answered: the acknowledgements before it came back.
        resolved_at: when it was over, or a person said so; None while it lasts.
        cancelled: whether it was no incident.
        merged_into: the id of the incident that it is part of, or empty.
    """

    severity: Severity
    opened_at: datetime
    began_at: datetime | None = None
    acknowledged_at: datetime | None = None
    answered: tuple[Answer, ...] = ()
    resolved_at: datetime | None = None
    cancelled: bool = False
    merged_into: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is measured: it was an incident, and is no part of another one."""
        return not self.cancelled and not self.merged_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Mean times.

    Attributes:
        mtta: from the opening, or from when it came back, to the acknowledgement after it; None where there was none.
        mttr: from the opening to the resolution, or None where there was none.
        n_acknowledged: how many acknowledgements that is the mean of.
        n_resolved: how many resolutions.
    """

    mtta: timedelta | None
    mttr: timedelta | None
    n_acknowledged: int
    n_resolved: int


def began(incident: Incident | Closed) -> datetime:
    """When the incident began for those who answer: when it was opened, or came back last."""
    return incident.began_at or incident.opened_at


def ended(incident: Incident) -> datetime | None:
    """When the incident was over: nothing fired any more, or a person said so, whichever was first; None while it lasts."""
    return min((at for at in (incident.resolved_at, incident.closed_at) if at is not None), default=None)


def mean_times(incidents: Iterable[Closed], since: datetime, until: datetime) -> Times:
    """The mean times of what was acknowledged, and of what was resolved, from `since` until before `until`.

    An incident counts in the time in which it was acknowledged or resolved, not in the one in which it was opened: so each
    counts once, the long ones too, and the figures of a time that is over never change. One that came back is acknowledged
    anew, and each acknowledgement counts from the opening or reopening before it; it is resolved once.

    Args:
        incidents: in any order.
        since: the first instant.
        until: the instant after the last.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> one = Closed(severity=Severity.ERROR, opened_at=nine, acknowledged_at=nine + timedelta(minutes=4),
    ...              resolved_at=nine + timedelta(minutes=30))
    >>> two = Closed(severity=Severity.ERROR, opened_at=nine, resolved_at=nine + timedelta(minutes=10))
    >>> times = mean_times([one, two], nine, nine + timedelta(days=1))
    >>> str(times.mtta), str(times.mttr), times.n_acknowledged, times.n_resolved
    ('0:04:00', '0:20:00', 1, 2)
    """
    counted = [one for one in incidents if one.counts]
    acknowledged = _spans((answer for one in counted for answer in _answers(one)), since, until)
    resolved = _spans(((one.opened_at, one.resolved_at) for one in counted), since, until)
    return Times(
        mtta=_mean(acknowledged), mttr=_mean(resolved), n_acknowledged=len(acknowledged), n_resolved=len(resolved)
    )


def by_severity(incidents: Iterable[Closed], since: datetime, until: datetime) -> dict[Severity, Times]:
    """The mean times of every severity, the worst first; see `mean_times`."""
    known = tuple(incidents)
    return {
        severity: mean_times((one for one in known if one.severity is severity), since, until)
        for severity in reversed(Severity)
    }


def _answers(one: Closed) -> Iterator[tuple[datetime, datetime | None]]:
    yield from ((answer.began_at, answer.acknowledged_at) for answer in one.answered)
    yield began(one), one.acknowledged_at


def _spans(times: Iterable[tuple[datetime, datetime | None]], since: datetime, until: datetime) -> list[timedelta]:
    """How long each took that ended within; nothing ends before it begins, whatever two clocks say."""
    return [max(timedelta(0), end - start) for start, end in times if end is not None and since <= end < until]


def _mean(spans: Sequence[timedelta]) -> timedelta | None:
    return sum(spans, timedelta(0)) / len(spans) if spans else None
