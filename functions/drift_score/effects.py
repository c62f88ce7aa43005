"""What a scored window leaves in the warehouse and among the metrics."""

from core.drift import DriftReport, FeatureDrift, Reason
from functions.adapters.ports import Data, Metrics
from functions.drift_score.compare import Current
from functions.drift_score.ports import Results
from functions.drift_score.window import Window

FEATURE, PREDICTION, WINDOW = "feature", "prediction", "window"
"""What a row is about."""
_UNJUDGED = (Reason.INSUFFICIENT_DATA, Reason.ABSENT)
_CERTAIN = (Reason.DRIFT, Reason.SEASONAL, Reason.SMALL_CHANGE)
TOP_FEATURES = 3
"""Features of a model that are series; all are rows of `ops.drift_scores`."""
NO_FEATURE = "-"
"""The label of a model none of whose features has certainly changed; no column has such a name."""
SERIES_A_MODEL = 20
"""Most series of one model and version in Cloud Monitoring, whatever the number of its features: those of this module,
`performance.gauges` and `quality.gauges`. Beside them there are two for each limit of the settings and for each gap that is
measured, two of attributions, and requests for retraining, where there are any."""


def write_scores(results: Results, window: Window, current: Current) -> None:
    """Gather the rows of both reports for the tables of results."""
    report = current.features
    results.write_scores(
        window,
        score_rows(report, current.prediction),
        mode=report.mode.value,
        n_reference=report.n_reference,
        n_current=report.n_current,
    )


def score_rows(features: DriftReport, prediction: DriftReport) -> list[Data]:
    """One row a test of each feature and of the score; one row that says why, where no verdict was given."""
    if features.reason in _UNJUDGED:
        about = _about(WINDOW, "", drifted=False, reason=features.reason)
        return [{"test": "", "value": None, "p_value": None, **about}]
    rows = [row for feature in features.features for row in _feature_rows(FEATURE, feature)]
    return rows + [row for score in prediction.features for row in _feature_rows(PREDICTION, score)]


def measure_version(metrics: Metrics, window: Window, version: Data | None) -> None:
    """Set the gauge of the version in use; none where the settings pin the reference of a model without versions."""
    if version is None:
        return
    labels = {"model": window.model.name, "version": window.version}
    since = version["in_use_from"].timestamp()
    metrics.gauge("aia_model_version_timestamp_seconds", since, at=window.end, **labels)


def measure_drift(metrics: Metrics, window: Window, report: DriftReport) -> None:
    """Set the gauges of the features' report; those of the drift itself only where a verdict was given."""
    model, at = window.model.name, window.end
    metrics.gauge("aia_drift_rows", report.n_current, at=at, model=model)
    metrics.gauge("aia_drift_scored_timestamp_seconds", at.timestamp(), at=at, model=model)
    if report.reason in _UNJUDGED:
        return
    metrics.gauge("aia_drift_features_drifted_ratio", report.share, at=at, model=model)
    for name, strength in top_features(report).items():
        metrics.gauge("aia_drift_top_feature_shift", strength, at=at, model=model, feature=name)


def top_features(report: DriftReport) -> dict[str, float]:
    """The features that drift most, at most three of those whose change is certain, with its strength in sd.

    Where no change is certain it is `NO_FEATURE` with 0. So every report sets a value: a query can tell that nothing
    moves from that nothing was written, and a steady model has one series, not those of whichever noise was largest.
    """
    certain = [feature for feature in report.ranked if feature.reason in _CERTAIN]
    return {feature.name: feature.strength for feature in certain[:TOP_FEATURES]} or {NO_FEATURE: 0.0}


def measure_prediction(metrics: Metrics, window: Window, report: DriftReport) -> None:
    """Set the gauges of the score's report, where a verdict was given."""
    model, at = window.model.name, window.end
    for score in report.features if report.reason not in _UNJUDGED else ():
        metrics.gauge("aia_prediction_drift_drifted", float(score.drifted), at=at, model=model)
        metrics.gauge("aia_prediction_drift_shift", score.strength, at=at, model=model)


def _feature_rows(role: str, feature: FeatureDrift) -> list[Data]:
    about = _about(role, feature.name, drifted=feature.drifted, reason=feature.reason)
    tests = zip(feature.statistics, feature.results, strict=True)
    return [
        {"test": name, "value": test.value, "p_value": test.p_value, **about}
        for name, test in tests
        if test.value is not None
    ]


def _about(role: str, feature: str, *, drifted: bool, reason: Reason) -> Data:
    return {"role": role, "feature": feature, "drifted": drifted, "reason": reason.value}
