"""Versions of models in MLflow: each one a run of the model's experiment and a model version of the registry.

The run has the parameters, metrics and lineage as people look for them in MLflow; the model version has the whole
version in the tag `aia.record`. Both have the version in `aia.version`, by which they are found: of two calls for one
version, the second finds what the first has created.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from core.errors import ActionError, UnreadableError
from core.settings import MlflowRegistry
from core.versions import AliasName, Version
from functions.adapters.registries import mlflow_foreign, record
from functions.adapters.registries.mlflow_api import PATIENCE, Json, MlflowApi, sensible
from functions.adapters.registries.port import Entry

RECORD, VERSION = "aia.record", "aia.version"
_LINEAGE = ("requested_by", "request_id", "pipeline", "run_id", "template", "git", "profile_uri")
_BATCH = 100
"""Parameters and tags that MLflow takes at once."""
_LONGEST = 6000
"""Characters of a parameter that MLflow keeps; the record has the whole value."""


class MlflowModels:
    """The registry of an MLflow server; see the port.

    Args:
        settings: its URL and token.
        patience: seconds that a call is repeated for, and that each attempt may take.
    """

    name: ClassVar[str] = "mlflow"

    def __init__(self, settings: MlflowRegistry, *, patience: float = PATIENCE) -> None:
        self._api = MlflowApi(settings, patience=patience)

    @sensible()
    def check(self) -> None:
        """Return where the server answers a search of registered models."""
        next(self._api.pages("registered-models/search", "registered_models", 1), None)

    @sensible()
    def register(self, version: Version) -> Entry:
        """Register a version, unless it is there."""
        if found := self.get(version.model, version.version):
            return found
        run_id = self._run(version)
        self._api.create("registered-models/create", {"name": version.model})
        tags = {RECORD: record.encode(version), VERSION: version.version}
        body = {"name": version.model, "source": _source(version, run_id), "run_id": run_id, "tags": _pairs(tags)}
        created = self._api.create("model-versions/create", body) or {}
        return self._entry(created["model_version"])

    def get(self, model: str, version: str) -> Entry | None:
        """A version, or None; of several of one name, the oldest."""
        return next((one for one in self.versions(model) if one.version and one.version.version == version), None)

    @sensible()
    def versions(self, model: str) -> list[Entry]:
        """The versions of a model, oldest first."""
        answer = self._api.get("registered-models/get", name=model)
        if answer is None:
            return []
        # A search does not say which aliases a version has; the model does.
        aliases = defaultdict(list)
        for one in answer.get("registered_model", {}).get("aliases", ()):
            aliases[str(one.get("version"))].append(str(one.get("alias")))
        rows = self._search(filter=f"name = '{_unquoted(model)}'", order_by="version_number ASC")
        return [self._entry(row, aliases[str(row.get("version"))]) for row in rows]

    def changed_since(self, at_ms: int) -> Iterator[Json]:
        """The model versions that were changed from an instant on, newest first, as MLflow has them.

        Args:
            at_ms: milliseconds since 1970, by the clock of MLflow.
        """
        with sensible():
            for row in self._search(order_by="last_updated_timestamp DESC"):
                if updated_ms(row) < at_ms:
                    return
                yield row

    @sensible()
    def find(self, model: str, number: str) -> Json | None:
        """A model version by its number in MLflow, as MLflow has it."""
        answer = self._api.get("model-versions/get", name=model, version=number)
        return answer and answer.get("model_version")

    @sensible()
    def entry(self, row: Json) -> Entry:
        """What a model version is; of one that somebody else registered, by its run and tags."""
        run = {} if is_own(row) else self._run_data(row)
        return self._entry(row, run=run)

    @sensible()
    def set_alias(self, model: str, alias: AliasName, version: str | None) -> None:
        """Give an alias to a version, or remove it."""
        if version is None:
            self._api.change("registered-models/alias", {"name": model, "alias": alias}, method="DELETE")
            return
        entry = self.get(model, version)
        if entry is None:
            raise ActionError(f"mlflow: {model}: must have version {version!r}, has none of this name")
        self._api.change("registered-models/alias", {"name": model, "alias": alias, "version": entry.number})

    def _search(self, **parameters: str) -> Iterator[Json]:
        return self._api.pages("model-versions/search", "model_versions", **parameters)

    @staticmethod
    def _entry(row: Json, aliases: Iterable[str] = (), run: Json | None = None) -> Entry:
        version, fault = None, ""
        try:
            version = _version(row, run or {})
        except UnreadableError as error:
            fault = str(error)
        number = str(row.get("version", ""))
        uri = f"models:/{row.get('name')}/{number}"
        return Entry(version=version, number=number, uri=uri, aliases=tuple(sorted(aliases)), fault=fault)

    def _run_data(self, row: Json) -> Json:
        run_id = row.get("run_id")
        answer = self._api.get("runs/get", run_id=str(run_id)) if run_id else None
        data: Json = (answer or {}).get("run", {}).get("data", {})
        return data

    def _run(self, version: Version) -> str:
        """The run of a version, which is created where there is none, with everything that it has."""
        experiment = self._experiment(version.model)
        where = {"experiment_ids": [experiment], "filter": f"tags.`{VERSION}` = '{_unquoted(version.version)}'"}
        found = (self._api.create("runs/search", where | {"order_by": ["start_time ASC"]}) or {}).get("runs", [])
        run_id = str(found[0]["info"]["run_id"]) if found else self._new_run(experiment, version)
        for batch in _batches(run_id, version):
            self._api.change("runs/log-batch", batch)
        end = {"run_id": run_id, "status": "FINISHED", "end_time": _ms(version.created_at)}
        self._api.change("runs/update", end)
        return run_id

    def _experiment(self, model: str) -> str:
        for _ in range(2):  # another process may create it in between
            answer = self._api.get("experiments/get-by-name", experiment_name=model)
            if answer is not None:
                return str(answer["experiment"]["experiment_id"])
            created = self._api.create("experiments/create", {"name": model})
            if created is not None:
                return str(created["experiment_id"])
        raise ActionError(f"mlflow: experiment {model!r}: must be active, is deleted")

    def _new_run(self, experiment: str, version: Version) -> str:
        start = version.trained_until or version.created_at
        body = {
            "experiment_id": experiment,
            "run_name": f"{version.model} {version.version}",
            "start_time": min(_ms(start), _ms(version.created_at)),
            "tags": _pairs({VERSION: version.version}),
        }
        created = self._api.create("runs/create", body)
        return str((created or {})["run"]["info"]["run_id"])


def is_own(row: Json) -> bool:
    """Whether a model version was registered by us."""
    return RECORD in mlflow_foreign.tags(row)


def updated_ms(row: Json) -> int:
    """When a model version was changed last, in milliseconds since 1970 by the clock of MLflow."""
    return int(row["last_updated_timestamp"])


def _version(row: Json, run: Json) -> Version:
    text = mlflow_foreign.tags(row).get(RECORD)
    return record.decode(text) if text else mlflow_foreign.version(row, run)


def _batches(run_id: str, version: Version) -> Iterator[Json]:
    """The metrics, parameters and tags of a run, as many at once as MLflow takes."""
    metrics = [
        {"key": name, "value": value, "timestamp": _ms(version.created_at), "step": 0}
        for name, value in _metrics(version)
    ]
    lineage = {f"aia.{name}": str(getattr(version, name)) for name in _LINEAGE if getattr(version, name)}
    windows = {name: getattr(version, name) for name in ("reference_start", "reference_end")}
    tags = lineage | {f"aia.{name}": at.isoformat() for name, at in windows.items()}
    yield {"run_id": run_id, "metrics": metrics, "tags": _pairs(tags)}
    params = _pairs({name: _text(value) for name, value in version.parameters.items()})
    for first in range(0, len(params), _BATCH):
        yield {"run_id": run_id, "params": params[first : first + _BATCH]}


def _metrics(version: Version) -> Iterator[tuple[str, float]]:
    for name, metric in version.metrics.items():
        yield name, metric.value
        if metric.low is not None and metric.high is not None:
            yield f"{name}.low", metric.low
            yield f"{name}.high", metric.high


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = value if isinstance(value, str) else record.json_text(value)
    return text[:_LONGEST]


def _source(version: Version, run_id: str) -> str:
    """Where the model is; MLflow takes no path of a machine, which the record has."""
    uri = version.artifact_uri
    return uri if "://" in uri and not uri.startswith("file:") else f"runs:/{run_id}/model"


def _pairs(values: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _unquoted(text: str) -> str:
    """A text as a filter of MLflow takes it between single quotes, which it cannot escape.

    Raises:
        ActionError: it has one.
    """
    if "'" in text:
        raise ActionError(f"mlflow: must be without a single quote, got {text!r}")
    return text
