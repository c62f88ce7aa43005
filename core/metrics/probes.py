"""What is probed from outside."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_probe_up", "probe", "1", "1 when the probe's newest check passed, else 0."),
    gauge("aia_probe_latency_seconds", "probe", "s", "How long the probe's newest check took."),
    gauge(
        "aia_probe_certificate_expiry_seconds",
        "probe",
        "s",
        "How long until the target's TLS certificate expires; negative once it has.",
    ),
)
