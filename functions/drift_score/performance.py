"""Performance of a model in a window: measured from the labels that have arrived, and estimated without labels."""

from dataclasses import dataclass

import numpy as np

from core.drift import Classifier, Comparison, Estimate, compare_metrics, expected
from functions.adapters.columns import Columns
from functions.adapters.ports import Data, Metrics
from functions.drift_score.baseline import Baseline, Measures, measure
from functions.drift_score.ports import Results
from functions.drift_score.statements import LABEL
from functions.drift_score.window import Window

MEASURED = frozenset({"auc", "mae", "bias"})
"""The measures that are series, beside the accuracy; all are rows of `ops.model_performance`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What is known of a window.

    Attributes:
        found: by the labels that have arrived.
        reference: the same in the reference, if it had labels.
        expected: of all predictions, estimated without their labels; of classifiers only.
        check: the estimate's accuracy for the labelled predictions alone, as `reference`, beside the true one, as
            `current`.
        rows: predictions in the window, labelled or not.
    """

    found: Measures
    reference: Measures | None
    expected: Classifier | None
    check: Comparison | None
    rows: int

    @property
    def accuracy(self) -> Estimate | None:
        """The accuracy of a classifier."""
        return self.found.accuracy if isinstance(self.found, Classifier) else None

    @property
    def labels(self) -> int:
        """How many predictions have a label."""
        return self.found[0].rows


def assess(window: Window, baseline: Baseline, columns: Columns, rows: int) -> Performance:
    """Measure the performance of a model.

    Args:
        window: the current one.
        baseline: of its reference.
        columns: the scores and labels that were read.
        rows: predictions in the window.

    Raises:
        ProfileError: a score or a label is not what the model's task says.
    """
    model = window.model
    scores, labels = columns[model.score], columns[LABEL]
    found = measure(model, scores, labels)
    estimate, check = None, None
    if baseline.calibrator and isinstance(found, Classifier):
        chance, says_yes = baseline.calibrator.probability(scores), scores >= model.decision
        known = ~np.isnan(labels)
        estimate = expected(chance, says_yes)
        check = compare_metrics(expected(chance[known], says_yes[known]), found)[0]
    return Performance(found=found, reference=baseline.measures, expected=estimate, check=check, rows=rows)


def write(results: Results, window: Window, performance: Performance) -> None:
    """Gather every measure for the tables of results."""
    rows = measure_rows(performance)
    results.write_performance(window, rows, n_labels=performance.labels, n_current=performance.rows)


def measure_rows(performance: Performance) -> list[Data]:
    """One row a measure."""
    before, without = performance.reference, performance.expected
    return [
        {
            "measure": name,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "reference": before and getattr(before, name).value,
            "expected": without and getattr(without, name).value,
        }
        for name, one in performance.found._asdict().items()
    ]


def gauges(metrics: Metrics, window: Window, performance: Performance) -> None:
    """Set the gauges of what has a value: accuracy and AUC of a classifier, mean absolute error and bias of a regressor."""
    model, at = window.model.name, window.end
    for name, one in performance.found._asdict().items():
        if name in MEASURED and one.value is not None:
            metrics.gauge("aia_model_measure_value", one.value, at=at, model=model, measure=name)
    if (accuracy := performance.accuracy) and accuracy.value is not None:
        metrics.gauge("aia_model_accuracy_ratio", accuracy.value, at=at, model=model)
    if (without := performance.expected) and without.accuracy.value is not None:
        metrics.gauge("aia_model_accuracy_expected_ratio", without.accuracy.value, at=at, model=model)


def evidence(performance: Performance) -> dict[str, str]:
    """What stands beside the accuracy, in words."""
    accuracy, before, check = performance.accuracy, performance.reference, performance.check
    found = {}
    if accuracy and isinstance(before, Classifier) and before.accuracy.value is not None:
        found["reference"] = (
            f"{before.accuracy.value:.1%} of {before.accuracy.rows} labelled predictions were right then"
        )
    if check and check.reference.value is not None and check.p_value is not None:
        found["expected"] = (
            f"{check.reference.value:.1%} for the same predictions without labels (p {check.p_value:.2g})"
        )
    return found
