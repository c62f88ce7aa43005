"""What is learnt of the performance in a reference: its metrics, an estimator, and how much both vary by themselves.

References:
    Cochran (1954), The combination of estimates from different experiments: the test whether blocks differ by more than chance.
    Särndal, Swensson and Wretman (1992), Model assisted survey sampling: the difference estimator.
    NannyML, Thresholds: what performance is usual is learnt from the chunks of the reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.drift.columns import Floats
from core.measures import measure_of
from core.performance import student
from core.performance.blocks import FEWEST, blocks
from core.performance.blocks import Rows as Places
from core.performance.comparison import Between
from core.performance.intervals import NOTHING, Estimate
from core.performance.meter import Estimator, Measures, Meter
from core.performance.rows import Rows

DAY = 86_400.0
FEWEST_ROWS = 30
"""A block of fewer labelled rows says nothing about how performance varies."""
_FOLDS = 10
_CERTAINTY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerformanceReference:
    """What windows are compared with.

    Attributes:
        measured: by the rows that have a label.
        whole: the same carried over to all rows, which the labelled ones need not resemble.
        estimator: of the metrics without labels, where the task has one and there are labels.
        between: by metric, how much it varies between parts of the reference as long as a window.
        spread: by metric, how far the estimate was off in the worst day that it had not seen; absent where chance explains it.
    """

    measured: Measures
    whole: Measures
    estimator: Estimator | None
    between: Mapping[str, Between]
    spread: Mapping[str, float]

    def expected(self, rows: Rows) -> Measures | None:
        """The metrics estimated without labels, with intervals that hold what the reference shows of the estimate's errors."""
        if self.estimator is None:
            return None
        return {name: widen(name, one, self.spread) for name, one in self.estimator.expected(rows).items()}

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return {
            "measured": {name: list(one) for name, one in self.measured.items()},
            "whole": {name: list(one) for name, one in self.whole.items()},
            "estimator": self.estimator and self.estimator.to_data(),
            "between": {name: list(one) for name, one in self.between.items()},
            "spread": dict(self.spread),
        }

    @classmethod
    def from_data(cls, meter: Meter, data: Mapping[str, Any]) -> Self:
        """From what `to_data` gave."""
        return cls(
            measured={name: Estimate(*one) for name, one in data["measured"].items()},
            whole={name: Estimate(*one) for name, one in data["whole"].items()},
            estimator=meter.load(data["estimator"]) if data["estimator"] else None,
            between={name: Between(*one) for name, one in data["between"].items()},
            spread=data["spread"],
        )


def learn_performance(meter: Meter, rows: Rows, seconds: Floats, *, window: float) -> PerformanceReference:
    """Learn from the rows of a reference.

    Args:
        meter: of the model's task.
        rows: of the reference.
        seconds: the instant of each row, shape (n,).
        window: how long a window is, in seconds.

    Raises:
        ProfileError: a score or a label is not what the task says.
    """
    known = rows.labelled
    measured, estimator = meter.measure(rows), meter.learn(rows)
    spread: dict[str, float] = {}
    whole = measured
    if estimator is not None:
        days = blocks(seconds, known, length=DAY, fewest_rows=FEWEST_ROWS)
        spread = _worst(list(_held_out(meter, rows, days)))
        whole = carried_over(measured, estimator.expected(rows), estimator.expected(rows.take(known)))
    windows = blocks(seconds, known, length=window, fewest_rows=FEWEST_ROWS)
    return PerformanceReference(
        measured=measured,
        whole=whole,
        estimator=estimator,
        between=_between([meter.measure(rows.take(places)) for places in windows]),
        spread=spread,
    )


def carried_over(measured: Measures, everywhere: Measures, labelled: Measures) -> Measures:
    """Metrics of labelled rows carried over to all rows: the difference of what is estimated for both is added.

    Where labels come for doubtful cases only, the metrics of the labelled rows are worse than those of all rows; the
    estimator knows by how much.

    Args:
        measured: by the labels.
        everywhere: as estimated for all rows.
        labelled: as estimated for the labelled rows.
    """
    return {
        name: _shifted(name, one, everywhere.get(name, NOTHING), labelled.get(name, NOTHING))
        for name, one in measured.items()
    }


def widen(name: str, estimate: Estimate, spread: Mapping[str, float]) -> Estimate:
    """An estimate whose interval holds the estimator's own errors as well."""
    least, most = measure_of(name).bounds
    return estimate.widened(spread.get(name, 0.0), least=least, most=most)


def _shifted(name: str, one: Estimate, everywhere: Estimate, labelled: Estimate) -> Estimate:
    if one.value is None or one.low is None or one.high is None or everywhere.value is None or labelled.value is None:
        return one
    least, most = measure_of(name).bounds
    by = everywhere.value - labelled.value
    low, value, high = (min(max(end + by, least), most) for end in (one.low, one.value, one.high))
    return Estimate(value, low, high, one.rows)


def _held_out(meter: Meter, rows: Rows, days: Sequence[Places]) -> Iterator[tuple[Measures, Measures]]:
    """What was measured and what was expected of each day, by an estimator that knows none of its part of the reference."""
    for part in np.array_split(np.arange(len(days)), min(_FOLDS, len(days) or 1)):
        held = {int(number) for number in part}
        others = [places for number, places in enumerate(days) if number not in held]
        estimator = meter.learn(rows.take(np.concatenate(others))) if held and others else None
        if estimator is None:
            continue
        for number in sorted(held):
            day = rows.take(days[number])
            yield meter.measure(day), estimator.expected(day)


def _worst(days: Sequence[tuple[Measures, Measures]]) -> dict[str, float]:
    """By metric, the largest error of a day, where the errors of all days are more than chance makes them.

    A week that differs from the reference differs for a reason, as a day of storm does, and not for each of its days
    another one: so the worst day stands for a whole window, and is not divided by its days.
    """
    found = {}
    for name in dict.fromkeys(name for measured, _ in days for name in measured):
        errors = [_error(measured.get(name, NOTHING), expected.get(name, NOTHING)) for measured, expected in days]
        known = np.array([error for error in errors if error is not None])
        if known.size and (np.square(known[:, 0] / known[:, 1])).sum() > student.chi_square(len(known), _CERTAINTY):
            largest = known[np.argmax(np.abs(known[:, 0]))]
            found[name] = float(np.sqrt(max(largest[0] ** 2 - largest[1] ** 2, 0.0)))
    return found


def _error(measured: Estimate, expected: Estimate) -> tuple[float, float] | None:
    if measured.value is None or expected.value is None or measured.rows < FEWEST_ROWS or measured.error <= 0:
        return None
    return measured.value - expected.value, measured.error


def _between(windows: Sequence[Measures]) -> dict[str, Between]:
    """By metric, the standard deviation between windows, less what sampling makes of it."""
    found = {}
    for name in dict.fromkeys(name for one in windows for name in one):
        known = [one[name] for one in windows if name in one and one[name].value is not None]
        if len(known) >= FEWEST:
            values = np.array([one.value for one in known])
            chance = float(np.mean([one.error**2 for one in known]))
            found[name] = Between(float(np.sqrt(max(values.var(ddof=1) - chance, 0.0))), len(known))
    return found
