"""Performance of a model in a window: measured from the labels that have arrived, and estimated without labels."""

import functools

from core.detection import Outcome, Verdict
from core.events import Severity
from core.performance import Assessment, Estimate, Measures, Standing, assess, stands
from core.performance.intervals import NOTHING
from core.performance.judge import limited, of_accuracy, of_degradation, of_limits, worse_metrics
from core.performance.labels import of_labels
from core.settings import Model
from core.text import percent
from functions.adapters.columns import Columns
from functions.adapters.ports import Data, Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.conditions import Kind
from functions.drift_score.ports import Results
from functions.drift_score.rows import meter_of, rows_of
from functions.drift_score.window import Window

MEASURED = frozenset({"auc", "mae", "bias"})
"""The measures that are series, beside the accuracy; all are rows of `ops.model_performance`."""


def assessed(window: Window, baseline: Baseline, columns: Columns, rows: int) -> Assessment:
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
    return assess(meter_of(model), rows_of(model, columns), baseline.performance, total=rows)


def write(results: Results, window: Window, performance: Assessment) -> None:
    """Gather every measure for the tables of results."""
    rows = measure_rows(performance)
    results.write_performance(window, rows, n_labels=performance.labels, n_current=performance.rows)


def measure_rows(performance: Assessment) -> list[Data]:
    """One row a measure."""
    return [
        {
            "measure": name,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "reference": _of(performance.reference, name).value,
            "expected": _of(performance.expected, name).value,
            "expected_low": _of(performance.expected, name).low,
            "expected_high": _of(performance.expected, name).high,
            "expected_labelled": _of(performance.expected_labelled, name).value,
        }
        for name, one in performance.found.items()
    ]


def gauges(metrics: Metrics, window: Window, performance: Assessment) -> None:
    """Set the gauges of what has a value; of the measures those that are series, and those with a limit in the settings."""
    model, at = window.model, window.end
    shown = MEASURED | model.limits.keys()
    for name, one in performance.found.items():
        if name in shown and one.value is not None:
            metrics.gauge("aia_model_measure_value", one.value, at=at, model=model.name, measure=name)
    accuracies = {
        "aia_model_accuracy_ratio": _of(performance.found, "accuracy").value,
        "aia_model_accuracy_expected_ratio": _of(performance.expected, "accuracy").value,
        "aia_model_accuracy_expected_labelled_ratio": _of(performance.expected_labelled, "accuracy").value,
        "aia_model_accuracy_floor_ratio": model.accuracy_floor,
    }
    for name, value in accuracies.items():
        if value is not None:
            metrics.gauge(name, value, at=at, model=model.name)
    for held in limited(performance.found, model.limits):
        name = "aia_model_measure_ceiling_value" if held.is_ceiling else "aia_model_measure_floor_value"
        metrics.gauge(name, held.limit, at=at, model=model.name, measure=held.metric)
    worse_ones = worse_metrics(
        performance.against_reference, change=model.performance.change, certainty=model.performance.false_alarms
    )
    for name, worse in worse_ones.items() if performance.labels >= model.minimum_rows else ():
        metrics.gauge("aia_model_measure_degraded", float(worse), at=at, model=model.name, measure=name)


def verdicts(model: Model, performance: Assessment) -> dict[Kind, Verdict]:
    """What is concluded, by condition.

    The limit that the settings have is the gravest; what is measured weighs more than what is estimated. So of a model that
    is below its floor the fall against the reference is reported as information only, and an estimate warns only where it is
    certain to be below the floor and labels do not tell more.
    """
    labels, rows = performance.labels, performance.rows
    found = {Kind.LABELS: of_labels(model.name, labels=labels, rows=rows, minimum=model.minimum_rows)}
    accuracy = performance.found.get("accuracy")
    if accuracy is not None:
        found[Kind.ACCURACY_BELOW_FLOOR] = of_accuracy(
            model.name,
            accuracy=accuracy,
            floor=model.accuracy_floor,
            minimum=model.minimum_rows,
            evidence=evidence(performance),
        )
    if model.limits:
        found[Kind.PERFORMANCE_BEYOND_LIMIT] = of_limits(
            model.name, performance.found, model.limits, minimum=model.minimum_rows
        )
    broken = any(verdict.outcome is Outcome.BAD for verdict in found.values())
    measured = functools.partial(
        of_degradation,
        model.name,
        minimum=model.minimum_rows,
        change=model.performance.change,
        certainty=model.performance.false_alarms,
    )
    known = Severity.INFO if broken else Severity.WARNING
    found[Kind.PERFORMANCE_DEGRADED] = measured(
        performance.against_reference, subject="performance", beside="in the reference", severity=known
    )
    found[Kind.PERFORMANCE_BELOW_EXPECTED] = measured(
        performance.against_estimate, subject="performance", beside="expected of the same predictions", severity=known
    )
    found[Kind.ESTIMATED_PERFORMANCE_DEGRADED] = measured(
        performance.estimate_against_reference,
        subject="estimated performance",
        beside="in the reference",
        severity=_weight_of_estimate(model, performance),
    )
    return found


def _weight_of_estimate(model: Model, performance: Assessment) -> Severity:
    expected = _of(performance.expected, "accuracy")
    below = model.accuracy_floor is not None and stands(expected, model.accuracy_floor) is Standing.BELOW
    below |= any(one.is_broken for one in limited(performance.expected or {}, model.limits))
    return Severity.WARNING if below and performance.labels < model.minimum_rows else Severity.INFO


def evidence(performance: Assessment) -> dict[str, str]:
    """What stands beside the accuracy, in words."""
    before = _of(performance.reference, "accuracy")
    check = next((one for one in performance.against_estimate if one.metric == "accuracy"), None)
    found = {}
    if before.value is not None:
        found["reference"] = f"{percent(before.value)} of {before.rows} labelled predictions were right then"
    if check and check.reference.value is not None and check.p_value is not None:
        found["expected"] = (
            f"{percent(check.reference.value)} for the same predictions without labels (p {check.p_value:.2g})"
        )
    return found


def _of(measures: Measures | None, name: str) -> Estimate:
    return (measures or {}).get(name, NOTHING)
