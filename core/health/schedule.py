"""The ticks at which a periodic check is due."""

from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def due(every: timedelta, at: datetime) -> bool:
    """Whether a periodic check is due at a tick.

    Ticks come each minute. It is due when the minutes since 1970 divide by `every`, so that the answer depends on the
    tick alone: a tick delivered twice, late or by another instance asks for the same probes.

    Args:
        every: a whole number of minutes, at least 1.
        at: the instant the tick is for.

    >>> from datetime import UTC
    >>> due(timedelta(minutes=5), datetime(2026, 1, 2, 3, 10, tzinfo=UTC))
    True
    >>> due(timedelta(minutes=5), datetime(2026, 1, 2, 3, 11, tzinfo=UTC))
    False
    """
    if every < MINUTE or every % MINUTE:
        raise ValueError(f"every: must be a whole number of minutes, got {every}")
    return int(at.timestamp() // 60) % (every // MINUTE) == 0
