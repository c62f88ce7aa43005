"""Attributions of a model in a window: what is measured and concluded of them."""

import math

from core.detection import Verdict
from core.performance.attributions import AttributionShift, compare_attributions
from core.performance.judge_attributions import drifted, of_attributions
from core.settings import Model
from functions.adapters.columns import Columns
from functions.adapters.ports import Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.window import Window


def compared(window: Window, baseline: Baseline, columns: Columns) -> tuple[AttributionShift, ...]:
    """The attribution of each feature beside that of the reference; none where either has no attributions."""
    name = window.model.attributions
    return compare_attributions(baseline.attributions, columns[name]) if name else ()


def gauges(metrics: Metrics, window: Window, shifts: tuple[AttributionShift, ...]) -> None:
    """Set the gauges of the feature whose attribution moved most, where a verdict is given."""
    model, at = window.model, window.end
    moved = drifted(shifts, shift=model.drift.shift, certainty=model.drift.false_alarms)
    if max((one.current.rows for one in shifts), default=0) < model.minimum_rows:
        return
    metrics.gauge("aia_attribution_drift_drifted", float(bool(moved)), at=at, model=model.name)
    finite = [one.shift for one in shifts if math.isfinite(one.shift)]
    if finite:
        metrics.gauge("aia_attribution_drift_value", max(finite, key=abs), at=at, model=model.name)


def verdict(model: Model, shifts: tuple[AttributionShift, ...]) -> Verdict:
    """What is concluded."""
    thresholds = {"shift": model.drift.shift, "certainty": model.drift.false_alarms}
    return of_attributions(model.name, shifts, minimum=model.minimum_rows, **thresholds)
