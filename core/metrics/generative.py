"""Metrics of generative models, at most fourteen series a model. Written by drift_score, over the model's window."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_generation_requests_per_second", "model", "1", "Requests to the generative model, per second."),
    gauge(
        "aia_generation_tokens_per_second",
        "model direction",
        "1",
        "Tokens of the generative model, per second; `direction` is `in` or `out`.",
    ),
    gauge("aia_generation_dollars_per_hour", "model", "1", "Cost of the generative model, in dollars per hour."),
    gauge("aia_generation_first_token_seconds", "model", "s", "Time to the first token, 95th percentile."),
    gauge("aia_generation_total_seconds", "model", "s", "Total time of a request, 95th percentile."),
    gauge("aia_generation_error_ratio", "model", "1", "Share of requests that failed, 0 to 1."),
    gauge("aia_generation_refusal_ratio", "model", "1", "Share of requests that the model refused, 0 to 1."),
    gauge("aia_generation_truncated_ratio", "model", "1", "Share of responses that were cut off, 0 to 1."),
    gauge("aia_generation_empty_ratio", "model", "1", "Share of requests with an empty response, 0 to 1."),
    gauge(
        "aia_generation_invalid_format_ratio",
        "model",
        "1",
        "Share of responses that do not match the JSON Schema, 0 to 1.",
    ),
    gauge("aia_generation_pii_ratio", "model", "1", "Share of responses with patterns of personal data, 0 to 1."),
    gauge(
        "aia_generation_empty_context_ratio",
        "model",
        "1",
        "Share of requests for which no document was retrieved, 0 to 1.",
    ),
    gauge(
        "aia_generation_worse_measures",
        "model",
        "1",
        "Measures of the generative model that are beyond their limit or significantly worse than in the reference.",
    ),
)
