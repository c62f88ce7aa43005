r"""Forecast of the next hour of a metric, in steps of five minutes, with prediction intervals and crossing probabilities.

An ensemble of recent medians, exponential smoothing, medians of the same place in the hour and in the day, and straight lines
through the last hours, weighted by a rolling-origin backtest as the forecast of revenue is (`core.business.backtest`). The
forecast of a step is the weighted median of the candidates, which minimises the absolute error among them and is not moved by a
few that are far off. Past errors of the ensemble, as whole paths on the square-root scale, are added to the forecast: their
quantiles are the prediction intervals, and the weighted share of paths that cross a limit is the probability of the crossing.

References:
    Makridakis, Spiliotis and Assimakopoulos (2020), The M4 competition: simple combinations are hard to beat.
    Herbster and Warmuth (1998), Tracking the best expert: losses that are forgotten follow a change of the best one.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from core.business import backtest
from core.business.backtest import Backtest
from core.business.candidates import fill_missing, seasonal_medians
from core.business.checks import EstimateError, Floats, Ints, signed_sqrt, signed_square, vector

STEP = timedelta(minutes=5)
HOUR = 12
"""Steps of an hour, and of the forecast."""
DAY = 24 * HOUR
HISTORY = 7 * DAY
"""Steps of history that are used, the newest ones."""
MIN_KNOWN = 6 * HOUR
"""Known steps needed for a forecast."""
_RECENT = (3, 6, 12, 24, 48, 96, 288)  # steps of the medians
_ALPHAS = np.array([0.03, 0.1, 0.3, 0.6])
_LINES = (24, 72)  # steps that a straight line is fitted to
_OF_HOUR = (3, 6, 24)  # hours
_OF_DAY = (1, 2, 4)  # days
_MIN_DAYS = 3  # of history, for medians of the same place in the day
_HALF_LIFE = 2.0 * DAY
_STALE = HOUR  # steps without a value at the end, from which nothing is known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CapacityForecast:
    """Forecast of the steps after a series; arrays of shape (horizon,).

    Attributes:
        middle: point forecast of each step, the median.
        low: lower bound of the prediction interval.
        high: upper bound.
        errors: paths of past errors on the square-root scale, shape (n, horizon).
        weight: of each path, shape (n,).
    """

    middle: Floats
    low: Floats
    high: Floats
    errors: Floats
    weight: Floats

    @property
    def peak(self) -> float:
        """The upper bound of all steps together."""
        return float(self.high.max())

    def crossing(self, limit: float, *, above: bool) -> Floats:
        """Probability that the limit has been reached by the end of each step; never 0 or 1, as the past is finite.

        Args:
            limit: in the unit of the series.
            above: whether values at or above it are beyond it; else those at or below.
        """
        paths = signed_square(signed_sqrt(self.middle) + self.errors)
        beyond = np.logical_or.accumulate(paths >= limit if above else paths <= limit, axis=1)
        samples = float(self.weight.sum() ** 2 / np.square(self.weight).sum())
        share: Floats = self.weight @ beyond / self.weight.sum()
        return (share * samples + 0.5) / (samples + 1.0)


def forecast(values: Floats, *, horizon: int = HOUR, level: float = 0.9) -> CapacityForecast | None:
    """Forecast the next steps of a series.

    A series without negative values is never forecast below 0. Only the newest `HISTORY` steps are used.

    Args:
        values: one a step of five minutes, oldest first, ending now; NaN where unknown; shape (n,).
        horizon: steps ahead, 1 to 72.
        level: of the prediction intervals, above 0 and below 1.

    Returns:
        None where fewer than `MIN_KNOWN` steps are known, none of the last hour, or no `horizon` of the past without a gap.

    Raises:
        EstimateError: an argument is invalid.

    >>> found = forecast(np.arange(100.0, 300.0))
    >>> found.middle[[0, 11]].round().tolist()
    [300.0, 311.0]
    >>> bool(found.crossing(305.0, above=True)[-1] > 0.9)
    True
    """
    if not 1 <= horizon <= 6 * HOUR:
        raise EstimateError(f"horizon: must be 1 to {6 * HOUR}, got {horizon}")
    if not 0 < level < 1:
        raise EstimateError(f"level: must be above 0 and below 1, got {level}")
    series = vector("values", values, missing=True)[-HISTORY:]
    known = np.flatnonzero(~np.isnan(series))
    if known.size < MIN_KNOWN or series.size - 1 - known[-1] >= _STALE:
        return None
    return _ensemble(series[known[0] :], horizon, level)


def _ensemble(series: Floats, horizon: int, level: float) -> CapacityForecast | None:
    daily = series.size >= _MIN_DAYS * DAY
    origins = np.arange(series.size - 1, DAY if daily else min(2 * HOUR, series.size // 2), -backtest.STEP)[::-1]
    predictions = _candidates(series, origins, horizon, daily=daily)
    past = Backtest(
        predictions=predictions[:-1],
        actuals=backtest.actuals(series, origins[:-1], horizon),
        age=series.size - 1 - origins[:-1],
        half_life=_HALF_LIFE,
        interval_half_life=_HALF_LIFE,
    )
    middles = weighted_median(predictions, backtest.ensemble_weights(past))
    errors = signed_sqrt(past.actuals) - signed_sqrt(middles[:-1])
    below, above = backtest.interval_offsets(errors, past, level)
    middle, whole = middles[-1], ~np.isnan(errors).any(axis=1)
    if not whole.any():  # of no path is known whether it would have reached a limit
        return None
    least = 0.0 if np.nanmin(series) >= 0 else -np.inf
    return CapacityForecast(
        middle=middle,
        low=np.clip(signed_square(signed_sqrt(middle) + below), least, middle),
        high=np.maximum(signed_square(signed_sqrt(middle) + above), middle),
        errors=errors[whole],
        weight=past.interval_recency[whole],
    )


def _candidates(series: Floats, origins: Ints, horizon: int, *, daily: bool) -> Floats:
    """Forecasts of each candidate from each origin; shape (origins, horizon, candidates)."""
    filled = fill_missing(series, 1)
    medians = [_medians(filled, origins, size) for size in _RECENT]
    level = np.stack([filled[origins], *medians, *_smoothed(filled)[origins].T], axis=1)
    parts = [
        np.broadcast_to(level[:, None], (origins.size, horizon, level.shape[1])),
        np.stack([_line(filled, origins, horizon, size) for size in _LINES], axis=2),
        seasonal_medians(filled, origins, horizon, HOUR, _OF_HOUR),
    ]
    parts += [seasonal_medians(filled, origins, horizon, DAY, _OF_DAY)] if daily else []
    found: Floats = np.concatenate(parts, axis=2)
    return np.maximum(found, 0.0) if filled.min() >= 0 else found


def windows(filled: Floats, size: int) -> Floats:
    """The last values up to each step, before the start of the series its first one; shape (n, size).

    >>> windows(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [[1.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """
    padded = np.concatenate([np.full(size - 1, filled[0]), filled])
    return sliding_window_view(padded, size)


def _medians(filled: Floats, origins: Ints, size: int) -> Floats:
    median: Floats = np.median(windows(filled, size)[origins], axis=1)
    return median


def _smoothed(filled: Floats) -> Floats:
    """Exponential smoothing by each of `_ALPHAS`; shape (n, alphas)."""
    levels = np.empty((filled.size, _ALPHAS.size))
    level = np.full(_ALPHAS.size, filled[0])
    for step, value in enumerate(filled.tolist()):
        level = level + _ALPHAS * (value - level)
        levels[step] = level
    return levels


def _line(filled: Floats, origins: Ints, horizon: int, size: int) -> Floats:
    """The least-squares line through the last values, continued; shape (origins, horizon)."""
    place = np.arange(size) - (size - 1) / 2
    window = windows(filled, size)[origins]
    slope = window @ place / (place @ place)
    path: Floats = window.mean(axis=1)[:, None] + slope[:, None] * (place[-1] + np.arange(1, horizon + 1))
    return path


def weighted_median(values: Floats, weight: Floats) -> Floats:
    """The lower weighted median along the last axis.

    Args:
        values: shape (..., k).
        weight: of each, with sum 1; shape (k,).

    >>> weighted_median(np.array([[1.0, 9.0, 2.0]]), np.array([0.2, 0.2, 0.6])).tolist()
    [2.0]
    """
    order = np.argsort(values, axis=-1)
    reached = np.cumsum(weight[order], axis=-1) >= 0.5 - 1e-12
    place = np.take_along_axis(order, reached.argmax(axis=-1)[..., None], axis=-1)
    median: Floats = np.take_along_axis(values, place, axis=-1)[..., 0]
    return median
