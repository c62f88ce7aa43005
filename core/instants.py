"""Instants: which an event may be about, and how identifiers spell them."""

from datetime import UTC, datetime

YEARS = range(1971, 9999)
"""The years an event may be about: every time zone, and seconds since 1970, can name their instants."""


def stamp(instant: datetime) -> str:
    """An instant as identifiers spell it: UTC, ISO 8601, microseconds only where there are any.

    >>> stamp(datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    '2026-01-02T03:04:00Z'
    """
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat().replace("+00:00", "Z")


def read_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text, in UTC.

    Raises:
        ValueError: it is none, or has no time zone.
        OverflowError: in UTC it is of the year 0 or 10000.

    >>> read_instant("2026-01-02T04:00:00+01:00").hour
    3
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"must carry a time zone, got {text!r}")
    return instant.astimezone(UTC)


def require_aware(name: str, instant: datetime) -> None:
    """Raise `ValueError` unless the instant carries a time zone and is of a year that can be named."""
    if instant.tzinfo is None:
        raise ValueError(f"{name}: must carry a time zone, got {instant.isoformat()}")
    if instant.year not in YEARS:
        raise ValueError(f"{name}: must be a year {YEARS[0]} to {YEARS[-1]}, got {instant.isoformat()}")
