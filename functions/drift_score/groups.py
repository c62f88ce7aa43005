"""Performance by group of a model in a window: what is written, measured and concluded of it."""

from core.detection import Verdict
from core.measures import HEADLINES
from core.performance import Gap, gaps
from core.performance.judge import exceeded, of_gaps
from core.settings import Model
from functions.adapters.columns import Columns
from functions.adapters.ports import Data, Metrics
from functions.drift_score.conditions import Kind
from functions.drift_score.ports import Results
from functions.drift_score.rows import meter_of, rows_of
from functions.drift_score.window import Window


def compared(window: Window, columns: Columns) -> tuple[Gap, ...]:
    """The largest gap of each measure between the groups of each segment column.

    Raises:
        ProfileError: a score or a label is not what the model's task says.
    """
    model = window.model
    if not model.segments:
        return ()
    metrics = dict.fromkeys((HEADLINES[model.task], *model.gap_limits))
    segments = {name: columns[name] for name in model.segments}
    return gaps(meter_of(model), rows_of(model, columns), segments, metrics)


def write(results: Results, window: Window, found: tuple[Gap, ...]) -> None:
    """Write every group and gap, in place of what an earlier delivery of the tick wrote."""
    if window.model.segments:
        results.write_groups(window, group_rows(found))


def group_rows(found: tuple[Gap, ...]) -> list[Data]:
    """One row a group and measure, and one for the gap."""
    rows: list[Data] = []
    for gap in found:
        about: Data = {"segment": gap.segment, "measure": gap.metric}
        for name, one in gap.groups.items():
            bare: Data = {"segment_value": name, "best": None, "worst": None, "p_value": None}
            rows.append(about | bare | {"value": one.value, "low": one.low, "high": one.high, "n_rows": one.rows})
        size = gap.size
        ends: Data = {"segment_value": None, "best": gap.best, "worst": gap.worst, "p_value": gap.p_value}
        rows.append(about | ends | {"value": size.value, "low": size.low, "high": size.high, "n_rows": size.rows})
    return rows


def gauges(metrics: Metrics, window: Window, found: tuple[Gap, ...]) -> None:
    """Set the gauges of the gaps."""
    model, at = window.model, window.end
    above = exceeded(found, model.gap_limits, certainty=model.performance.false_alarms)
    for gap in found:
        labels = {"model": model.name, "segment": gap.segment, "measure": gap.metric}
        metrics.gauge("aia_model_group_gap_value", gap.size.value or 0.0, at=at, **labels)
        if gap.metric in model.gap_limits:
            metrics.gauge("aia_model_group_gap_exceeded", float(gap in above), at=at, **labels)


def verdicts(model: Model, found: tuple[Gap, ...]) -> dict[Kind, Verdict]:
    """What is concluded, where the settings limit a gap."""
    if not model.gap_limits:
        return {}
    verdict = of_gaps(model.name, found, model.gap_limits, certainty=model.performance.false_alarms)
    return {Kind.PERFORMANCE_GAP: verdict}
