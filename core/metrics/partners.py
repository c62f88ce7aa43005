"""Calls of partners in the last hour. Written by telemetry_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_partner_calls", "partner", "1", "Calls of the partner in the last hour, each once."),
    gauge("aia_partner_success_ratio", "partner", "1", "Share of those calls that succeeded, 0 to 1."),
    gauge("aia_partner_latency_seconds", "partner", "s", "Latency of those calls, 95th percentile."),
)
