"""People who register versions in MLflow, and what takes these from it, with the table of versions in memory."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.errors import UnavailableError
from core.settings import MlflowRegistry, Model
from functions.adapters.registries import register
from functions.adapters.registries.mlflow import MlflowModels
from functions.adapters.registries.mlflow_api import MlflowApi
from functions.pipeline_monitor.registered import RegisteredVersions
from tests.support.builders.drift import MODEL
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.ports import Parked

_names = (f"churn-{number}" for number in itertools.count())
SECRET = "a webhook's secret"


@dataclass
class Rows:
    """The table of versions in memory, which is written as the statement does."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    down: bool = False

    def query(self, sql: str, **given: Any) -> list[dict[str, Any]]:
        if self.down:
            raise UnavailableError("BigQuery does not answer")
        if sql == register.WRITE_VERSION:
            self.writes += 1
            self.rows.setdefault((given["model"], given["version"]), given)
        return []


class ForeignVersions:
    """What takes versions from a server, and the people who register some there."""

    def __init__(self, port: int) -> None:
        self.settings = MlflowRegistry(url=f"http://127.0.0.1:{port}", webhook_secret=SECRET)
        self.api = MlflowApi(self.settings, patience=60)
        self.model = next(_names)
        self.table, self.parked = Rows(), Parked()
        self.registered = RegisteredVersions(
            registry=MlflowModels(self.settings, patience=60),
            store=MemoryStore(Breaking(now=datetime.now(UTC))),
            warehouse=self.table,
            park=self.parked,
            models=self.all,
        )

    def all(self) -> dict[str, Model]:
        """The monitored models."""
        return {self.model: MODEL}

    def register(self, **tags: str) -> str:
        """Somebody trains a model and registers it; the number of the version."""
        self.api.create("experiments/create", {"name": self.model})
        [experiment] = (self.api.get("experiments/get-by-name", experiment_name=self.model) or {}).values()
        run = self.api.create("runs/create", {"experiment_id": experiment["experiment_id"], "start_time": 1})
        run_id = (run or {})["run"]["info"]["run_id"]
        metrics = {"auc": 0.7, "auc.low": 0.68, "auc.high": 0.72, "epochs": 3}
        logged = [{"key": key, "value": value, "timestamp": 1} for key, value in metrics.items()]
        params = [{"key": "rounds", "value": "300"}]
        self.api.change("runs/log-batch", {"run_id": run_id, "metrics": logged, "params": params})
        self.api.create("registered-models/create", {"name": self.model})
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        body = {"name": self.model, "source": f"runs:/{run_id}/model", "run_id": run_id, "tags": pairs}
        return str((self.api.create("model-versions/create", body) or {})["model_version"]["version"])

    def tag(self, number: str, **tags: str) -> None:
        for key, value in tags.items():
            body = {"name": self.model, "version": number, "key": key, "value": value}
            self.api.change("model-versions/set-tag", body)
