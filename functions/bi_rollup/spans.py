"""Whole hours and days, and the start of the period that a mart rewrites."""

from datetime import UTC, datetime, timedelta

from functions.bi_rollup.result import RollupResult

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HISTORY = 800 * DAY
"""How far back a mart is built at first: a little more than two years, so that years can be compared."""
HORIZON = 30 * DAY
"""The horizon of forecasts."""
_LEAST = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(at: datetime, step: timedelta) -> datetime:
    """The last multiple of a step that is not after an instant.

    >>> floor(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), DAY).isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    return _EPOCH + (at - _EPOCH) // step * step


def ceiling(at: datetime, step: timedelta) -> datetime:
    """The first multiple of a step that is not before an instant.

    >>> ceiling(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), HOUR).isoformat()
    '2026-01-02T04:00:00+00:00'
    """
    return floor(at - _LEAST, step) + step


def rewrite_start(
    table: str, previous: RollupResult | None, due: datetime, *, late: timedelta, step: timedelta
) -> datetime:
    """Where a mart is rewritten from: where it was complete less the lateness of its rows; at first, the whole history.

    Args:
        table: the mart.
        previous: the newest result.
        due: the instant of the new one.
        late: how late rows may arrive.
        step: of the mart.
    """
    complete = previous.complete_until.get(table) if previous else None
    return floor(due - HISTORY if complete is None else min(due, complete) - late, step)
