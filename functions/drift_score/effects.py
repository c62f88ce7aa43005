"""What scoring a model leaves behind: rows, metrics, and findings with the state of their conditions."""

from dataclasses import asdict, dataclass
from datetime import datetime

from core.drift import DriftReport, FeatureDrift, Reason
from core.events import Finding, Status
from core.hysteresis import Condition, observe
from core.settings import Model
from core.verdict import Verdict
from functions.adapters.ports import Bus, Data, Document, Metrics, Store, Warehouse
from functions.drift_score import statements

SOURCE = "drift_score"
COLLECTION = "conditions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which rows were scored: those of a model between two instants, compared with the reference of a version."""

    model: Model
    version: str
    start: datetime
    end: datetime

    @property
    def parameters(self) -> Data:
        """The window as query parameters."""
        return {"model": self.model.name, "window_start": self.start, "window_end": self.end}


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How right a model was in a window: `accuracy` 0 to 1 or None, of so many labelled among so many rows."""

    accuracy: float | None
    labels: int
    rows: int


def write_scores(warehouse: Warehouse, window: Window, report: DriftReport) -> None:
    """Write the report, in place of what an earlier delivery of the tick wrote."""
    warehouse.query(
        statements.WRITE_SCORES,
        **window.parameters,
        version=window.version,
        n_reference=report.n_reference,
        n_current=report.n_current,
        scores=score_rows(report),
    )


def score_rows(report: DriftReport) -> list[Data]:
    """One row a feature and test, where the test applies; one row that says why, where no verdict was given."""
    if report.reason in (Reason.INSUFFICIENT_DATA, Reason.ABSENT):
        return [_row("", "", None, None, drifted=False, reason=report.reason)]
    return [row for feature in report.features for row in _feature_rows(feature)]


def write_performance(warehouse: Warehouse, window: Window, performance: Performance) -> None:
    """Write the accuracy, in place of what an earlier delivery of the tick wrote."""
    warehouse.query(
        statements.WRITE_PERFORMANCE,
        **window.parameters,
        version=window.version,
        value=performance.accuracy,
        n_labels=performance.labels,
        n_current=performance.rows,
    )


def measure_drift(metrics: Metrics, window: Window, report: DriftReport) -> None:
    """Set the gauges of a report; those of features only where a verdict was given."""
    model, at = window.model.name, window.end
    metrics.gauge("aia_drift_rows", report.n_current, at=at, model=model)
    metrics.gauge("aia_drift_scored_timestamp_seconds", at.timestamp(), at=at, model=model)
    if report.reason in (Reason.INSUFFICIENT_DATA, Reason.ABSENT):
        return
    metrics.gauge("aia_drift_features_drifted_ratio", report.share, at=at, model=model)
    for feature in report.features:
        _measure_feature(metrics, model, at, feature)


def measure_performance(metrics: Metrics, window: Window, performance: Performance) -> None:
    """Set the gauge of the accuracy, where there is one."""
    if performance.accuracy is not None:
        metrics.gauge("aia_model_accuracy_ratio", performance.accuracy, at=window.end, model=window.model.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A condition of a model that is watched: its kind, how patiently, and where the runbooks speak of it."""

    kind: str
    fire_after: int = 1
    recover_after: int = 1

    @property
    def runbook(self) -> str:
        """The section of the runbooks."""
        return f"models.md#{self.kind}"


def tell(store: Store, bus: Bus, model: Model, *, watch: Watch, verdict: Verdict, at: datetime) -> None:
    """Count a verdict, and publish a finding while the condition holds and once when it no longer does.

    The finding is published before the state is saved: a crash in between publishes the same finding again, with the same
    id, and loses none. A tick that is not newer than the newest counted one changes nothing.

    Raises:
        ConflictError: another tick of the model was counted in the meantime; the tick must come again.
        UnavailableError: the store or the bus does not answer.
    """
    if verdict.holds is None:
        return
    found = store.get(COLLECTION, f"{model.target}:{watch.kind}")
    before = _condition(found)
    after = observe(before, holds=verdict.holds, at=at, fire_after=watch.fire_after, recover_after=watch.recover_after)
    if after is before:
        return
    if after.status is not before.status or (verdict.holds and after.status is Status.FIRING):
        bus.publish("findings", finding(model, watch, verdict, after.status, at))
    _save(store, found, f"{model.target}:{watch.kind}", asdict(after) | {"source": SOURCE})


def finding(model: Model, watch: Watch, verdict: Verdict, status: Status, at: datetime) -> Finding:
    """The verdict as a finding."""
    return Finding(
        target=model.target,
        kind=watch.kind,
        status=status,
        severity=verdict.severity,
        observed_at=at,
        source=SOURCE,
        summary=verdict.summary,
        value=verdict.value,
        threshold=verdict.threshold,
        unit=verdict.unit,
        evidence=verdict.evidence,
        runbook=watch.runbook,
    )


def _condition(found: Document | None) -> Condition:
    if found is None:
        return Condition()
    data = found.data
    return Condition(status=Status(data["status"]), at=data["at"], streak=data["streak"], since=data["since"])


def _save(store: Store, found: Document | None, key: str, data: Data) -> None:
    if found is None:
        store.create(COLLECTION, key, data)
    else:
        store.replace(found, COLLECTION, data)


def _feature_rows(feature: FeatureDrift) -> list[Data]:
    return [
        _row(feature.name, name, test.value, test.p_value, drifted=feature.drifted, reason=feature.reason)
        for name, test in feature.tests.items()
        if test.value is not None
    ]


def _row(feature: str, test: str, value: float | None, p_value: float | None, *, drifted: bool, reason: Reason) -> Data:
    return {
        "feature": feature,
        "test": test,
        "value": value,
        "p_value": p_value,
        "drifted": drifted,
        "reason": reason.value,
    }


def _measure_feature(metrics: Metrics, model: str, at: datetime, feature: FeatureDrift) -> None:
    metrics.gauge("aia_drift_drifted", float(feature.drifted), at=at, model=model, feature=feature.name)
    for name, test in feature.tests.items():
        labels = {"model": model, "feature": feature.name, "test": name}
        if test.value is not None:
            metrics.gauge("aia_drift_value", test.value, at=at, **labels)
        if test.p_value is not None:
            metrics.gauge("aia_drift_p_value", test.p_value, at=at, **labels)
