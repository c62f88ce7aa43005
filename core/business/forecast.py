r"""Revenue forecast with prediction intervals.

An ensemble of about forty robust Holt-Winters filters (with and without season and trend, see `smoothing`) and of seasonal
medians. Candidates are weighted by \(w_k \propto \exp(-e_k / 0.03)\), where \(e_k\) is the mean absolute error of candidate k
in a rolling-origin backtest, relative to that of the best one. The errors of the ensemble in the same backtest give the
prediction intervals by horizon (see `backtest`). The total over the horizon has an interval of its own, from past totals:
daily errors neither add up nor cancel out. Where days recur by month, or months by year, each candidate is there with and without these
effects (see `calendar` and `year`).

References:
    Makridakis, Spiliotis and Assimakopoulos (2020), The M4 competition: simple combinations are hard to beat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import partial

import numpy as np

from core.business import backtest
from core.business.backtest import Backtest
from core.business.calendar import Effects, monthly_effects, previous_occurrences
from core.business.candidates import Candidates, candidates, closed_weekdays, is_intermittent, weighted_mean
from core.business.checks import Bools, EstimateError, Floats, Ints, signed_sqrt, signed_square, vector
from core.business.outliers import clip_outliers
from core.business.year import yearly_effects

WEEK = 7
MIN_DAYS = 21
"""Known days needed for prediction intervals."""
MAX_DAYS = 800
"""Days of history that are used, the newest ones."""
_MIN_SEASONS = 3  # of history, for a seasonal model


class ForecastMethod(StrEnum):
    """How a forecast was made."""

    SEASONAL = "seasonal"
    """Level, trend and season; the season reduces errors by at least 3 %."""
    LEVEL_ONLY = "level_only"
    """Level and trend; the history is too short for a season, or the season does not reduce errors."""
    INTERMITTENT = "intermittent"
    """At most half of the recent days had revenue: the same weighted mean for each day."""
    CONSTANT = "constant"
    """All known days are equal: the same value, with an interval of zero width."""
    TOO_SHORT = "too_short"
    """Fewer than `MIN_DAYS` known days, or hardly any in the newer half: their mean, without an interval."""
    NO_DATA = "no_data"
    """No known day: no forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A point forecast with its prediction interval; None where unknown."""

    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """Forecast of the next days, the first one today; arrays of shape (horizon,).

    Attributes:
        middle: point forecast of each day, near its median; NaN without data.
        mean: expected value of each day. It is higher than the median, as revenue is right-skewed: use it to add up days, and
            to compare them with actuals.
        low: lower bound of each day, NaN without an interval.
        high: upper bound.
        total: sum of the means over the horizon. Its bounds are not the sums of the daily ones.
        method: how the forecast was made.
    """

    middle: Floats
    mean: Floats
    low: Floats
    high: Floats
    total: Interval
    method: ForecastMethod


def forecast(
    daily: Floats, *, horizon: int = 30, level: float = 0.9, season: int = WEEK, today: date | None = None
) -> Forecast:
    """Forecast the next days of a series.

    The forecast of a series without negative values is never negative. A weekday that was 0 eight times in a row is closed: its
    forecast is 0, with an interval of zero width. When the last week differs more from the forecast than any week before, the
    intervals include both that the change lasts and that it does not. Only the newest `MAX_DAYS` days are used, and none before
    the first one with revenue.

    Args:
        daily: dollars a day, oldest first, ending yesterday; NaN where unknown, 0 where closed; shape (n,).
        horizon: days to forecast, 1 to 366.
        level: of the prediction intervals, above 0 and below 1.
        season: length of the season in days, 1 to 366; 1 for none.
        today: the first day of the forecast; None where values are not days, or their dates unknown. With it, days that recur by
            day of the month or to its end are forecast as such. The season of the year needs no date, with a season of a week.

    Raises:
        EstimateError: an argument is invalid.

    >>> week = [20.0, 22.0, 21.0, 24.0, 30.0, 0.0, 12.0]
    >>> result = forecast(np.array(week * 20), horizon=7)
    >>> result.middle.round(1).tolist(), result.method.value
    ([20.0, 22.0, 21.0, 24.0, 30.0, 0.0, 12.0], 'seasonal')
    """
    _check(horizon=horizon, level=level, season=season)
    series = _trim_start(vector("daily", daily, missing=True)[-MAX_DAYS:])
    known = series[~np.isnan(series)]
    recent = np.count_nonzero(~np.isnan(series[series.size // 2 :]))
    if known.size and np.ptp(known) == 0 and known.size >= MIN_DAYS:
        return _constant(float(known[0]), horizon)
    if known.size < MIN_DAYS or recent < MIN_DAYS // 2:
        return _without_interval(known, horizon)
    return _ensemble(series, horizon, level, season, today)


def _check(*, horizon: int, level: float, season: int) -> None:
    for name, value in (("horizon", horizon), ("season", season)):
        if not 1 <= value <= 366:  # noqa: PLR2004 - a year
            raise EstimateError(f"{name}: must be 1 to 366, got {value}")
    if not 0 < level < 1:
        raise EstimateError(f"level: must be above 0 and below 1, got {level}")


def _trim_start(series: Floats) -> Floats:
    """The series from the first day with revenue, or, where there is none, from the first known day."""
    for started in (np.nan_to_num(series) != 0, ~np.isnan(series)):
        if started.any():
            return series[np.argmax(started) :]
    return series[:0]


def _without_interval(known: Floats, horizon: int) -> Forecast:
    unknown = np.full(horizon, np.nan)
    if not known.size:
        return Forecast(
            middle=unknown,
            mean=unknown,
            low=unknown,
            high=unknown,
            total=Interval(low=None, middle=None, high=None),
            method=ForecastMethod.NO_DATA,
        )
    middle = np.full(horizon, known.mean())
    total = Interval(low=None, middle=float(middle.sum()), high=None)
    return Forecast(middle=middle, mean=middle, low=unknown, high=unknown, total=total, method=ForecastMethod.TOO_SHORT)


def _constant(value: float, horizon: int) -> Forecast:
    days, total = np.full(horizon, value), value * horizon
    interval = Interval(low=total, middle=total, high=total)
    return Forecast(middle=days, mean=days, low=days, high=days, total=interval, method=ForecastMethod.CONSTANT)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """The candidates of a series with their weights, and which of the days ahead are closed."""

    series: Floats
    season: int
    intermittent: bool
    closed: Bools
    effects: Sequence[Effects]
    models: Candidates
    past: Backtest
    weight: Floats

    @property
    def middle(self) -> Floats:
        """The forecast of each day ahead."""
        return np.where(self.closed, 0.0, self.models.predictions[-1] @ self.weight)


def _ensemble(series: Floats, horizon: int, level: float, season: int, today: date | None) -> Forecast:
    fit = _fit(series, max(horizon, WEEK), season, today)  # so that the backtest covers every past day
    before = fit.past.predictions @ fit.weight
    calendar = fit.models.best_calendar(fit.weight)
    effects = fit.effects[calendar - 1] if calendar else None
    days = _days(fit, before, effects, level, horizon)
    mean = days[1] * (1.0 if fit.intermittent else backtest.bias_adjustment(before, fit.past))
    expected = float(mean.sum())
    own = effects.scale_error * abs(expected) ** 0.5 if effects else 0.0
    half_width = backtest.total_half_width(before, fit.past, level, horizon, own)
    result = Forecast(
        mean=mean,
        low=days[0],
        middle=days[1],
        high=days[2],
        total=_total(days, expected, half_width),
        method=ForecastMethod.INTERMITTENT if fit.intermittent else _method(fit.weight, fit.models),
    )
    last, slow = (fit.models.predictions[:, :, of[calendar]] for of in (fit.models.seasonal_naive, fit.models.long_run))
    if _is_level_shift(before, fit.middle, last, fit.season):
        return _including(_including(result, last[-1, :horizon]), slow[-1, :horizon])
    return result


def _fit(series: Floats, ahead: int, season: int, today: date | None) -> _Fit:
    season = season if series.size >= _MIN_SEASONS * season else 1
    origins = backtest.rolling_origins(series.size, season)
    intermittent = is_intermittent(series, season)
    recurring = previous_occurrences(today - timedelta(series.size), series.size + ahead) if today else {}
    series = clip_outliers(series, season, [before[: series.size] for before in recurring.values()])
    closed = closed_weekdays(series, season) & (not intermittent)
    effects = [] if intermittent else _effects(series, closed, origins, ahead, recurring)
    make = weighted_mean if intermittent else partial(candidates, season=season, effects=effects)
    models = make(series, origins, ahead)
    past = Backtest(
        predictions=models.predictions[:-1],
        actuals=backtest.actuals(series, origins[:-1], ahead),
        age=series.size - 1 - origins[:-1],
    )
    since = max((one.since for one in effects), default=0)
    return _Fit(
        series=series,
        season=season,
        intermittent=intermittent,
        closed=closed[np.arange(ahead) % season],
        effects=effects,
        models=models,
        past=past,
        weight=backtest.ensemble_weights(past, len(effects) + 1, int(np.searchsorted(origins[:-1], since))),
    )


def _effects(
    series: Floats, closed: Bools, origins: Ints, horizon: int, recurring: Mapping[str, Ints]
) -> list[Effects]:
    """The effects of the calendar; a closed weekday says nothing about the day of the month that falls on it."""
    season = closed.size
    known = np.where(closed[np.arange(-series.size, 0) % season], np.nan, series)
    of_month = monthly_effects(known, origins, horizon, season, recurring) if recurring else []
    of_year = yearly_effects(series, origins, horizon, season) if season == WEEK or recurring else None
    if of_year is None:
        return of_month
    both = [replace(of_year, past=one.past, ahead=one.ahead, spread=one.spread) for one in of_month[-1:]]
    return [*of_month, of_year, *both]


def _days(
    fit: _Fit, before: Floats, effects: Effects | None, level: float, horizon: int
) -> tuple[Floats, Floats, Floats]:
    """Lower bound, forecast and upper bound of each day."""
    middle = fit.middle
    offsets = backtest.interval_offsets(signed_sqrt(fit.past.actuals) - signed_sqrt(before), fit.past, level)
    below, above = backtest.widened(offsets, effects.spread, level) if effects else offsets
    low = np.where(fit.closed, 0.0, np.maximum(signed_square(signed_sqrt(middle) + below), _lower_limit(fit.series)))
    high = np.where(fit.closed, 0.0, signed_square(signed_sqrt(middle) + above))
    # The square of a square root is off in its last digit: a bound that equals the forecast shall equal it exactly.
    return np.minimum(low, middle)[:horizon], middle[:horizon], np.maximum(high, middle)[:horizon]


def _lower_limit(series: Floats) -> float:
    return 0.0 if np.nanmin(series) >= 0 else -np.inf


def _method(weight: Floats, models: Candidates) -> ForecastMethod:
    """Seasonal where the best seasonal candidate weighs so much more that it is no chance among so many candidates."""
    flat, seasonal = weight[~models.seasonal].max(), weight[models.seasonal].max(initial=0.0)
    return ForecastMethod.SEASONAL if seasonal > np.e * flat else ForecastMethod.LEVEL_ONLY


def _total(days: tuple[Floats, Floats, Floats], expected: float, half_width: float | None) -> Interval:
    """The interval of the total; where no past total is known, as wide as the daily intervals together."""
    low, _, high = days
    if half_width is None:
        return Interval(low=min(float(low.sum()), expected), middle=expected, high=max(float(high.sum()), expected))
    offsets = np.array([-half_width, half_width])
    below, above = signed_square(signed_sqrt(np.array([expected])) + offsets).tolist()
    limit = 0.0 if low.min() >= 0 else -np.inf
    return Interval(low=min(max(below, limit), expected), middle=expected, high=max(above, expected))


def _is_level_shift(before: Floats, middle: Floats, last: Floats, season: int) -> bool:
    """Whether the last season differs more from the forecast of the next one than at any origin before."""
    forecasts = np.concatenate([before, middle[None]])[:, :season]
    difference = np.abs(np.median(signed_sqrt(last[:, :season]) - signed_sqrt(forecasts), axis=1))
    return bool(difference[-1] > difference[:-1].max())


def _including(result: Forecast, path: Floats) -> Forecast:
    """The forecast with its intervals widened to include a path."""
    low, high, total = result.total.low, result.total.high, float(path.sum())
    return replace(
        result,
        low=np.minimum(result.low, path),
        high=np.maximum(result.high, path),
        total=replace(
            result.total,
            low=None if low is None else min(low, total),
            high=None if high is None else max(high, total),
        ),
    )
