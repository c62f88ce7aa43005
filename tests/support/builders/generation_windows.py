"""A generative model judged in memory: what `drift_score` concludes of columns, without a warehouse."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detection import Outcome, Verdict
from core.drift import Profile, Thresholds, count, score
from core.drift.judge import of_drift
from core.generative.judge import of_generation_change
from core.generative.meter import GenerationMeter
from core.generative.window import counted_shares
from core.performance import PerformanceReference, Rows, compare_metrics, learn_performance
from core.settings import Generation

Columns = Mapping[str, NDArray[Any]]


class Judged:
    """A reference, and what is concluded of windows against it.

    Args:
        log: of the model.
        reference: its columns, and the instants as `second_`.
        window: how long a window is, in seconds.
    """

    def __init__(self, log: Generation, reference: Columns, *, window: float = 86_400.0) -> None:
        self.meter = GenerationMeter(log=log)
        seconds = reference["second_"]
        features = {name: column for name, column in reference.items() if name != "second_"}
        categorical = [name for name, column in features.items() if column.dtype.kind == "O"]
        rows = Rows(score=seconds, label=np.zeros(seconds.size), features=features)
        self.profile: Profile = Profile.fit(features, categorical=categorical)
        self.performance: PerformanceReference = learn_performance(self.meter, rows, seconds, window=window)

    def verdicts(self, columns: Columns) -> dict[str, Verdict]:
        """What is concluded of a window, by kind."""
        counts = count(self.profile, columns)
        found = counted_shares(self.profile, counts) | self.meter.measure_values(columns)
        compared = compare_metrics(self.performance.measured, found, between=self.performance.between)
        change = of_generation_change("chat", compared, minimum=200, change=0.1, certainty=0.01)
        drift = of_drift("chat", score(self.profile, columns, thresholds=Thresholds(shift=0.1, false_alarms=0.01)))
        return {"generation_degraded": change, "drift": drift}

    def alarms(self, columns: Columns) -> dict[str, Verdict]:
        """Those of them that are bad."""
        return {kind: one for kind, one in self.verdicts(columns).items() if one.outcome is Outcome.BAD}


def taken(columns: Columns, places: NDArray[Any]) -> Columns:
    """Some of the rows."""
    return {name: column[places] for name, column in columns.items()}


def halves(columns: Columns, rng: np.random.Generator) -> tuple[Columns, Columns]:
    """Two random halves, each in the order of time."""
    size = columns["second_"].size
    order = rng.permutation(size)
    return taken(columns, np.sort(order[: size // 2])), taken(columns, np.sort(order[size // 2 :]))
