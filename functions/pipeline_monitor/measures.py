"""The metrics of a pipeline, as they are by what is remembered of it."""

from datetime import datetime

from core.events import RunStatus
from core.pipelines.health import health
from core.pipelines.run import Run
from core.pipelines.state import PipelineState
from functions.adapters.ports import Metrics

_OUTCOMES = tuple(status for status in RunStatus if status.is_over)


def count(metrics: Metrics, line: PipelineState, run: Run) -> None:
    """Count a run that has just become known to be over."""
    metrics.count("aia_pipeline_runs_total", pipeline=line.name, outcome=run.span.status)


def measure(metrics: Metrics, line: PipelineState, now: datetime) -> None:
    """Set the gauges; what is not known is left as it was.

    Args:
        metrics: where they are set.
        line: what is remembered of the pipeline.
        now: the instant that is asked for.
    """
    for outcome in _OUTCOMES:  # so that none is a zero and not a gap
        metrics.count("aia_pipeline_runs_total", 0, pipeline=line.name, outcome=outcome)
    metrics.gauge("aia_pipeline_running", len(line.running(now)), pipeline=line.name)
    score = health(line, now).score
    if score is not None:
        metrics.gauge("aia_pipeline_health_ratio", score, pipeline=line.name)
    if line.succeeded and (end := line.succeeded[-1].span.end) is not None:
        metrics.gauge("aia_pipeline_success_timestamp_seconds", end.timestamp(), pipeline=line.name)
    _measure_durations(metrics, line)


def _measure_durations(metrics: Metrics, line: PipelineState) -> None:
    stages: dict[str, float] = {}
    for run in line.ended:
        stages |= {stage.name: stage.span.seconds for stage in run.stages if stage.span.seconds is not None}
    for name, seconds in stages.items():
        metrics.gauge("aia_pipeline_stage_seconds", seconds, pipeline=line.name, stage=name)
    if line.ended and (seconds_of_run := line.ended[-1].span.seconds) is not None:
        metrics.gauge("aia_pipeline_run_seconds", seconds_of_run, pipeline=line.name)
