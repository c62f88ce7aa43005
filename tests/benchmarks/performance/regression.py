"""How often the interval of a regressor's estimated loss holds the truth: the arrival delay of flights, week after week.

    python tests/benchmarks/performance/regression.py

A linear model and boosted trees predict the delay in minutes from the departure delay, the distance and the hour, trained on the first 59
days of 2013. The reference is those days, or the 59 days after them; the loss of every later week is estimated without a label of it.
The flights are beside the project (`../shared/data`).
"""

import sys

import numpy as np
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from core.drift.columns import Floats
from core.performance import RegressionMeter, Rows, learn_performance
from tests.support.builders import public_data

WEEK, DAY = 7 * 86_400.0, 86_400.0
LENGTH = 59
TARGET = 0.9
MEASURES = ("mae", "rmse", "pinball")


def flights() -> tuple[dict[str, np.ndarray], Floats, Floats] | None:
    """The features, the arrival delay and the instant of the flights that arrived, in time; None where the file is absent."""
    path = public_data.found(public_data.FLIGHTS)
    if path is None:
        return None
    table = pq.read_table(path)
    numbers = {
        name: table[name].to_numpy().astype(float)
        for name in ("month", "day", "hour", "dep_delay", "arr_delay", "distance")
    }
    words = {name: np.array(table[name].to_pylist(), dtype=object) for name in ("carrier", "origin", "dest")}
    starts = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    days = starts[numbers["month"].astype(int) - 1] + numbers["day"] - 1
    seconds = days * DAY + numbers["hour"] * 3600.0
    known = np.flatnonzero(~np.isnan(numbers["arr_delay"]) & ~np.isnan(numbers["dep_delay"]))
    order = known[np.argsort(seconds[known], kind="stable")]
    features = {name: numbers[name][order] for name in ("dep_delay", "distance", "hour")}
    return (
        features | {name: column[order] for name, column in words.items()},
        numbers["arr_delay"][order],
        seconds[order],
    )


def main() -> int:
    """Print the table; not 0 where the target is missed or the file is absent."""
    found = flights()
    if found is None:
        print(f"{public_data.FLIGHTS}: absent", file=sys.stderr)
        return 1
    features, delay, seconds = found
    matrix = np.column_stack([features[name] for name in ("dep_delay", "distance", "hour")])
    meter, met = RegressionMeter(), True
    print(
        "| model, reference | weeks | measure | interval holds the truth | without the reference's errors | half width (min) |"
    )
    print("|---|---|---|---|---|---|")
    for name, model in (("linear", LinearRegression()), ("trees", HistGradientBoostingRegressor(random_state=0))):
        trained = seconds < LENGTH * DAY
        model.fit(matrix[trained], delay[trained])
        rows = Rows(score=model.predict(matrix), label=delay, features=features)
        for start in (0, LENGTH):
            end = (start + LENGTH) * DAY
            old = (seconds >= start * DAY) & (seconds < end)
            reference = learn_performance(meter, rows.take(old), seconds[old], window=WEEK)
            held = {measure: [] for measure in MEASURES}
            while end + WEEK <= 365 * DAY:
                now = rows.take((seconds >= end) & (seconds < end + WEEK))
                truth, wide, bare = meter.measure(now), reference.expected(now), reference.estimator.expected(now)
                for measure in MEASURES:
                    value, one, before = truth[measure].value, wide[measure], bare[measure]
                    held[measure].append(
                        (one.low <= value <= one.high, before.low <= value <= before.high, (one.high - one.low) / 2)
                    )
                end += WEEK
            which = "trained on it" if start == 0 else "trained before it"
            for measure, weeks in held.items():
                share, narrow, half = np.mean(weeks, axis=0)
                met &= bool(share >= TARGET)
                print(
                    f"| {name}, {which} | {len(weeks)} | {measure} | {share:.0%} | {narrow:.0%} | {half:.2f} |",
                    flush=True,
                )
    print(f"\nAt least {TARGET:.0%} of the weeks of every model and measure: {'met' if met else 'missed'}.")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
