"""Rolling origins: what would have been forecast on days of the past, beside what came, and what that says of now.

The errors choose how much each candidate counts, and how wide the bounds are [1]. Their spread is known from about as many
independent pieces as the horizon fits into the days looked at; the bounds are wider by Student's t for so many [2].

References:
    [1] Tashman (2000), Out-of-sample tests of forecasting accuracy.
    [2] Barber, Candes, Ramdas and Tibshirani (2023), Conformal prediction beyond exchangeability: quantiles of weighted errors.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from core.business.checks import Floats, Ints, root

STEP = 3
"""Days from one origin to the next: no divisor of a week, so that every weekday begins some."""
_HALF_LIFE = 120.0  # days after which an error counts half
_POOLED = 2  # neighbouring horizons whose errors are taken together
_FEW = 10  # errors from which on a horizon counts as measured
_FEW_ORIGINS = 20  # below so many the ends of a distribution are not seen
_TEMPERATURE = 0.03  # relative error that divides a candidate's weight by e
_LEAST_PIECES = 2.0
_PIECES = 1.3  # pieces that overlap are worth more than their number without overlap
_KNOWN = 2 / 3  # the share of a window that must be known for its sum to be compared
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """Forecasts from n origins, and what came.

    Attributes:
        paths: of each of k candidates, shape (n, horizon, k).
        came: NaN where unknown or still to come, shape (n, horizon).
        age: days from the origin to now, shape (n,).
    """

    paths: Floats
    came: Floats
    age: Ints

    @property
    def recency(self) -> Floats:
        """How much each origin counts, shape (n,)."""
        weight: Floats = 0.5 ** (self.age / _HALF_LIFE)
        return weight


def origins(size: int, season: int) -> Ints:
    """The days from which is forecast, the last one now: after what the filters begin with, every third."""
    warm = min(4 * season, size // 2)
    return np.arange(size - 1, warm - 1, -STEP)[::-1]


def came(series: Floats, at: Ints, horizon: int) -> Floats:
    """What came after each origin, NaN where it is unknown or still to come; shape (origins, horizon)."""
    padded = np.concatenate([series, np.full(horizon, np.nan)])
    found: Floats = padded[at[:, None] + np.arange(1, horizon + 1)]
    return found


def weigh(past: Past) -> Floats:
    """How much each candidate counts, by its mean absolute error; shape (k,), they add up to 1."""
    known = ~np.isnan(past.came)
    weight = past.recency[:, None] * known
    off = np.abs(past.paths - np.where(known, past.came, 0.0)[:, :, None])
    error = np.einsum("nhk,nh->k", off, weight)
    best = float(error.min())
    rest = (error - best) / best if best > 0 else np.where(error > 0, np.inf, 0.0)
    share: Floats = np.exp(-rest / _TEMPERATURE)
    share /= share.sum()
    return share


def bounds(errors: Floats, past: Past, level: float) -> tuple[Floats, Floats]:
    """How far below and above its forecast each of the next days may come, at most and at least 0.

    The quantiles of the weighted errors at each horizon and its neighbours; where there are few origins, as far as their
    root mean square says. A horizon that was hardly measured is as the one before it, wider by the square root of time.

    Args:
        errors: of the combined forecast: what came less what was expected, NaN where unknown; shape (n, horizon).
        past: where they come from.
        level: of the interval, above 0 and below 1.
    """
    horizon = errors.shape[1]
    widen = _widen(past.recency, horizon, level)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    found = np.zeros((2, horizon))
    measured = 0
    for day in range(horizon):
        near = errors[:, max(0, day - _POOLED) : day + _POOLED + 1]
        known = ~np.isnan(near)
        if known.sum() >= _FEW or day == 0:
            weight = np.broadcast_to(past.recency[:, None], near.shape)[known]
            found[:, day] = _tails(near[known], weight, tails, few=past.age.size < _FEW_ORIGINS)
            measured = day
        else:
            found[:, day] = found[:, measured] * math.sqrt((day + 1) / (measured + 1))
    return np.minimum(found[0], 0.0) * widen, np.maximum(found[1], 0.0) * widen


def lift(combined: Floats, past: Past) -> float:
    r"""By how much a sum is more than the sum of forecasts that follow the median.

    Revenue has more days far above than far below, so that medians add up to less than the whole. The ratio of both,
    a week ahead, is taken half: \(\sqrt{\sum y / \sum \hat y}\), within 1/2 and 2, as it is itself uncertain.
    """
    near, expected = past.came[:, :_WEEK], combined[:, :_WEEK]
    weight = past.recency[:, None] * ~np.isnan(near)
    whole, part = float((weight * np.nan_to_num(near)).sum()), float((weight * expected).sum())
    return float(np.clip(math.sqrt(whole / part), 0.5, 2.0)) if min(whole, part) > 0 else 1.0


def spread_of_sum(combined: Floats, past: Past, level: float, horizon: int) -> float | None:
    """How far the sum over the horizon may be off, on the scale of `root`; None where no sum of the past is known.

    Sums of windows as long as the horizon, or as half of what is there where that is shorter: their spread is then taken
    to grow with the square root of time. Days that are missing within a window count as the mean of the others.

    Args:
        combined: the combined forecast of each origin, shape (n, at least horizon).
        past: where they come from.
        level: of the interval, above 0 and below 1.
        horizon: days that are summed.
    """
    length = min(horizon, max(1, int(past.age.max()) // 2))
    window, expected = past.came[:, :length], combined[:, :length]
    days = (~np.isnan(window)).sum(axis=1)
    usable = (past.age >= length) & (days >= _KNOWN * length)
    if not usable.any():
        return None
    scale = horizon / days[usable]
    total = np.nansum(window[usable], axis=1) * scale
    thought = np.where(np.isnan(window), 0.0, expected)[usable].sum(axis=1) * scale
    weight = past.recency[usable]
    rms = math.sqrt(float(np.average(np.square(root(total) - root(thought)), weights=weight)))
    return rms * _students(weight, length, level) * math.sqrt(horizon / length)


def _students(weight: Floats, length: int, level: float) -> float:
    """Half an interval of a new value, in standard deviations known from overlapping windows of this length."""
    alone = float(weight.sum() ** 2 / np.square(weight).sum()) * STEP / length
    pieces = max(alone * _PIECES, _LEAST_PIECES)
    return float(stdtrit(pieces, (1 + level) / 2)) * math.sqrt(1 + 1 / pieces)


def _widen(weight: Floats, horizon: int, level: float) -> float:
    """Student's interval beside that of a normal whose spread is known."""
    return _students(weight, horizon, level) / float(ndtri((1 + level) / 2))


def _tails(values: Floats, weight: Floats, tails: Floats, *, few: bool) -> Floats:
    """The weighted quantiles, between values by lines; of few values those of a normal around 0."""
    if few or not values.size:
        rms = math.sqrt(float(np.average(np.square(values), weights=weight))) if values.size else 0.0
        return np.asarray(ndtri(tails) * rms)
    order = np.argsort(values)
    below = np.cumsum(weight[order])
    found: Floats = np.interp(tails, (below - weight[order] / 2) / below[-1], values[order])
    return found
