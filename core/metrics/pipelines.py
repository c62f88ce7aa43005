"""Pipelines and their runs. Written by pipeline_monitor."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter(
        "aia_pipeline_runs_total", "pipeline outcome", "Completed runs by outcome: succeeded, failed or cancelled."
    ),
    gauge("aia_pipeline_running", "pipeline", "1", "Active runs."),
    gauge("aia_pipeline_run_seconds", "pipeline", "s", "Duration of the latest completed run."),
    gauge(
        "aia_pipeline_stage_seconds",
        "pipeline stage",
        "s",
        "Duration of the stage in the latest run that completed it.",
    ),
    gauge(
        "aia_pipeline_health_ratio",
        "pipeline",
        "1",
        "Health score of the pipeline, 0 to 1, from the success rate, duration and regularity of its latest runs.",
    ),
    gauge(
        "aia_pipeline_success_timestamp_seconds",
        "pipeline",
        "s",
        "End of the latest successful run, in seconds since 1970.",
    ),
)
