"""User experience metrics. Written by telemetry_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_experience_sessions", "service device", "1", "Sessions over the last hour, by kind of device."),
    gauge("aia_experience_session_seconds", "service device", "s", "Session duration over the last hour, median."),
    gauge(
        "aia_experience_frame_seconds",
        "service device",
        "s",
        "Frame time of 3D views over the last hour, 95th percentile.",
    ),
    gauge("aia_experience_load_seconds", "service device", "s", "Page load time over the last hour, 75th percentile."),
    gauge(
        "aia_experience_error_ratio", "service device", "1", "Share of requests over the last hour that failed, 0 to 1."
    ),
)
