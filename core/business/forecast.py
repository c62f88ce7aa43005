r"""What a source will earn in the next days, with bounds that say how far that may be off.

Some forty filters (robust Holt-Winters with and without season and trend, see `smoothing`) and the medians of the last
equal weekdays each give a forecast. They are combined: \(w_k \propto \exp(-e_k / 0.03)\), with \(e_k\) how much larger the
candidate's mean absolute error over rolling origins of the series itself is than that of the best, as a share. The errors
of the combination at the same origins give the bounds, by horizon (see `origins`). The sum of the days has bounds of its
own, from sums of the past: daily errors neither add up nor cancel out.

References:
    Makridakis, Spiliotis and Assimakopoulos (2020), The M4 competition: simple combinations are hard to beat.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from core.business import origins
from core.business.candidates import Candidates, candidates, closed, sporadic, steady
from core.business.checks import EstimateError, Floats, root, square, vector
from core.business.origins import Past
from core.business.tempering import tempered

WEEK = 7
LEAST = 21
"""Known days from which on there are bounds."""
LONGEST = 800
"""Days that are looked at, the newest ones."""
_SEASONS = 3  # that must be there for one to be seen


class Reason(StrEnum):
    """What the forecast is made from."""

    SEASONAL = "seasonal"
    """Level, trend and season: with it the errors are at least 3 % smaller."""
    LEVEL_ONLY = "level_only"
    """Level and trend: there is too little to see a season, or it explains nothing."""
    SPORADIC = "sporadic"
    """Something was earned on at most half of the newer days: the mean of the days, each the same."""
    CONSTANT = "constant"
    """Every known day was the same: so are the next ones, and the bounds have no width."""
    TOO_SHORT = "too_short"
    """Fewer than `LEAST` days are known, or hardly any of the newer half: their mean, and no bounds."""
    NO_DATA = "no_data"
    """No day is known: nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """An estimate and its interval; None where nothing is said."""

    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """The next days, the first one today.

    Attributes:
        middle: the forecast of each day, near its median; NaN without data; shape (horizon,).
        mean: what days like it bring on average, which is more, as revenue has more days far above than far below: what is
            added up over days, and held against what came of them; shape (horizon,).
        low: the lower bound of each day, NaN where none is known; shape (horizon,).
        high: the upper bound.
        total: the sum of all days, that of the means, with bounds of the sum, which are not the sum of the daily ones.
        reason: what it is made from.
    """

    middle: Floats
    mean: Floats
    low: Floats
    high: Floats
    total: Band
    reason: Reason


def forecast(daily: Floats, *, horizon: int = 30, level: float = 0.9, season: int = WEEK) -> Forecast:
    """Forecast the next days of a series.

    A series that was never negative is never forecast to be. A weekday on which nothing was earned eight times in a row is
    taken as closed: 0, without doubt. While the last week is unlike any before, the bounds hold both that it lasts and
    that it was chance. Only the newest `LONGEST` days are looked at, and none before the first that earned.

    Args:
        daily: dollars a day, the oldest first, the last one yesterday; NaN where unknown, 0 where closed; shape (n,).
        horizon: days to forecast, 1 to 366.
        level: the share of days, and of totals, that shall lie within the bounds, above 0 and below 1.
        season: its length in days, 1 to 366; 1 where there is none.

    Raises:
        EstimateError: an argument is not what it must be.

    >>> week = [20.0, 22.0, 21.0, 24.0, 30.0, 0.0, 12.0]
    >>> found = forecast(np.array(week * 20), horizon=7)
    >>> found.middle.round(1).tolist(), found.reason.value
    ([20.0, 22.0, 21.0, 24.0, 30.0, 0.0, 12.0], 'seasonal')
    """
    _check(horizon=horizon, level=level, season=season)
    series = _begun(vector("daily", daily, missing=True)[-LONGEST:])
    known = series[~np.isnan(series)]
    lately = np.count_nonzero(~np.isnan(series[series.size // 2 :]))
    if known.size and np.ptp(known) == 0 and known.size >= LEAST:
        return _flat(float(known[0]), horizon)
    if known.size < LEAST or lately < LEAST // 2:
        return _without_bounds(known, horizon)
    return _combined(series, horizon, level, season)


def _check(*, horizon: int, level: float, season: int) -> None:
    for name, value in (("horizon", horizon), ("season", season)):
        if not 1 <= value <= 366:  # noqa: PLR2004 - a year
            raise EstimateError(f"{name}: must be 1 to 366, got {value}")
    if not 0 < level < 1:
        raise EstimateError(f"level: must be above 0 and below 1, got {level}")


def _begun(series: Floats) -> Floats:
    """The series from the first day on that earned something, or where none did, from the first that is known."""
    for begun in (np.nan_to_num(series) != 0, ~np.isnan(series)):
        if begun.any():
            return series[np.argmax(begun) :]
    return series[:0]


def _without_bounds(known: Floats, horizon: int) -> Forecast:
    nothing = np.full(horizon, np.nan)
    if not known.size:
        return Forecast(
            middle=nothing,
            mean=nothing,
            low=nothing,
            high=nothing,
            total=Band(low=None, middle=None, high=None),
            reason=Reason.NO_DATA,
        )
    middle = np.full(horizon, known.mean())
    total = Band(low=None, middle=float(middle.sum()), high=None)
    return Forecast(middle=middle, mean=middle, low=nothing, high=nothing, total=total, reason=Reason.TOO_SHORT)


def _flat(value: float, horizon: int) -> Forecast:
    days, total = np.full(horizon, value), value * horizon
    band = Band(low=total, middle=total, high=total)
    return Forecast(middle=days, mean=days, low=days, high=days, total=band, reason=Reason.CONSTANT)


def _combined(series: Floats, horizon: int, level: float, season: int) -> Forecast:
    length = season if series.size >= _SEASONS * season else 1
    rare = sporadic(series, length)
    series = tempered(series, length)
    looked = max(horizon, WEEK)  # so that whatever the origins, every day of the past is looked at
    at = origins.origins(series.size, length)
    tried = steady(series, at, looked) if rare else candidates(series, at, looked, length)
    past = Past(
        paths=tried.paths[:-1],
        came=origins.came(series, at[:-1], looked),
        age=series.size - 1 - at[:-1],
    )
    weight = origins.weigh(past)
    shut = closed(series, length)[np.arange(looked) % length] & (not rare)
    middle, before = np.where(shut, 0.0, tried.paths[-1] @ weight), past.paths @ weight
    below, above = origins.bounds(root(past.came) - root(before), past, level)
    low = np.where(shut, 0.0, np.maximum(square(root(middle) + below), _floor(series)))
    high = np.where(shut, 0.0, square(root(middle) + above))
    # A square of a root is off in its last digit: where an end is the middle, it is so exactly.
    days = np.minimum(low, middle)[:horizon], middle[:horizon], np.maximum(high, middle)[:horizon]
    mean = days[1] * (1.0 if rare else origins.lift(before, past))
    made = Forecast(
        mean=mean,
        low=days[0],
        middle=days[1],
        high=days[2],
        total=_total(days, float(mean.sum()), before, past, level),
        reason=Reason.SPORADIC if rare else _reason(weight, tried),
    )
    if _unlike(before, middle, tried, length):
        return _holding(_holding(made, tried.lately[-1, :horizon]), tried.calm[-1, :horizon])
    return made


def _floor(series: Floats) -> float:
    """What is never forecast below."""
    return 0.0 if np.nanmin(series) >= 0 else -np.inf


def _reason(weight: Floats, tried: Candidates) -> Reason:
    """Whether the best candidate with a season weighs so much more that it can be no chance among so many."""
    flat, seasonal = weight[~tried.seasonal].max(), weight[tried.seasonal].max(initial=0.0)
    return Reason.SEASONAL if seasonal > np.e * flat else Reason.LEVEL_ONLY


def _total(days: tuple[Floats, Floats, Floats], whole: float, before: Floats, past: Past, level: float) -> Band:
    """The band of the sum; where no sum of the past is known, as wide as the daily bounds together."""
    low, middle, high = days
    spread = origins.spread_of_sum(before, past, level, middle.size)
    if spread is None:
        return Band(low=min(float(low.sum()), whole), middle=whole, high=max(float(high.sum()), whole))
    below, above = square(root(np.array([whole])) + np.array([-spread, spread])).tolist()
    least = 0.0 if low.min() >= 0 else -np.inf
    return Band(low=min(max(below, least), whole), middle=whole, high=max(above, whole))


def _unlike(before: Floats, middle: Floats, tried: Candidates, season: int) -> bool:
    """Whether the last season is farther from what is forecast of the next one than it was at any origin before."""
    made = np.concatenate([before, middle[None]])[:, :season]
    off = np.abs(np.median(root(tried.lately[:, :season]) - root(made), axis=1))
    return bool(off[-1] > off[:-1].max())


def _holding(made: Forecast, path: Floats) -> Forecast:
    """The forecast with bounds that hold this path too."""
    low, high, whole = made.total.low, made.total.high, float(path.sum())
    return replace(
        made,
        low=np.minimum(made.low, path),
        high=np.maximum(made.high, path),
        total=replace(
            made.total,
            low=None if low is None else min(low, whole),
            high=None if high is None else max(high, whole),
        ),
    )
