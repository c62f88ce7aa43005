"""Metrics of the system itself. Written by every function."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter(
        "aia_function_requests_total",
        "function outcome",
        "Push requests by outcome: done, parked, refused, busy, unavailable or failed.",
    ),
    counter(
        "aia_alerts_left_out_total",
        "sender",
        "Alerts that alertmanager or grafana left out of groups that were too large for its webhook.",
    ),
    gauge(
        "aia_watchdog_timestamp_seconds",
        "sender",
        "s",
        "Time of the last Watchdog that a Prometheus sent to alert_intake, in seconds since 1970.",
    ),
    gauge("aia_function_seconds", "function", "s", "Duration of the latest push request."),
    gauge(
        "aia_heartbeat_timestamp_seconds",
        "function",
        "s",
        "Time of the function's last completed job, in seconds since 1970.",
    ),
)
