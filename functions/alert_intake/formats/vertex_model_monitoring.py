"""Anomalies of Vertex AI Model Monitoring, as a log sink publishes them.

    {"logName": ".../logs/aiplatform.googleapis.com%2Fmodel_monitoring_anomaly", "jsonPayload": {"anomalyObjective",
     "startTime", "endTime", "deployedModelId", "featureAnomalies": [{"featureDisplayName", "deviation", "threshold"}]}}

Each run writes the anomalies that it finds, and none says that they are over: they hold for two runs.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter

from core.events import Severity, Status
from core.text import counted
from functions.alert_intake import targets
from functions.alert_intake.alert import Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, first, instant, items, mapping, number, text

_TYPE = "ModelMonitoringAnomaliesLogEntry"
_RUNS = 2
_SHORTEST = timedelta(hours=1)


def recognise(body: Json) -> bool:
    """Whether it is an entry of the log with anomalies of features."""
    payload = mapping(body).get("jsonPayload")
    return isinstance(payload, dict) and ("featureAnomalies" in payload or _TYPE in text(payload.get("@type")))


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding: the features of a run are its evidence, the worst one its value."""
    return one(body, lambda entry: _alert(entry, now))


FORMAT = Format("vertex-model-monitoring", recognise, findings)


def _alert(entry: Json, now: datetime) -> Alert:
    payload = mapping(entry["jsonPayload"])
    model, objective = first(payload, "deployedModelId"), first(payload, "anomalyObjective")
    if not model:
        raise UnreadableError("jsonPayload.deployedModelId: must be the id of a model")
    ended = instant(payload.get("endTime")) or instant(entry.get("timestamp")) or now
    started = instant(payload.get("startTime")) or ended
    worst = sorted(_features(payload), key=itemgetter(1), reverse=True)
    job = first(payload, "modelDeploymentMonitoringJob")
    return Alert(
        source="vertex-ai",
        name=objective.lower() or "anomaly",
        target=targets.make("deployed-model", model),
        status=Status.FIRING,
        severity=Severity.WARNING,
        now=now,
        started=ended,
        holds_until=max(ended, now) + max(_RUNS * (ended - started), _SHORTEST),
        identity={"job": job},
        summary=(
            f"beyond the threshold: {counted(len(worst), 'feature')} of deployed model {model} ({objective or 'anomaly'})",
        ),
        value=worst[0][1] if worst else None,
        threshold=worst[0][2] if worst else None,
        evidence={name: f"deviation {deviation:g}" for name, deviation, _ in worst} | {"job": job.rpartition("/")[2]},
    )


def _features(payload: Json) -> list[tuple[str, float, float | None]]:
    """Name, deviation and threshold of each feature that has a name and a deviation."""
    given = map(mapping, items(payload.get("featureAnomalies")))
    read = (
        (first(one, "featureDisplayName"), number(one.get("deviation")), number(one.get("threshold"))) for one in given
    )
    return [(name, deviation, threshold) for name, deviation, threshold in read if name and deviation is not None]
