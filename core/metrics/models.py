"""Models: drift, how right they are, what they are given."""

from core.metrics.metric import counter, gauge

METRICS = (
    gauge(
        "aia_drift_value",
        "model feature test",
        "1",
        "One drift statistic of one feature, on its own scale; `test` is the statistic, as the settings name it.",
    ),
    gauge(
        "aia_drift_p_value",
        "model feature test",
        "1",
        "The p-value of one drift statistic of one feature, where it has one.",
    ),
    gauge("aia_drift_drifted", "model feature", "1", "1 while the feature has drifted, else 0."),
    gauge(
        "aia_drift_features_drifted_ratio",
        "model",
        "1",
        "The share of the model's features that have drifted, 0 to 1.",
    ),
    gauge("aia_drift_rows", "model", "1", "Rows in the window that was scored."),
    gauge(
        "aia_drift_scored_timestamp_seconds",
        "model",
        "s",
        "The instant the model's newest drift report is about, in seconds since 1970.",
    ),
    gauge(
        "aia_model_accuracy_ratio",
        "model",
        "1",
        "The share of labelled predictions that were right, 0 to 1.",
    ),
    gauge(
        "aia_model_accuracy_expected_ratio",
        "model",
        "1",
        "The share of predictions that are expected to be right, estimated without labels, 0 to 1.",
    ),
    gauge(
        "aia_model_measure_value",
        "model measure",
        "1",
        "One measure of how right the model is, by the labels that have arrived.",
    ),
    gauge(
        "aia_prediction_drift_value",
        "model test",
        "1",
        "One drift statistic of the scores that the model gives.",
    ),
    gauge("aia_prediction_drift_drifted", "model", "1", "1 while the model's scores have drifted, else 0."),
    gauge(
        "aia_data_quality_issues",
        "model flaw",
        "1",
        "How many columns of the model's window have the flaw, the window itself counted as one.",
    ),
    gauge(
        "aia_model_version_timestamp_seconds",
        "model version",
        "s",
        "When the version that is in use came into use, in seconds since 1970.",
    ),
    counter(
        "aia_retraining_requests_total",
        "model reason",
        "Requests to train the model again, by why it was asked.",
    ),
    counter(
        "aia_retraining_answers_total",
        "model outcome",
        "Requests to train the model again, by what came of them.",
    ),
)
