"""Webhooks of MLflow's model registry: no alerts, but versions that are new or changed.

{"entity": "model_version", "action": "created", "timestamp": "...", "data": {"name": "churn", "version": "7", ...}}

Source: mlflow.org, "Webhooks"; `mlflow/webhooks/delivery.py` of MLflow 3.
"""

from collections.abc import Iterable
from datetime import datetime

from core.events import RegistryChange
from functions.alert_intake.alert import Ignored, Outcome, Refusal
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, instant, mapping

_TAKEN = (("model_version", "created"), ("model_version_tag", "set"))


def recognise(body: Json) -> bool:
    """Whether it is an object with an entity, an action and data."""
    return isinstance(body, dict) and {"entity", "action", "data"} <= body.keys()


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """The version of which `pipeline_monitor` asks the registry; of other entities nothing."""
    entity, action, data = first(body, "entity"), first(body, "action"), mapping(body["data"])
    if (entity, action) not in _TAKEN:
        return [Ignored(f"{entity[:40]}.{action[:40]}: is no version of a model")]
    name, version = first(data, "name"), first(data, "version")
    if not name or not version:
        return [Refusal("data: must have the name and the version of a model", body)]
    at = instant(body.get("timestamp")) or now
    return [RegistryChange(registry="mlflow", model=name[:200], number=version[:40], changed_at=at)]


FORMAT = Format("mlflow", recognise, findings)
