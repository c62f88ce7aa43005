"""Metrics of upkeep. Written by `maintenance`."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter("aia_maintenance_runs_total", "task outcome", "Runs of tasks of upkeep by outcome: done or failed."),
    gauge(
        "aia_maintenance_success_timestamp_seconds",
        "task",
        "s",
        "Instant for which the task last succeeded, in seconds since 1970.",
    ),
    gauge("aia_maintenance_success_ratio", "task", "1", "Share of the last 30 runs of the task that succeeded."),
    gauge("aia_maintenance_seconds", "task", "s", "How long the steps of the last run took."),
    gauge("aia_dead_letters", "function", "1", "Messages that were parked in the last 24 hours."),
)
