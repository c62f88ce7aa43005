"""What the system says of itself."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter(
        "aia_function_requests_total",
        "function outcome",
        "Push requests answered, by outcome: done, parked, refused, busy, unavailable or failed.",
    ),
    gauge("aia_function_seconds", "function", "s", "How long the newest push request took."),
    gauge(
        "aia_heartbeat_timestamp_seconds",
        "function",
        "s",
        "When the function last did its job, in seconds since 1970.",
    ),
)
