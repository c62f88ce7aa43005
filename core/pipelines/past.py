"""What stays of runs that are no longer kept: when there were pauses between their starts, so that weekends stay known.

Of a pipeline that runs every hour of every working day the fifty runs that are kept are four days: the weekend is not
among them by Friday. So the longest pauses are kept, each as two instants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

PAUSES = 10
"""How many are kept, the longest."""
REMEMBERED = timedelta(days=35)
"""For how long: five weekends, and an outage no longer than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """From one start to the next."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The starts that are no longer kept.

    Attributes:
        since: the first that was ever counted, or None where none was.
        until: the last that is counted; what begins later is kept as it is.
        pauses: the longest between them, in order.
    """

    since: datetime | None = None
    until: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    def after(self, starts: Sequence[datetime]) -> tuple[datetime, ...]:
        """The starts that follow, from the last that is counted on.

        Args:
            starts: in any order.
        """
        if self.until is None:
            return tuple(sorted(starts))
        return (self.until, *sorted(start for start in starts if start > self.until))


NOTHING = Past()
"""No start is counted yet."""


def counted(past: Past, starts: Sequence[datetime], until: datetime) -> Past:
    """The past with the starts that are kept no longer.

    Args:
        past: what is known so far.
        starts: of all runs, in any order.
        until: the last one to be counted; where that is counted already, nothing changes.

    >>> from datetime import UTC
    >>> first = datetime(2026, 1, 1, tzinfo=UTC)
    >>> hours = [first + timedelta(hours=hour) for hour in (0, 1, 2, 8, 9)]
    >>> [str(pause.length) for pause in counted(NOTHING, hours, hours[3]).pauses]
    ['1:00:00', '1:00:00', '6:00:00']
    """
    passed = [start for start in past.after(starts) if start <= until]
    if not passed or until == past.until:
        return past
    pauses = [*past.pauses, *(Pause(start=start, end=end) for start, end in pairwise(passed))]
    recent = [pause for pause in pauses if passed[-1] - pause.end <= REMEMBERED]
    longest = sorted(recent, key=lambda pause: (pause.length, pause.end), reverse=True)[:PAUSES]
    return Past(
        since=past.since or passed[0],
        until=passed[-1],
        pauses=tuple(sorted(longest, key=lambda pause: pause.end)),
    )
