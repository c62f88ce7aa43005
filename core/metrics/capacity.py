"""Forecasts of limits, scaling proposals, and anomalies of metrics. Written by capacity."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_capacity_usage_ratio", "resource", "1", "Used share of the limit: 1 at the limit."),
    gauge(
        "aia_capacity_forecast_usage_ratio",
        "resource bound",
        "1",
        "Share of the limit in an hour: the forecast (middle) and its 90% interval (low, high).",
    ),
    gauge(
        "aia_capacity_crossing_probability_ratio",
        "resource",
        "1",
        "Probability that the limit is reached within an hour.",
    ),
    gauge(
        "aia_capacity_forecast_error_ratio",
        "resource",
        "1",
        "Mean absolute error of the forecast of the last hour, as a share of the limit.",
    ),
    gauge("aia_capacity_replicas", "resource", "1", "Replicas that a resource has."),
    gauge("aia_capacity_proposed_replicas", "resource", "1", "Replicas that it needs for the next hour."),
    gauge(
        "aia_metric_tail_probability_ratio",
        "metric",
        "1",
        "Probability of values as unusual as the newest ones, of its most unusual series; an anomaly at 0.0001 and below.",
    ),
)
