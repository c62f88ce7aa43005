"""Telemetry of applications by OpenTelemetry. Written by otlp."""

from core.metrics.metric import counter

METRICS = (
    counter(
        "aia_telemetry_items_total",
        "signal outcome",
        "Spans (traces), points of metrics and log records that were taken or refused.",
    ),
)
