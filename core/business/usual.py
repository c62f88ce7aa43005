"""Usual revenue: what an hour of the week, or several of them, bring by the last weeks, with a prediction interval.

The weeks are few, so an interval borrows: it is that of the ratios of the same hours to what was usual then, in each week, and of the
hours around them. Each ratio is to the mean of the other weeks, as that of a new week would be. The ratios of sums of hours have the
correlation of the hours in them: a good day is good in all its hours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.business.checks import Bools, EstimateError, Floats, Ints, signed_sqrt, signed_square
from core.business.outliers import MAD

WEEKS = 8
"""Weeks that are looked at."""
LEAST_WEEKS = 3
"""Fewer say nothing: the usual revenue is not known."""
LEVEL = 0.9
"""Of prediction intervals, if nothing else is said."""
_DAY, _WEEK = 24, 7 * 24
_HALF_LIFE = 3.0  # weeks after which one weighs half
_SMOOTHING = 0.25  # weight of the hours before and after, against that of the hour
_SHIFTS = (-2, -1, 0, 1, 2)  # hours around, whose ratios count as well
_LONG = 12  # hours from which on the days before and after count, too
_ALIKE = 0.2  # hours that usually bring less than this share say nothing of the ratio
_DRIFT = 0.15  # by how much the ratios of a day and more vary more than those of the weeks: the level of revenue moves
_CLOSED = 0.1  # a day with less than this share of what is usual is a holiday, or its orders are missing
_CLIPPED = 4.0  # deviations on the square-root scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Revenue that is usual, in dollars.

    Attributes:
        dollars: the best estimate, 0 at least.
        low, high: the ends of its prediction interval, also 0 at least.
    """

    dollars: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsualWeek:
    """The last weeks of one stream of orders, by hour of the week; a place is hours since the first hour of a week.

    Attributes:
        actual: revenue; NaN where unknown; shape (weeks, 168).
        mean: the mean of the weeks, the newest ones weighing more; shape (168,).
        others: the mean of the other weeks than each; shape (weeks, 168).
        weeks: in how many weeks most hours are known.
    """

    actual: Floats
    mean: Floats
    others: Floats
    weeks: int

    @classmethod
    def of(cls, hours: Floats) -> Self | None:
        """The usual week by the revenue of whole weeks; None where fewer than `LEAST_WEEKS` are known, or an hour in none.

        Days that are nearly empty, as holidays are, count as unknown unless most weeks have them. Single hours far above or
        below the others are clipped.

        Args:
            hours: dollars by hour of the local week, the oldest week first, NaN where unknown; shape (weeks, 168).

        Raises:
            EstimateError: it has another shape.

        >>> week = UsualWeek.of(np.tile(np.repeat([0.0, 100.0], 84), (8, 1)))
        >>> week.weeks, round(week.sum([100, 101]).dollars), week.sum([3])
        (8, 200, Usual(dollars=0.0, low=0.0, high=0.0))
        """
        if hours.ndim != 2 or hours.shape[1] != _WEEK:  # noqa: PLR2004 - weeks and hours
            raise EstimateError(f"hours: must have the shape (weeks, {_WEEK}), got {hours.shape}")
        actual = _without_closed_days(hours)
        known = (~np.isnan(actual)).sum(axis=0)
        weeks = int(np.median(known))
        if weeks < LEAST_WEEKS or not known.all():
            return None
        clipped = _clip(actual)
        weights = np.where(np.isnan(clipped), 0.0, 0.5 ** (np.arange(len(hours))[::-1, None] / _HALF_LIFE))
        values = np.nan_to_num(clipped)
        total, weight = (weights * values).sum(axis=0), weights.sum(axis=0)
        others = _mean(total - weights * values, weight - weights)
        return cls(actual=actual, mean=_mean(total, weight), others=others, weeks=weeks)

    def sum(
        self,
        places: Sequence[int],
        *,
        weights: Sequence[float] | None = None,
        elapsed: Sequence[float] | None = None,
        level: float = LEVEL,
    ) -> Usual:
        """What some hours bring together.

        Args:
            places: of the hours, in order; beyond a week they begin anew.
            weights: what each counts in the sum; 1 if nothing is said.
            elapsed: the share of each hour that is over, above 0, of which nothing is known within the hour: the interval is wider
                by its square root, as that of independent orders is.
            level: of the interval, above 0 and below 1.
        """
        at = np.asarray(places, dtype=np.int64) % _WEEK
        over = np.ones(at.size) if elapsed is None else np.asarray(elapsed, dtype=np.float64)
        counted = over if weights is None else over * np.asarray(weights, dtype=np.float64)
        dollars = float(counted @ self.mean[at])
        ratios = self._ratios(at, counted, dollars) if dollars > 0 else np.zeros(0)
        if ratios.size == 0:
            sums = self.actual[:, at] @ counted
            low, high = _quantiles(sums[~np.isnan(sums)], level)
        else:
            wider = (1.0 + _DRIFT * min(1.0, at.size / _DAY)) * math.sqrt(at.size / float(over.sum()))
            low, high = (dollars * (1.0 + wider * (ratio - 1.0)) for ratio in _quantiles(ratios, level))
        dollars = max(0.0, dollars)
        return Usual(dollars=dollars, low=min(max(0.0, low), dollars), high=max(high, dollars))

    def _ratios(self, at: Ints, counted: Floats, dollars: float) -> Floats:
        """The ratio of the sum in each week, and around these hours, to the mean of the other weeks; shape (n,)."""
        days = (-_DAY, 0, _DAY) if at.size >= _LONG else (0,)
        shifted = (at + np.array([[day + shift] for day in days for shift in _SHIFTS])) % _WEEK  # (shifts, hours)
        usual, sums = self.others[:, shifted] @ counted, self.actual[:, shifted] @ counted  # (weeks, shifts)
        alike = ~np.isnan(sums) & (usual > _ALIKE * dollars)
        ratios: Floats = sums[alike] / usual[alike]
        return ratios


def _without_closed_days(hours: Floats) -> Floats:
    """The hours with those of nearly empty days unknown, where the day of the week is none in most weeks."""
    by_day = hours.reshape(len(hours), 7, _DAY)
    total = by_day.sum(axis=2)
    usual = np.array([np.median(day[~np.isnan(day)]) if (~np.isnan(day)).any() else 0.0 for day in total.T])
    closed: Bools = (usual > 0) & (total < _CLOSED * usual)
    return np.where(closed[:, :, None], np.nan, by_day).reshape(hours.shape)


def _clip(hours: Floats) -> Floats:
    """The hours, each no farther from the median of the weeks, with the hours before and after, than an outlier would be."""
    roots = signed_sqrt(hours)
    around = np.concatenate([np.roll(roots, shift, axis=1) for shift in (-1, 0, 1)])  # (3 * weeks, 168)
    middle = _medians(around)
    limit = _CLIPPED * MAD * _medians(np.abs(around - middle))
    limit = np.where(limit > 0, limit, np.inf)
    clipped: Floats = signed_square(np.clip(roots, middle - limit, middle + limit))
    return clipped


def _medians(values: Floats) -> Floats:
    """The median of each column over what is known, 0 where nothing is."""
    medians: Floats = np.nan_to_num(np.nanmedian(np.vstack([values, _filler(values)]), axis=0))
    return medians


def _filler(values: Floats) -> Floats:
    """A row that gives columns without any value a 0, so that their median is defined."""
    return np.where(np.isnan(values).all(axis=0), 0.0, np.nan)[None, :]


def _mean(total: Floats, weight: Floats) -> Floats:
    """The means, smoothed over the hours before and after, unless one of them is closed; shape (..., 168)."""
    mean = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), 0.0)
    before, after = np.roll(mean, 1, axis=-1), np.roll(mean, -1, axis=-1)
    smooth: Floats = (mean + _SMOOTHING * (before + after)) / (1.0 + 2.0 * _SMOOTHING)
    return np.where((mean == 0) | (before == 0) | (after == 0), mean, smooth)


def _quantiles(values: Floats, level: float) -> tuple[float, float]:
    """The ends of the interval in which a further value lies with a probability, by the order of those that are known [1].

    References:
        [1] Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, 2.2: ranks of exchangeable values.
    """
    ordered = np.sort(values)
    if ordered.size == 0:
        return 0.0, 0.0
    rank = (ordered.size + 1) * (1.0 - level) / 2.0
    first = max(0, math.floor(rank + 1e-9) - 1)
    return float(ordered[first]), float(ordered[ordered.size - 1 - first])
