"""Candidate models of the forecast ensemble: Holt-Winters filters, seasonal medians, and a mean for intermittent series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.business import smoothing
from core.business.calendar import Effects
from core.business.checks import Bools, Floats, Ints, signed_sqrt, signed_square

_MEDIAN_SEASONS = (1, 2, 4, 8)  # a seasonal median of so many seasons is a candidate
_CLOSED_SEASONS = 8  # a weekday that was 0 in so many seasons in a row is closed
_INTERMITTENT_SEASONS = 16
_MEAN_HALF_LIFE = 60.0  # days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Forecasts of k candidate models from n origins.

    Attributes:
        predictions: shape (n, horizon, k).
        seasonal: which candidates have a season, shape (k,).
        seasonal_naive: which one repeats the last season, for each way to treat the calendar, shape (v,).
        long_run: which one reacts most slowly and ignores any single day, likewise.
    """

    predictions: Floats
    seasonal: Bools
    seasonal_naive: Ints
    long_run: Ints

    def best_calendar(self, weight: Floats) -> int:
        """The way to treat the calendar whose candidates weigh most."""
        return int(weight.reshape(self.long_run.size, -1).sum(axis=1).argmax())


def candidates(series: Floats, origins: Ints, horizon: int, season: int, effects: Sequence[Effects] = ()) -> Candidates:
    """The candidates of a series that is not intermittent.

    Args:
        series: one value a day, NaN where unknown, the first one known; shape (n,).
        origins: days from which to forecast, ascending.
        horizon: days ahead.
        season: length of the season in days; 1 for none.
        effects: of the calendar; each candidate is there without effects and with each of these.
    """
    roots = signed_sqrt(series)
    filters = smoothing.filter_bank(seasonal=season > 1)
    bases = [roots, *(one.without(roots) for one in effects)]
    states = smoothing.run_filters(filters, np.stack(bases, axis=1), season)
    filtered, *others = np.split(smoothing.predict(filters, states, origins, horizon), len(bases), axis=2)
    parts = [signed_square(filtered), seasonal_medians(series, origins, horizon, season)]
    plain = np.concatenate(parts, axis=2)
    parts = [plain]
    for one, base, of_base in zip(effects, bases[1:], others, strict=True):
        medians = signed_sqrt(seasonal_medians(signed_square(base), origins, horizon, season))
        applied = signed_square(one.applied(np.concatenate([of_base, medians], axis=2)))
        parts.append(np.where((origins >= one.since)[:, None, None], applied, plain))
    predictions = np.concatenate(parts, axis=2)
    if np.nanmin(series) >= 0:
        predictions = np.maximum(predictions, 0.0)
    seasonal = np.append(filters.seasonal > 0, np.full(len(_MEDIAN_SEASONS), season > 1))
    last = np.arange(1, len(bases) + 1) * seasonal.size - 1
    return Candidates(
        predictions=predictions,
        seasonal=np.tile(seasonal, len(bases)),
        seasonal_naive=last - len(_MEDIAN_SEASONS) + 1,
        long_run=last,
    )


def weighted_mean(series: Floats, origins: Ints, horizon: int) -> Candidates:
    """The only candidate of an intermittent series: the exponentially weighted mean of the days before each origin."""
    days = np.arange(series.size)
    weight = 0.5 ** (np.maximum(origins[:, None] - days, 0) / _MEAN_HALF_LIFE)
    weight *= (days <= origins[:, None]) & ~np.isnan(series)
    mean = (weight @ np.nan_to_num(series)) / weight.sum(axis=1)
    path = np.repeat(mean[:, None], horizon, axis=1)
    only = np.zeros(1, dtype=np.int64)
    return Candidates(predictions=path[:, :, None], seasonal=only > 0, seasonal_naive=only, long_run=only)


def closed_weekdays(series: Floats, season: int) -> Bools:
    """Which days of the next season are closed: their last known values are all 0; shape (season,)."""
    if season == 1:
        return np.zeros(1, dtype=np.bool_)
    days = [series[(series.size + day) % season :: season] for day in range(season)]
    known = [values[~np.isnan(values)][-_CLOSED_SEASONS:] for values in days]
    return np.array([values.size == _CLOSED_SEASONS and not values.any() for values in known])


def is_intermittent(series: Floats, season: int) -> bool:
    """Whether at least half of the recent open days are 0, so that a median is meaningless."""
    recent = series[-_INTERMITTENT_SEASONS * season :]
    closed = closed_weekdays(series, season)[np.arange(-recent.size, 0) % season]
    known = recent[~np.isnan(recent) & ~closed]
    return known.size > 0 and bool(2 * np.count_nonzero(known) <= known.size)


def seasonal_medians(
    series: Floats, origins: Ints, horizon: int, season: int, counts: Sequence[int] = _MEDIAN_SEASONS
) -> Floats:
    """The medians of the same place in the last seasons before each origin; shape (origins, horizon, counts).

    Args:
        series: NaN where unknown, the first value known; shape (n,).
        origins: steps from which to forecast, each with at least one season before it.
        horizon: steps ahead.
        season: its length in steps.
        counts: of how many seasons each median is.
    """
    filled = fill_missing(series, season)
    ahead = origins[:, None] + 1 + np.arange(min(season, horizon))
    medians = []
    for count in counts:
        back = ahead[:, :, None] - season * np.arange(1, count + 1)
        medians.append(np.median(filled[np.where(back >= 0, back, ahead[:, :, None] - season)], axis=2))
    return np.stack(medians, axis=2)[:, np.arange(horizon) % season]


def fill_missing(series: Floats, season: int) -> Floats:
    """The series with missing days filled from the season before, or from the day before in the first season."""
    filled = series.copy()
    for day in np.flatnonzero(np.isnan(series)).tolist():
        filled[day] = filled[day - season] if day >= season else filled[day - 1]
    return filled
