"""Accuracy of forecasts and coverage of their intervals, over many series."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import workloads
from workloads import Case, Floats

from core.business.forecast import Forecast, forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Means over the cases, but for the time.

    Attributes:
        mase: mean absolute scaled error: relative to that of the seasonal naive forecast within the history.
        wape: sum of absolute errors relative to the sum of the actuals.
        naive_mase: that of the seasonal naive forecast.
        naive_wape: the same.
        coverage: share of days within the 90 % interval.
        total_error: relative error of the total.
        total_coverage: share of totals within their interval.
        ratio: actual total relative to the sum of the means, median; about 1 for unbiased means.
        milliseconds: CPU time of a forecast, the median.
        cases: number of cases.
    """

    mase: float
    wape: float
    naive_mase: float
    naive_wape: float
    coverage: float
    total_error: float
    total_coverage: float
    ratio: float
    milliseconds: float
    cases: int


def measure(cases: Sequence[Case]) -> Measures:
    """Forecast each case, and compare it with the actuals."""
    found, took = zip(*[_timed(case) for case in cases], strict=True)
    naive = [workloads.naive(case) for case in cases]
    pairs = list(zip(cases, found, strict=True))
    return Measures(
        mase=_mean(_mase(case, one.middle) for case, one in pairs),
        wape=_mean(_wape(case, one.middle) for case, one in pairs),
        naive_mase=_mean(map(_mase, cases, naive)),
        naive_wape=_mean(map(_wape, cases, naive)),
        coverage=_mean(np.mean((one.low <= case.future) & (case.future <= one.high)) for case, one in pairs),
        total_error=_mean(abs((one.total.middle or 0.0) / case.future.sum() - 1) for case, one in pairs),
        total_coverage=_mean(_holds(case, one) for case, one in pairs),
        ratio=float(np.median([case.future.sum() / one.mean.sum() for case, one in pairs])),
        milliseconds=float(np.median(took)) * 1e3,
        cases=len(cases),
    )


def _timed(case: Case) -> tuple[Forecast, float]:
    started = time.thread_time()
    found = forecast(case.history, horizon=case.future.size, season=case.season)
    return found, time.thread_time() - started


def _mase(case: Case, middle: Floats) -> float:
    usual = np.abs(case.history[case.season :] - case.history[: -case.season]).mean()
    return float(np.abs(case.future - middle).mean() / usual)


def _wape(case: Case, middle: Floats) -> float:
    return float(np.abs(case.future - middle).sum() / np.abs(case.future).sum())


def _holds(case: Case, found: Forecast) -> float:
    low, high = found.total.low, found.total.high
    return float(low is not None and high is not None and low <= case.future.sum() <= high)


def _mean(values: Iterable[float | np.floating]) -> float:
    return float(np.mean(list(values)))
