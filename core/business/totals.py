"""Forecasts of a total over many days, compared with the actual totals and with the seasonal naive forecast."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.business.candidates import fill_missing
from core.business.checks import Floats, vector

WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveTotal:
    """The seasonal naive forecast of a total: the last week repeated.

    Attributes:
        dollars: the forecast.
        usual_error: its mean absolute error over all totals of the history, which scales the error of others [1]; None where the
            history has no whole total after its first week, or the error is 0.

    References:
        [1] Hyndman and Koehler (2006), Another look at measures of forecast accuracy.
    """

    dollars: float
    usual_error: float | None


def naive_total(daily: Floats, horizon: int) -> NaiveTotal:
    """The seasonal naive forecast of the total over the next days.

    Args:
        daily: dollars a day, oldest first, NaN where unknown; shape (n,), at least a week.
        horizon: days in the total.

    >>> naive_total(np.arange(1.0, 15.0), 7)
    NaiveTotal(dollars=77.0, usual_error=49.0)
    """
    days = fill_missing(_from_first_known(vector("daily", daily, missing=True)), WEEK)
    starts = np.arange(WEEK, days.size - horizon + 1)
    repeated = np.arange(horizon) % WEEK - WEEK
    error = np.abs((days[starts[:, None] + repeated] - days[starts[:, None] + np.arange(horizon)]).sum(axis=1))
    usual = float(error.mean()) if error.size else 0.0
    return NaiveTotal(dollars=float(days[repeated].sum()), usual_error=usual or None)


def _from_first_known(daily: Floats) -> Floats:
    return daily[np.argmax(~np.isnan(daily)) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTotal:
    """The forecast of a total, in dollars, as it was made, and the actual total.

    Attributes:
        actual: the actual total; NaN where not known.
        low: lower bound of the prediction interval.
        middle: the forecast.
        high: upper bound.
        naive: the seasonal naive forecast made at the same time.
        usual_error: of `NaiveTotal`, at the same time.
    """

    actual: float
    low: float
    middle: float
    high: float
    naive: float
    usual_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalAccuracy:
    """Accuracy of the forecasts of a total; a ratio is None where it is not defined.

    Attributes:
        error_ratio: sum of the absolute errors as a share of the sum of the actual totals.
        scaled_error: mean absolute scaled error (MASE): below 1 is better than the seasonal naive forecast was in the history.
        naive_error_ratio: as `error_ratio`, of the seasonal naive forecast.
        naive_scaled_error: as `scaled_error`, likewise.
        coverage_ratio: share of the totals within their interval, bounds included.
        totals: number of scored totals.
    """

    error_ratio: float | None
    scaled_error: float | None
    naive_error_ratio: float | None
    naive_scaled_error: float | None
    coverage_ratio: float | None
    totals: int


def total_accuracy(forecasts: Sequence[ScoredTotal]) -> TotalAccuracy:
    """Score forecasts of a total; those whose actual total is NaN are skipped.

    >>> good = ScoredTotal(actual=100.0, low=80.0, middle=90.0, high=120.0, naive=130.0, usual_error=20.0)
    >>> total_accuracy([good])  # doctest: +NORMALIZE_WHITESPACE
    TotalAccuracy(error_ratio=0.1, scaled_error=0.5, naive_error_ratio=0.3, naive_scaled_error=1.5, coverage_ratio=1.0,
                  totals=1)
    """
    known = [one for one in forecasts if not math.isnan(one.actual)]
    covered = [one.low <= one.actual <= one.high for one in known]
    return TotalAccuracy(
        error_ratio=_error_ratio(known, [one.middle for one in known]),
        scaled_error=_scaled_error(known, [one.middle for one in known]),
        naive_error_ratio=_error_ratio(known, [one.naive for one in known]),
        naive_scaled_error=_scaled_error(known, [one.naive for one in known]),
        coverage_ratio=sum(covered) / len(covered) if covered else None,
        totals=len(known),
    )


def _error_ratio(known: Sequence[ScoredTotal], forecasts: Sequence[float]) -> float | None:
    actual = math.fsum(abs(one.actual) for one in known)
    error = math.fsum(abs(one.actual - made) for one, made in zip(known, forecasts, strict=True))
    return error / actual if actual else None


def _scaled_error(known: Sequence[ScoredTotal], forecasts: Sequence[float]) -> float | None:
    scaled = [
        abs(one.actual - made) / one.usual_error
        for one, made in zip(known, forecasts, strict=True)
        if one.usual_error is not None
    ]
    return math.fsum(scaled) / len(scaled) if scaled else None
