"""Telemetry of applications by OpenTelemetry. Written by otlp and service_rollup."""

from core.metrics.metric import counter, gauge

_OPERATION = "service operation detail"
METRICS = (
    counter(
        "aia_telemetry_items_total",
        "signal outcome",
        "Spans (traces), points of metrics and log records that were taken or refused.",
    ),
    gauge(
        "aia_telemetry_unnamed",
        "limit",
        "1",
        "Services and names beyond the limit of the settings, which are measured together as `other`, and metrics, which are not measured.",
    ),
    gauge(
        "aia_service_metric_value",
        "service metric statistic",
        "1",
        "Newest value of a gauge of an application, in its own unit: the sum, mean and maximum of its series.",
    ),
    gauge(
        "aia_service_metric_per_second",
        "service metric",
        "1",
        "Rise per second over five minutes of a counter of an application, in its own unit; of all its series.",
    ),
    gauge(
        "aia_service_requests_per_second",
        _OPERATION,
        "1",
        "Operations per second over five minutes, by kind and name; `all` for all requests of a service.",
    ),
    gauge("aia_service_error_ratio", _OPERATION, "1", "Share of operations over five minutes that failed, 0 to 1."),
    gauge("aia_service_timeout_ratio", _OPERATION, "1", "Share of queries over five minutes that timed out, 0 to 1."),
    gauge(
        "aia_service_latency_seconds",
        f"{_OPERATION} percentile",
        "s",
        "Duration of operations over five minutes, by percentile, within 4.3%.",
    ),
    gauge("aia_agent_tasks", "service agent", "1", "Tasks of the agent over fifteen minutes."),
    gauge("aia_agent_failure_ratio", "service agent", "1", "Share of those tasks that failed, 0 to 1."),
    gauge("aia_agent_looping_tasks", "service agent", "1", "Those tasks in which one tool was called too often."),
    gauge("aia_agent_handoffs_per_task", "service agent", "1", "Hand-offs to further agents per task, mean."),
    gauge("aia_agent_tokens_per_task", "service agent", "1", "Tokens per task, mean."),
    gauge("aia_agent_dollars_per_task", "service agent", "1", "Cost per task in dollars, mean of those that have one."),
)
