"""The objective of a probe: its availability in a calendar month, and the error budget that is left of it.

The error budget of a month is the number of checks that may be bad in it: the checks of the whole month times one less the
objective. So one bad check early in a month does not spend all of it.

References:
    Google, The Site Reliability Workbook (2018), chapters 2 and 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.settings import Probe

MONTHS = 13
"""Months that are kept: this one, and a year before it."""
_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The checks of one calendar month, in UTC.

    Attributes:
        month: as in `2026-11`.
        checks: that have a result, outside maintenance windows.
        good: those that were good.
    """

    month: str
    checks: int = 0
    good: int = 0

    @property
    def availability(self) -> float | None:
        """The share of good checks, 0 to 1; None without a check."""
        return self.good / self.checks if self.checks else None


def counted(months: Sequence[Mapping[str, Any]], at: datetime, *, good: bool | None) -> list[Month]:
    """The months with one more check, the newest last; at most `MONTHS`.

    Args:
        months: as they were stored, oldest first.
        at: the instant of the check.
        good: whether it was good; None for one that does not count, in maintenance.

    >>> from datetime import UTC
    >>> counted([{"month": "2026-10", "checks": 3, "good": 3}], datetime(2026, 11, 1, tzinfo=UTC), good=False)[-1]
    Month(month='2026-11', checks=1, good=0)
    """
    name = f"{at:%Y-%m}"
    known = [Month(**month) for month in months]
    *before, last = known if known and known[-1].month == name else [*known, Month(month=name)]
    if good is not None:
        last = Month(month=name, checks=last.checks + 1, good=last.good + good)
    return [*before, last][-MONTHS:]


def objective_ratio(probe: Probe) -> float | None:
    """The objective of a probe as a share, 0 to 1, if it has one."""
    return None if probe.objective is None else probe.objective / _PERCENT


def budget_left(probe: Probe, month: Month, at: datetime) -> float | None:
    """The share of the month's error budget that is left: 1 where no check was bad, 0 and less where it is spent.

    Args:
        probe: with an objective; None is returned for one without.
        month: its checks so far.
        at: an instant in that month.
    """
    objective = objective_ratio(probe)
    if objective is None:
        return None
    allowed = (_length(at) / probe.every) * (1 - objective)
    return 1 - (month.checks - month.good) / allowed


def _length(at: datetime) -> timedelta:
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (start + timedelta(days=32)).replace(day=1) - start


def availability(up: Sequence[bool]) -> float:
    """The share of checks that found the target up, 0 to 1; 1 where there was no check.

    >>> availability([True, True, False, True])
    0.75
    """
    return sum(up) / len(up) if up else 1.0
