"""Pipelines and their runs. Written by pipeline_monitor."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter("aia_pipeline_runs_total", "pipeline outcome", "Runs that ended: succeeded, failed or cancelled."),
    gauge("aia_pipeline_running", "pipeline", "1", "Runs that have begun and not ended."),
    gauge("aia_pipeline_run_seconds", "pipeline", "s", "How long the newest run that ended took."),
    gauge(
        "aia_pipeline_stage_seconds",
        "pipeline stage",
        "s",
        "How long the stage took in the newest run that came through it.",
    ),
    gauge(
        "aia_pipeline_health_ratio",
        "pipeline",
        "1",
        "How well the pipeline's newest runs went, 0 to 1: successes, durations and regularity together.",
    ),
    gauge(
        "aia_pipeline_success_timestamp_seconds",
        "pipeline",
        "s",
        "When the newest run that succeeded ended, in seconds since 1970.",
    ),
)
