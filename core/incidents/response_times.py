"""Response times of incidents: MTTA and MTTR, in all and by severity."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Severity
from core.incidents.acknowledgement import Acknowledgement


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
        expired: whether it ended because it was no longer reported: that is no resolution.
        merged_into: the id of the incident that it is part of, or empty.
    """

    severity: Severity
    opened_at: datetime
    reopened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    resolved_at: datetime | None = None
    cancelled: bool = False
    expired: bool = False
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
    each acknowledgement counts from the opening or reopening before it; it is resolved once. What only expired was not resolved.

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
    counted = [incident for incident in incidents if incident.counts]
    acknowledged = _spans((pair for record in counted for pair in _acknowledgements(record)), since, until)
    ends = ((record.opened_at, record.resolved_at) for record in counted if not record.expired)
    resolved = _spans(ends, since, until)
    return ResponseTimes(
        mtta=_mean(acknowledged), mttr=_mean(resolved), n_acknowledged=len(acknowledged), n_resolved=len(resolved)
    )


def response_times_by_severity(
    incidents: Iterable[ResponseRecord], since: datetime, until: datetime
) -> dict[Severity, ResponseTimes]:
    """The response times of every severity, the worst first; see `response_times`."""
    records = tuple(incidents)
    return {
        severity: response_times((record for record in records if record.severity is severity), since, until)
        for severity in reversed(Severity)
    }


def _acknowledgements(record: ResponseRecord) -> Iterator[tuple[datetime, datetime | None]]:
    """Of each opening the first: an acknowledgement that was withdrawn has been given in time all the same."""
    first = {record.last_opened_at: record.acknowledged_at}
    first |= {earlier.opened_at: earlier.acknowledged_at for earlier in record.acknowledgements}
    yield from first.items()


def _spans(times: Iterable[tuple[datetime, datetime | None]], since: datetime, until: datetime) -> list[timedelta]:
    """The durations of what ended within the span; never negative, whatever two clocks say."""
    return [max(timedelta(0), end - start) for start, end in times if end is not None and since <= end < until]


def _mean(spans: Sequence[timedelta]) -> timedelta | None:
    return sum(spans, timedelta(0)) / len(spans) if spans else None
