"""Costs by the billing export: allocation, unit costs, anomalies, recommendations and scans. Written by bi_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge(
        "aia_cost_billed_dollars",
        "kind",
        "1",
        "Costs of the last 30 complete days in dollars: net of credits, without taxes; kind tax is the taxes.",
    ),
    gauge(
        "aia_cost_allocated_dollars",
        "dimension item",
        "1",
        "Costs of the last 30 complete days by service, model, pipeline or team, in dollars; item unallocated has no label.",
    ),
    gauge(
        "aia_cost_unallocated_ratio",
        "dimension",
        "1",
        "Share of those costs that is not allocated to a model, pipeline or team, 0 to 1.",
    ),
    gauge(
        "aia_cost_per_1000_predictions_dollars",
        "model",
        "1",
        "Costs of the model for a thousand predictions, over the last 30 complete days, in dollars.",
    ),
    gauge(
        "aia_cost_anomaly_dollars",
        "dimension item",
        "1",
        "Dollars over the expected costs on the newest complete day, 0 where they are within the forecast; no value where not known.",
    ),
    gauge(
        "aia_cost_expected_dollars",
        "dimension item",
        "1",
        "Expected costs of the newest complete day by the forecast from the days before, in dollars.",
    ),
    gauge(
        "aia_recommendation_monthly_dollars",
        "kind target confidence",
        "1",
        "What an open recommendation would save, in dollars a month.",
    ),
    gauge("aia_recommendations", "kind state", "1", "Recommendations by kind and state: open, done or dismissed."),
    gauge(
        "aia_recommendation_saved_dollars",
        "kind",
        "1",
        "What recommendations that are done have saved since, against the costs before, in dollars; of those that are measured.",
    ),
    gauge("aia_table_scan_bytes", "table", "1", "Bytes that one statement reads of the table, by a dry run."),
    gauge(
        "aia_table_scan_monthly_dollars",
        "table",
        "1",
        "What the statements on the table cost in dollars a month, at the list price on demand.",
    ),
)
