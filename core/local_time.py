"""Local times of an IANA time zone, such as Europe/Berlin, over changes of its clocks.

A local time that occurs twice means the first time; one that is skipped means the instant at which the clocks change. So a
later local time is never an earlier instant: `reached(now) >= local` says exactly that `instant_of(local) <= now`.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1024)
def instant_of(local: datetime, zone: str) -> datetime:
    """The instant of a local time.

    Args:
        local: without a time zone.
        zone: the name of an IANA time zone.

    >>> str(instant_of(datetime(2026, 3, 28, 9), "Europe/Berlin")), str(instant_of(datetime(2026, 3, 29, 9), "Europe/Berlin"))
    ('2026-03-28 08:00:00+00:00', '2026-03-29 07:00:00+00:00')
    >>> str(instant_of(datetime(2026, 3, 29, 2, 30), "Europe/Berlin"))  # skipped: from 02:00 on it is 03:00
    '2026-03-29 01:00:00+00:00'
    >>> str(instant_of(datetime(2026, 10, 25, 2, 30), "Europe/Berlin"))  # twice: at 03:00 it is 02:00 again
    '2026-10-25 00:30:00+00:00'
    """
    info = ZoneInfo(zone)
    at = local.replace(tzinfo=info, fold=0).astimezone(UTC)
    if at.astimezone(info).replace(tzinfo=None, fold=0) == local:
        return at
    return _change(local.replace(tzinfo=info, fold=1).astimezone(UTC), at, info)


def reached(now: datetime, zone: str) -> datetime:
    """The latest local time that has been reached: what the clocks show, or have shown before they were set back.

    Args:
        now: an instant.
        zone: the name of an IANA time zone.

    Returns:
        Without a time zone.

    >>> str(reached(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin"))
    '2026-10-25 02:30:00'
    >>> str(reached(datetime(2026, 10, 25, 1, 15, tzinfo=UTC), "Europe/Berlin"))  # 02:15 again
    '2026-10-25 02:59:59.999999'
    """
    info = ZoneInfo(zone)
    local = now.astimezone(info)
    if not local.fold:
        return local.replace(tzinfo=None)
    before = local.replace(fold=0).astimezone(UTC)
    last = _change(before, local.astimezone(UTC), info) - _MICROSECOND
    return last.astimezone(info).replace(tzinfo=None, fold=0)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the zone has the offset that it has afterwards."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _MICROSECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
