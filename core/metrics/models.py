"""Model metrics: drift, accuracy and data quality.

Written by drift_score; retraining metrics by retrain, those of challengers by promotion. A model has at most
`effects.SERIES_A_MODEL` series, however many features it has: values by feature, statistic, measure and kind of issue are rows
in BigQuery.
"""

from core.metrics.metric import counter, gauge

METRICS = (
    gauge(
        "aia_drift_top_feature_shift",
        "model feature",
        "1",
        "Drift in standard deviations, of the three features that drift most; feature - with 0 where none has changed.",
    ),
    gauge(
        "aia_drift_features_drifted_ratio",
        "model",
        "1",
        "Share of the model's features that have drifted, 0 to 1.",
    ),
    gauge("aia_drift_rows", "model", "1", "Rows in the current window."),
    gauge(
        "aia_drift_scored_timestamp_seconds",
        "model",
        "s",
        "End of the window of the model's latest drift report, in seconds since 1970.",
    ),
    gauge(
        "aia_model_accuracy_ratio",
        "model",
        "1",
        "Accuracy of the model on labelled predictions, 0 to 1.",
    ),
    gauge(
        "aia_model_accuracy_expected_ratio",
        "model",
        "1",
        "Accuracy of the model estimated without labels, 0 to 1.",
    ),
    gauge(
        "aia_model_accuracy_expected_labelled_ratio",
        "model",
        "1",
        "Accuracy of the model estimated without labels, of the predictions whose labels have arrived, 0 to 1.",
    ),
    gauge(
        "aia_model_accuracy_floor_ratio",
        "model",
        "1",
        "Accuracy floor of the model, from the settings, 0 to 1.",
    ),
    gauge(
        "aia_model_measure_value",
        "model measure",
        "1",
        "Performance metric of the model, from the labels that have arrived: auc, mae or bias.",
    ),
    gauge(
        "aia_model_measure_floor_value",
        "model measure",
        "1",
        "Limit of the performance metric from the settings, where higher values are better.",
    ),
    gauge(
        "aia_model_measure_ceiling_value",
        "model measure",
        "1",
        "Limit of the performance metric from the settings, where lower values are better.",
    ),
    gauge(
        "aia_model_group_gap_value",
        "model segment measure",
        "1",
        "Largest gap of the performance metric between two groups of the segment column.",
    ),
    gauge(
        "aia_model_group_gap_exceeded",
        "model segment measure",
        "1",
        "Whether the gap is above its limit in the settings and significant: 1 if so, else 0.",
    ),
    gauge(
        "aia_model_measure_degraded",
        "model measure",
        "1",
        "Whether the performance metric is significantly worse than in the reference: 1 if so, else 0.",
    ),
    gauge(
        "aia_prediction_drift_shift",
        "model",
        "1",
        "Drift of the model's predictions, in standard deviations.",
    ),
    gauge(
        "aia_prediction_drift_drifted", "model", "1", "Whether the model's predictions have drifted: 1 if so, else 0."
    ),
    gauge(
        "aia_attribution_drift_value",
        "model",
        "1",
        "Largest change of a feature's mean absolute attribution against the reference, in standard deviations.",
    ),
    gauge(
        "aia_attribution_drift_drifted",
        "model",
        "1",
        "Whether the attribution of a feature has drifted: 1 if so, else 0.",
    ),
    gauge(
        "aia_data_quality_issues",
        "model",
        "1",
        "Data quality issues of the model's window: one per kind and column; the window itself counts as a column.",
    ),
    gauge(
        "aia_data_quality_missing_columns",
        "model",
        "1",
        "Columns of the model's window that are absent, or miss more values than the reference.",
    ),
    gauge(
        "aia_model_version_timestamp_seconds",
        "model version",
        "s",
        "Deployment time of the model version in use, in seconds since 1970.",
    ),
    counter(
        "aia_retraining_requests_total",
        "model reason",
        "Retraining requests by reason.",
    ),
    counter(
        "aia_retraining_answers_total",
        "model outcome",
        "Retraining requests by outcome.",
    ),
    gauge(
        "aia_challenger_share_ratio",
        "model",
        "1",
        "Traffic of the challenger, 0 to 1; 1 while it is watched as the champion.",
    ),
    gauge(
        "aia_challenger_approval_seconds",
        "model",
        "s",
        "How long a better challenger has waited for a person to promote it; 0 where none waits.",
    ),
    counter("aia_challenger_decisions_total", "model decision", "Looks at experiments by decision."),
)
