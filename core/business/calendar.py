r"""Days that recur: by day of the month, by days to its end, and by day of the year.

A recurring day is measured by its deviations \(d_i\) from the median of the same weekday before it, on the square-root scale, over
its past occurrences. Its effect is their weighted mean \(m\), the newer ones counting more, shrunk by its standard error \(s\):
\(m \max(0, 1 - (3 s / m)^2)\), so that noise has none. It takes two occurrences. Only days before a day count for its effect.

References:
    Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage; the garrote of Breiman (1995).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from core.business.checks import Floats, Ints, signed_sqrt
from core.business.outliers import MAD, local_median

_BEFORE = 8  # days of the same weekday before a day, from whose median it deviates
_FIRST = 2  # weeks without deviations, as hardly a day of the same weekday lies before
_DECAY = 0.9  # weight of an occurrence relative to the next one
_MOST = 24  # occurrences
_LEAST = 2
_THRESHOLD = 3.0  # standard errors
_NEAR_END = 7  # only the last days of a month are told by the days to its end
_KEYS = 32  # more than the days of a month
MONTHLY = ("day_of_month", "month_end")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """How days differ from other days of their weekday, on the square-root scale: `scale` times these and more by an amount.

    Attributes:
        past: amount of each past day, as known before it; shape (n,).
        ahead: amount of each day ahead, as known at the origin; shape (origins, horizon).
        spread: standard deviation of the amount of each day after the last origin, beyond that of any day; shape (horizon,).
        scale: of each past day, shape (n,) or a number.
        scale_ahead: of each day ahead, shape (origins, horizon) or a number.
        scale_error: standard error of the scale, as far as it differs ahead.
        since: the first origin from which they are known.
    """

    past: Floats
    ahead: Floats
    spread: Floats
    scale: Floats | float = 1.0
    scale_ahead: Floats | float = 1.0
    scale_error: float = 0.0
    since: int = 0

    def without(self, roots: Floats) -> Floats:
        """The past without the effects; shape (n,)."""
        return (roots - self.past) / self.scale

    def applied(self, predictions: Floats) -> Floats:
        """The forecasts with the effects; shape (origins, horizon, any)."""
        scale = self.scale_ahead if isinstance(self.scale_ahead, float) else self.scale_ahead[:, :, None]
        applied: Floats = predictions * scale + self.ahead[:, :, None]
        return applied


def previous_occurrences(start: date, size: int) -> dict[str, Ints]:
    """The index of the previous occurrence of each day, -1 where none, by the way in which days recur.

    Args:
        start: the first day.
        size: number of days.

    Returns:
        Each of shape (size,).

    >>> previous_occurrences(date(2026, 1, 30), 61)["day_of_month"][[0, 2, 30, 60]].tolist()
    [-1, -1, 2, -1]
    """
    days = np.datetime64(start, "D") + np.arange(size)
    months = days.astype("datetime64[M]")
    month, number = months.astype(np.int64), (days - months).astype(np.int64)
    to_end = ((months + 1).astype("datetime64[D]") - days).astype(np.int64) - 1
    return {
        "day_of_month": _previous(number, month, 1),
        "month_end": np.where(to_end < _NEAR_END, _previous(to_end, month, 1), -1),
        "day_of_year": _previous(number, month, 12),
    }


def monthly_effects(
    series: Floats, origins: Ints, horizon: int, season: int, previous: Mapping[str, Ints]
) -> list[Effects]:
    """The effects of days that recur by month, as alternatives: by day of the month, by days to its end, and by both.

    Args:
        series: one value a day, NaN where unknown, without outliers; shape (n,).
        origins: days from which to forecast, ascending, the last one is n - 1.
        horizon: days ahead.
        season: length of the season in days; 1 for none.
        previous: as of `previous_occurrences`, of n + horizon days.

    Returns:
        Those that have any effect after the last origin.
    """
    deviation = _deviations(series, season)
    of_number, of_end = (_effects(deviation, origins, horizon, previous[name]) for name in MONTHLY)
    rest = _effects(deviation - of_number.past, origins, horizon, previous["month_end"])
    both = Effects(
        past=of_number.past + rest.past,
        ahead=of_number.ahead + rest.ahead,
        spread=np.hypot(of_number.spread, rest.spread),
    )
    found = [one for one in (of_number, of_end) if one.ahead[-1].any()]
    return [*found, both] if rest.ahead[-1].any() and of_number.ahead[-1].any() else found


def _previous(key: Ints, period: Ints, apart: int) -> Ints:
    """The index of the day with the same key some periods before."""
    code = (period - period[0] + apart) * _KEYS + key
    index = np.full(int(code[-1]) + _KEYS, -1)
    index[code] = np.arange(key.size)
    before: Ints = index[code - apart * _KEYS]
    return before


def _deviations(series: Floats, season: int) -> Floats:
    """Each day less the median of the same weekday up to it, NaN on the first days; shape (n,)."""
    known = np.flatnonzero(~np.isnan(series))
    known = known[known >= _FIRST * season]
    deviation = np.full(series.size, np.nan)
    median = local_median(series, known, season, before=_BEFORE, after=0)
    deviation[known] = signed_sqrt(series[known]) - signed_sqrt(median)
    return deviation


def _effects(deviation: Floats, origins: Ints, horizon: int, previous: Ints) -> Effects:
    effect, spread = _estimates(deviation, previous)
    size = deviation.size
    targets = origins[:, None] + np.arange(1, horizon + 1)
    newest = previous[targets]
    while (late := newest > origins[:, None]).any():  # another occurrence lies between the origin and the day
        newest = np.where(late, previous[newest], newest)
    return Effects(past=effect[previous[:size]], ahead=effect[newest], spread=spread[newest[-1]])


def _estimates(deviation: Floats, previous: Ints) -> tuple[Floats, Floats]:
    """Effect and spread of a recurring day, as known after each of its occurrences; the last element is 0, for none: (n + 1,)."""
    size = deviation.size
    padded, before = np.append(deviation, np.nan), np.append(previous[:size], -1)
    noise = MAD * float(np.nanmedian(np.abs(deviation)))
    at = np.append(np.arange(size), -1)
    values = np.empty((_MOST, size + 1))
    for number in range(_MOST):
        values[number] = padded[at]
        at = before[at]
    known = ~np.isnan(values)
    weight = _DECAY ** np.arange(_MOST)[:, None] * known
    total = np.maximum(weight.sum(axis=0), _DECAY**_MOST)
    values = np.where(known, values, 0.0)
    mean = (weight * values).sum(axis=0) / total
    spread = np.sqrt((weight * np.square(values - mean)).sum(axis=0) / total)
    count = known.sum(axis=0)
    spread *= np.sqrt(count / np.maximum(count - 1, 1))
    error = np.maximum(spread, noise) * np.sqrt(np.square(weight).sum(axis=0)) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(mean == 0, 0.0, np.maximum(0.0, 1 - np.square(_THRESHOLD * error / mean)))
    kept[count < _LEAST] = 0.0
    return mean * kept, np.sqrt(np.maximum(0.0, np.square(spread) - noise**2)) * (kept > 0)
