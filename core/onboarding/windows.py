"""The reference of a log, and the windows after it: how long they are, and when each ends."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import AiaError
from core.settings.models import Model
from core.text import interval

MOST: Final = 60
"""Windows of a log's past that are scored, about."""
ENOUGH: Final = 200
"""Rows of a window that give a verdict, where the log has as many."""
FEWEST: Final = 30
_LONGEST_REFERENCE: Final = 365
_DAY: Final = timedelta(days=1)
_LENGTHS: Final = (timedelta(hours=1), timedelta(hours=6), _DAY, timedelta(days=7), timedelta(days=28))


class OnboardingError(AiaError):
    """A log cannot be monitored as it is; the message names what is wrong, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """How many rows a log has by the hour.

    Attributes:
        hours: shape (n,), hours since 1970 (UTC) that have rows, rising.
        rows: shape (n,), the rows of each.
        first: the instant of the first row.
        last: the instant of the last row.
    """

    hours: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: datetime
    last: datetime

    @classmethod
    def of(cls, micros: NDArray[np.int64]) -> "Hours":
        """Count instants, in microseconds since 1970; at least one."""
        hours, rows = np.unique(micros // 3_600_000_000, return_counts=True)
        first, last = (datetime.fromtimestamp(int(one) / 1e6, UTC) for one in (micros.min(), micros.max()))
        return cls(hours=hours, rows=rows, first=first, last=last)

    def between(self, start: datetime, end: datetime) -> int:
        """Rows from the hour of `start` to before the hour of `end`."""
        low, high = (math.ceil(one.timestamp() / 3600) for one in (start, end))
        return int(self.rows[(self.hours >= low) & (self.hours < high)].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The reference and the windows of a log.

    Attributes:
        until: day (UTC) at whose start the reference ends.
        days: length of the reference.
        window: length of a window.
        ends: when each window of the past ends that is to be scored, rising; of a new log at least one.
        reference_rows: rows of the reference.
        minimum_rows: rows that a verdict needs.
    """

    until: date
    days: int
    window: timedelta
    ends: tuple[datetime, ...]
    reference_rows: int
    minimum_rows: int


def schedule(log: Hours, *, now: datetime, until: date | None = None) -> Schedule:
    """Choose the reference, which is the first third of a log where `until` does not say otherwise, and the windows after it.

    Args:
        log: its rows by the hour.
        now: no window ends later.
        until: day (UTC) at whose start the reference ends.

    Raises:
        OnboardingError: no midnight (UTC) lies between the first and the last row, or `until` is none of those.
    """
    end = _start(until) if until else _third(log)
    if not log.first < end <= log.last:
        raise OnboardingError(_refusal(log, until))
    days = min(math.ceil((end - log.first) / _DAY), _LONGEST_REFERENCE)
    reference = log.between(end - days * _DAY, end)
    stop = _stop(log, now)
    window, average = _window(log.between(end, stop), stop - end)
    least = min(ENOUGH, math.floor(average), reference)
    return Schedule(
        until=end.date(),
        days=days,
        window=window,
        ends=ends(end, stop, window),
        reference_rows=reference,
        minimum_rows=max(FEWEST, least),
    )


def schedule_of(model: Model, log: Hours, *, now: datetime, since: datetime | None = None) -> Schedule:
    """The reference of a model that is there, as its settings have it, and the windows of its log that are to be scored.

    Args:
        model: whose log goes on.
        log: its rows by the hour.
        now: no window ends later.
        since: windows that end later are to be scored; all after the reference where it is None.

    Raises:
        OnboardingError: its reference has no end of its own, or the log ends before it.
    """
    until, days = model.reference.until, model.reference.days
    if until is None:
        raise OnboardingError(f"reference.until: must be given of model {model.name!r}, got none")
    end, stop = _start(until), _stop(log, now)
    if stop <= end:
        raise OnboardingError(f"must have rows after the reference of model {model.name!r}, which ends {until}")
    return Schedule(
        until=until,
        days=days,
        window=model.window,
        ends=ends(end, stop, model.window, since),
        reference_rows=log.between(end - days * _DAY, end),
        minimum_rows=model.minimum_rows,
    )


def ends(after: datetime, stop: datetime, window: timedelta, since: datetime | None = None) -> tuple[datetime, ...]:
    """When the windows end that are to be scored: about `MOST` at even distances, of days where a window has a day or more, and one at `stop`.

    Args:
        after: end of the reference; distances are counted from it, whatever was scored before.
        stop: end of the log.
        window: length of a window.
        since: no window is wanted that ends by then; by default the end of the reference.
    """
    unit = min(window, _DAY)
    skipped = max(0, ((since or after) - after) // unit)
    each = max(1, math.ceil(((stop - after) / unit - skipped) / MOST))
    even = (after + unit * number for number in range(skipped + each, math.ceil((stop - after) / unit), each))
    found = (*(one for one in even if one - after >= min(window, stop - after)), stop)
    return tuple(one for one in found if since is None or one > since)


def _window(rows: int, span: timedelta) -> tuple[timedelta, float]:
    """The shortest length whose windows have enough rows on average, or else the longest that fits; with that average."""
    fitting = [one for one in _LENGTHS if one <= span and (one >= _DAY or span / one <= MOST)] or [_LENGTHS[0]]
    averages = {one: rows * (one / span) for one in fitting}
    chosen = next((one for one in fitting if averages[one] >= ENOUGH), fitting[-1])
    return chosen, averages[chosen]


def _third(log: Hours) -> datetime:
    """The midnight after the first third of a log, or the last one in it."""
    third = log.first + (log.last - log.first) / 3
    return min(_midnight(third) + _DAY, _midnight(log.last))


def _midnight(at: datetime) -> datetime:
    return _start(at.astimezone(UTC).date())


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _stop(log: Hours, now: datetime) -> datetime:
    """When the last window of a log ends: after the hour of its last row."""
    return min(log.last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1), now)


def _refusal(log: Hours, until: date | None) -> str:
    span = interval(log.first, log.last)
    if until:
        return f"--reference-until: must be a day with rows before and after its start, got {until} where the rows are of {span}"
    return f"the rows must be of two days (UTC) or more: the first ones are the reference of the others, got {span}"
