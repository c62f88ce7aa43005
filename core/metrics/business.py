"""Business: revenue and its forecast, customers, market, costs, satisfaction. Written by bi_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge(
        "aia_revenue_dollars",
        "source",
        "1",
        "What the source earned in the 24 hours before, in dollars, with refunds taken off.",
    ),
    gauge(
        "aia_revenue_expected_dollars",
        "source",
        "1",
        "What the newest forecast made before those 24 hours expected of them on average, in dollars.",
    ),
    gauge(
        "aia_revenue_forecast_dollars",
        "source bound",
        "1",
        "What the source is expected to earn in the next 30 days, in dollars: low, middle or high.",
    ),
    gauge(
        "aia_forecast_error_ratio",
        "source",
        "1",
        "How far the source's daily forecasts of 28 days were off, as a share of what it earned in them.",
    ),
    gauge(
        "aia_forecast_coverage_ratio",
        "source",
        "1",
        "The share of 28 days whose revenue lay between the low and the high forecast, 0 to 1.",
    ),
    gauge("aia_gain_dollars", "kind", "1", "What the platform brought in over 30 days, in dollars, by kind."),
    gauge("aia_cost_dollars", "kind", "1", "What the platform cost over 30 days, in dollars, by kind."),
    gauge("aia_roi_ratio", "", "1", "The return on investment over 30 days: gain less cost, as a share of cost."),
    gauge("aia_customers", "state", "1", "Customers by state: new, active or lapsed."),
    gauge(
        "aia_customer_lifetime_value_dollars",
        "",
        "1",
        "What a customer is expected to spend in the next year, in dollars, on average.",
    ),
    gauge(
        "aia_customer_churn_ratio",
        "",
        "1",
        "The share of the customers of the period before who did not come again, 0 to 1.",
    ),
    gauge("aia_market_share_ratio", "company", "1", "The company's share of the market, 0 to 1."),
    gauge("aia_market_rank", "", "1", "Our rank in the market by share: 1 is the largest."),
    gauge("aia_payments", "source outcome", "1", "Payments of the 24 hours before: taken, refunded or failed."),
    gauge("aia_payment_success_ratio", "source", "1", "The share of those payments that did not fail, 0 to 1."),
    gauge(
        "aia_stakeholder_satisfaction_ratio",
        "stakeholder",
        "1",
        "How well the group is served by what is measured for it, 0 to 1.",
    ),
    gauge(
        "aia_business_flawed_rows",
        "table flaw",
        "1",
        "What was read last of orders, the market or spending that is left out, or cannot be told apart, by flaw.",
    ),
    gauge(
        "aia_orders_newest_timestamp_seconds",
        "",
        "s",
        "The instant of the newest order, in seconds since 1970; to the hour where it is more than a day ago.",
    ),
    gauge(
        "aia_rollup_timestamp_seconds",
        "rollup",
        "s",
        "The instant up to which the rollup's table is complete, in seconds since 1970.",
    ),
)
