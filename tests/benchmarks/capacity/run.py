"""Forecasts of an hour and anomalies of 17 CloudWatch series: Markdown tables, with the targets.

    python tests/benchmarks/capacity/run.py

Forecast: from an origin each hour of the second half of a series, the error of the 12 steps that follow, relative to repeating the
last value; nothing is tuned on that half. Anomalies: the score of NAB, see `nab.py`.
"""

import sys
import time

import numpy as np
from nab import best_score, nab_score, probation, seasonal_median, windowed_gaussian
from series import CloudWatchSeries, series

from core.business.checks import Bools, Floats
from core.capacity.anomaly import surprise
from core.capacity.forecast import HOUR, forecast

MEDIAN, WORST = 0.74, 1.1
SCORE = 60.0
LEVEL = 0.9
_SHOWN = "| {0} | {1:.2f} | {2:.2f} | {3:.1%} |"


def measured(values: Floats) -> tuple[float, float, float]:
    """Error of the forecast and of the last hour's median, relative to persistence; and the share within the intervals."""
    errors, inside = [], []
    for origin in range(values.size // 2, values.size - HOUR, HOUR):
        actual = values[origin + 1 : origin + HOUR + 1]
        found = forecast(values[: origin + 1], level=LEVEL)
        assert found is not None
        others = [values[origin], np.median(values[origin + 1 - HOUR : origin + 1])]
        errors.append([np.abs(path - actual).mean() for path in (found.middle, *others)])
        inside.append(((found.low <= actual) & (actual <= found.high)).mean())
    ours, last, median = np.mean(errors, axis=0).tolist()
    return ours / last, median / last, float(np.mean(inside))


def forecasts(all_series: list[CloudWatchSeries]) -> bool:
    """Print the errors; whether every target is met."""
    started = time.process_time()
    rows = np.array([measured(one.values) for one in all_series])
    origins = sum((one.values.size - one.values.size // 2) // HOUR for one in all_series)
    seconds = (time.process_time() - started) / origins
    print(
        "| an hour ahead, error relative to the last value | ours | median of the last hour | within the 90 % interval |"
    )
    print("|---|---|---|---|")
    for one, row in zip(all_series, rows, strict=True):
        print(_SHOWN.format(one.name, *row))
    for name, of in (("median", np.median), ("mean", np.mean), ("worst", np.max)):
        print(_SHOWN.format(name, *of(rows, axis=0)))
    print(f"\n{origins} forecasts, {1000 * seconds:.0f} ms each", end="; ")
    print(f"targets: median at most {MEDIAN}, none above {WORST}, mean below that of the last hour's median\n")
    ours = rows[:, 0]
    return bool(np.median(ours) <= MEDIAN and ours.max() <= WORST and ours.mean() < rows[:, 1].mean())


def detected(values: Floats) -> Bools:
    """The rows at which the finding of an anomaly begins; it ends after an hour without one."""
    found = np.zeros(values.size, dtype=bool)
    newest = -HOUR - 1
    for row in range(probation(values.size), values.size):
        seen = surprise(values[: row + 1])
        if seen is not None and seen.is_anomaly:
            found[row] = row - newest > HOUR
            newest = row
    return found


def anomalies(all_series: list[CloudWatchSeries]) -> bool:
    """Print the scores; whether every target is met."""
    ours = nab_score(all_series, {one.name: detected(one.values) for one in all_series})
    others = {
        name: best_score(all_series, {one.name: of(one.values) for one in all_series})
        for name, of in (("windowed Gaussian", windowed_gaussian), ("seasonal median", seasonal_median))
    }
    print("| anomalies, score of NAB (standard profile) | |")
    print("|---|---|")
    print(f"| ours, by its one default | {ours:.1f} |")
    for name, score in others.items():
        print(f"| {name}, by its best threshold in hindsight | {score:.1f} |")
    print(f"\ntargets: at least {SCORE:g}, and above both\n")
    return ours >= SCORE and ours > max(others.values())


def main() -> int:
    """Run both parts; not 0 where a target is missed."""
    all_series = list(series())
    if not all_series:
        print("The CloudWatch series are absent.")
        return 0
    return 0 if all([forecasts(all_series), anomalies(all_series)]) else 1


if __name__ == "__main__":
    sys.exit(main())
