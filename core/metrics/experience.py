"""What people who use the services see. Written by telemetry_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_experience_sessions", "service device", "1", "Sessions of the hour before, by kind of device."),
    gauge("aia_experience_session_seconds", "service device", "s", "How long a session of that hour was, the median."),
    gauge(
        "aia_experience_frame_seconds",
        "service device",
        "s",
        "How long a frame of a 3D view took in that hour, the 95th percentile.",
    ),
    gauge(
        "aia_experience_load_seconds",
        "service device",
        "s",
        "How long a page took to load in that hour, the 75th percentile.",
    ),
    gauge(
        "aia_experience_error_ratio", "service device", "1", "The share of that hour's requests that failed, 0 to 1."
    ),
)
