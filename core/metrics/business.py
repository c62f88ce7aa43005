"""Business metrics: revenue and its forecast, customers, market, ROI and satisfaction. Written by bi_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge(
        "aia_revenue_dollars",
        "source",
        "1",
        "Revenue of the source over the last 24 hours, net of refunds, in dollars.",
    ),
    gauge(
        "aia_revenue_expected_dollars",
        "source",
        "1",
        "Expected revenue of those 24 hours by the newest forecast made before them, in dollars.",
    ),
    gauge(
        "aia_revenue_forecast_dollars",
        "source bound",
        "1",
        "Revenue forecast for the next 30 days, in dollars: low, middle or high of the 90 % prediction interval.",
    ),
    gauge(
        "aia_revenue_forecast_total_dollars",
        "bound",
        "1",
        "Revenue forecast of all sources together for the next 30 days, in dollars: low, middle or high of its own 90 % prediction"
        " interval.",
    ),
    gauge(
        "aia_forecast_total_error_ratio",
        "source method",
        "1",
        "Error of the forecasts of 30 days that ended in the last 90 days, as a share of revenue; method forecast or seasonal_naive.",
    ),
    gauge(
        "aia_forecast_total_scaled_error_ratio",
        "source method",
        "1",
        "Mean absolute scaled error (MASE) of those forecasts: 1 is the usual error of repeating the last week.",
    ),
    gauge(
        "aia_forecast_total_coverage_ratio",
        "source",
        "1",
        "Share of those totals within the 90 % prediction interval that was forecast, 0 to 1.",
    ),
    gauge("aia_forecast_totals", "source", "1", "Number of those totals; most of them overlap."),
    gauge("aia_forecast_error_ratio", "source", "1", "Error of daily forecasts over 28 days (WAPE), 0.1 is 10 %."),
    gauge(
        "aia_forecast_coverage_ratio",
        "source",
        "1",
        "Share of 28 days with revenue within the 90 % prediction interval, 0 to 1.",
    ),
    gauge(
        "aia_attributed_revenue_dollars",
        "kind",
        "1",
        "Revenue attributed to models over 30 days by kind of target, in dollars; kind incidents is their cost, negative.",
    ),
    gauge(
        "aia_incident_loss_dollars",
        "bound",
        "1",
        "Revenue lost in incidents of the last 30 days, by their orders, in dollars: low, middle or high of its 90 % interval.",
    ),
    gauge(
        "aia_incident_losses", "state", "1", "Incidents of these 30 days whose orders are known: measured or not_known."
    ),
    gauge("aia_cost_dollars", "kind", "1", "Cost of the platform over 30 days by kind, in dollars."),
    gauge("aia_roi_ratio", "", "1", "Return on investment over 30 days: (attributed revenue - cost) / cost."),
    gauge("aia_customers", "state", "1", "Customers by state: new, active or lapsed."),
    gauge(
        "aia_customer_lifetime_value_dollars",
        "",
        "1",
        "Expected spend of a customer in the next year, mean, discounted, in dollars.",
    ),
    gauge(
        "aia_customer_lifetime_value_bound_dollars",
        "bound",
        "1",
        "Low or high bound of the 90 % interval of that mean, in dollars.",
    ),
    gauge(
        "aia_customer_purchases_error",
        "method",
        "1",
        "Mean absolute error of the number of purchases of a customer in the last period; method forecast or naive_count.",
    ),
    gauge(
        "aia_customer_purchases_ratio",
        "",
        "1",
        "Purchases of all customers in that period as a share of those expected before it.",
    ),
    gauge(
        "aia_customer_retention_ratio",
        "months",
        "1",
        "Share of customers who ordered in the month so many months after that of their first order, 0 to 1.",
    ),
    gauge("aia_cohort_customers", "cohort", "1", "Customers by the month of their first order."),
    gauge(
        "aia_cohort_revenue_dollars",
        "cohort",
        "1",
        "Revenue to date of those customers, net of refunds, in dollars.",
    ),
    gauge(
        "aia_customer_churn_ratio",
        "",
        "1",
        "Share of the customers of the previous period who did not order in this one, 0 to 1.",
    ),
    gauge("aia_market_share_ratio", "company", "1", "Market share of the company, 0 to 1."),
    gauge(
        "aia_market_growth_ratio",
        "of against",
        "1",
        "Growth of our sales (of ours) and of all companies (of market) against the same days a quarter or a year before; 0.1 is 10 %.",
    ),
    gauge(
        "aia_market_period_timestamp_seconds",
        "table period bound",
        "s",
        "Begin and end of the periods that the market figures are about, and the newest sale, in seconds since 1970.",
    ),
    gauge("aia_market_rank", "", "1", "Our rank by market share; 1 is the largest."),
    gauge("aia_payments", "source outcome", "1", "Payments over the last 24 hours: taken, refunded or failed."),
    gauge("aia_payment_success_ratio", "source", "1", "Share of those payments that did not fail, 0 to 1."),
    gauge(
        "aia_stakeholder_satisfaction_ratio",
        "stakeholder",
        "1",
        "Satisfaction of the stakeholder group, from its indicators, 0 to 1.",
    ),
    gauge(
        "aia_business_data_issues",
        "table issue",
        "1",
        "Rows of orders, market, spending or answers with a data quality issue, at the last read.",
    ),
    gauge(
        "aia_revenue_difference_cents",
        "",
        "1",
        "Difference of the booked revenue of closed days to a second account of the orders, in cents; 0 unless there is a fault.",
    ),
    gauge(
        "aia_orders_newest_timestamp_seconds",
        "",
        "s",
        "Instant of the newest order, in seconds since 1970; to the hour when older than a day.",
    ),
    gauge(
        "aia_rollup_timestamp_seconds",
        "rollup",
        "s",
        "Instant up to which the table is complete, in seconds since 1970.",
    ),
)
