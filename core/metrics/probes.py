"""Probe metrics. Written by health_check."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_probe_up", "probe", "1", "Whether the latest check of the probe succeeded: 1 if so, else 0."),
    gauge("aia_probe_latency_seconds", "probe", "s", "Latency of the latest check of the probe."),
    gauge(
        "aia_probe_certificate_expiry_seconds",
        "probe",
        "s",
        "Time until the target's TLS certificate expires; negative after it has expired.",
    ),
)
