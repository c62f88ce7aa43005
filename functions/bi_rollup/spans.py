"""Spans of time: whole hours and days, and from where on a mart is made anew."""

from datetime import UTC, datetime, timedelta

from functions.bi_rollup.figures import Made

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HISTORY = 800 * DAY
"""How far back a mart is made when it is made first: two years and a little, so that a year can be held against another."""
HORIZON = 30 * DAY
"""How far ahead it is forecast."""
_LEAST = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(at: datetime, step: timedelta) -> datetime:
    """The last whole step not after an instant.

    >>> floor(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), DAY).isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    return _EPOCH + (at - _EPOCH) // step * step


def ceiling(at: datetime, step: timedelta) -> datetime:
    """The first whole step not before an instant.

    >>> ceiling(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), HOUR).isoformat()
    '2026-01-02T04:00:00+00:00'
    """
    return floor(at - _LEAST, step) + step


def since(name: str, before: Made | None, due: datetime, *, late: timedelta, step: timedelta) -> datetime:
    """From where on a mart is made anew: from where it was complete, less what may come late; all of it at first.

    Args:
        name: of the mart.
        before: what was made last.
        due: the instant it is made for.
        late: how late rows may come.
        step: of the mart.
    """
    reached = before.rollups.get(name) if before else None
    return floor(due - HISTORY if reached is None else min(due, reached) - late, step)
