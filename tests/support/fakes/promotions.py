"""The outside of promotion in memory: tables of versions, aliases and looks, and pairs of which a test says how they go."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.errors import UnavailableError
from core.events import Command, Event, Finding, Tick
from core.retraining.start import Training
from core.settings import Model
from core.settings.response import Resource
from core.versions import AliasName
from functions.adapters.ports import Data
from functions.adapters.registries import aliases
from functions.adapters.training.port import Ending
from functions.promotion import looks, versions
from functions.promotion.promotion import NAME, Promoter, handle
from functions.promotion.traffic import Traffic
from tests.support.builders.drift import MODEL as DRIFTING
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore

NONE = {"n": 0, "wins": 0, "losses": 0, "total": 0.0, "squares": 0.0}


@dataclass
class Tables(Breaking):
    """The warehouse, and everything else outside of the function.

    Attributes:
        registered: instants of registration by version.
        changes: rows of `ops.model_aliases` by id, in the order of their writing.
        looks: rows of `ops.experiment_looks` by id.
        pairs: sums of the pairs of a challenger.
        unseen_from: of each entrant, where it is known.
        jobs: which were started, by id, with how each ended.
        started: the parameters of the jobs, in order.
        found: findings.
        set: calls of the registry.
        registry_down: whether the registry does not answer.
        resources: of the settings: which models have an endpoint.
        endpoints: which moves its traffic.
    """

    registered: dict[str, datetime] = field(default_factory=dict)
    changes: dict[str, Data] = field(default_factory=dict)
    looks: dict[str, Data] = field(default_factory=dict)
    pairs: dict[str, Data] = field(default_factory=dict)
    unseen_from: dict[str, datetime] = field(default_factory=dict)
    jobs: dict[str, Ending | None] = field(default_factory=dict)
    started: list[Data] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    set: dict[AliasName, str | None] = field(default_factory=dict)
    registry_down: bool = False
    resources: dict[str, Resource] = field(default_factory=dict)
    endpoints: Any = None

    def query(self, sql: str, **given: Any) -> list[Data]:
        self.boundary()
        answer: list[Data] = []
        if sql == aliases.WRITE:
            self.changes.setdefault(given["id"], given)
        elif sql == versions.ENTRANTS:
            answer = self._known(given["models"], given["at"])
        elif sql == versions.REGISTERED:
            answer = [{"version": given["version"]}] if given["version"] in self.registered else []
        elif sql == versions.ARTIFACT:
            answer = [{"artifact_uri": f"gs://b/{given['version']}"}]
        elif sql == versions.NAMES:
            answer = [{"version": one, "registry_uri": registry_name(one)} for one in given["versions"]]
        elif "COUNT(DISTINCT customer)" in sql and "HAVING" not in sql:
            answer = [{"customers": 0}]
        elif "shadow_predictions" in sql and "pairs" in sql:
            answer = [self.pairs.get(given["challenger"], NONE)]
        self.boundary()
        return answer

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        assert table == looks.TABLE
        self.boundary()
        self.looks |= {row["id"]: row for row in rows}
        self.boundary()

    def champions(self, at: datetime) -> list[str]:
        """The versions that were in use up to an instant, without repetition of neighbours."""
        ordered = sorted((one for one in self.changes.values() if one["alias"] == "champion"), key=_instant)
        names = [min(self.registered, key=self.registered.__getitem__)]
        for one in ordered:
            if one["changed_at"] <= at and one["version"] != names[-1]:
                names.append(one["version"])
        return names

    def holders(self) -> dict[str, tuple[str | None, float]]:
        """Who has which alias, with the traffic."""
        newest = {one["alias"]: one for one in sorted(self.changes.values(), key=_instant)}
        return {alias: (one["version"], one["share"]) for alias, one in newest.items()}

    def _known(self, models: Iterable[str], at: datetime) -> list[Data]:
        if not self.registered or MODEL.name not in models:
            return []
        used = self.champions(at)
        former = next((one for one in reversed(used) if one != used[-1]), None)
        named = {*used, *(one["version"] for one in self.changes.values() if one["version"])}
        last = max(self.registered[one] for one in named)
        newer = [one for one, created in self.registered.items() if last < created <= at]
        entrant = max(newer, key=self.registered.__getitem__, default=None)
        row = {"model": MODEL.name, "champion": used[-1], "former": former, "entrant": entrant}
        return [row | {"unseen_from": self.unseen_from.get(entrant or "")}]


def registry_name(version: str) -> str:
    """The name of a version in Vertex AI's registry, beside that in MLflow."""
    return f"models:/delay/{version} projects/p/locations/europe-west4/models/delay@{version}"


def _instant(row: Data) -> datetime:
    at: datetime = row["changed_at"]
    return at


@dataclass
class Bus:
    tables: Tables

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.tables.boundary()
        assert topic == "findings"
        assert isinstance(event, Finding)
        self.tables.found.append(event)
        self.tables.boundary()


@dataclass
class MemoryJobs:
    """Vertex AI: a job runs until a test says how it ended."""

    tables: Tables

    def ended(self, training: Training) -> Ending | None:
        self.tables.boundary()
        return self.tables.jobs.get(training.job_id)

    def start(self, training: Training) -> datetime:
        self.tables.boundary()
        if training.job_id not in self.tables.jobs:
            self.tables.jobs[training.job_id] = None
            self.tables.started.append(dict(training.parameters))
        self.tables.boundary()
        return self.tables.now


@dataclass
class Registry:
    tables: Tables
    name = "mlflow"

    def set_alias(self, model: str, alias: AliasName, version: str | None) -> None:
        self.tables.boundary()
        if self.tables.registry_down:
            raise UnavailableError("MLflow does not answer")
        self.tables.set[alias] = version


MODEL = replace(DRIFTING, name="delay")


def promoter(tables: Tables, model: Model, clock: Callable[[], datetime] | None = None) -> Promoter:
    """The function over these tables."""
    registry: Any = Registry(tables)
    return Promoter(
        store=MemoryStore(tables, revision=tables.boundaries),
        bus=Bus(tables),
        warehouse=tables,
        metrics=MemoryMetrics(tables),
        clock=clock or (lambda: tables.now),
        jobs=lambda: MemoryJobs(tables),
        registries=lambda: [registry],
        traffic=Traffic(warehouse=tables, resources=tables.resources, endpoints=lambda: tables.endpoints),
        models=lambda: {model.name: model},
        time_zone="UTC",
    )


def give(tables: Tables, model: Model, event: Tick | Command) -> None:
    """Deliver an event; a fault of a tick is raised, as the endpoint does."""
    result = handle(promoter(tables, model), event)
    if result and result.fault:
        raise result.fault


def tick(at: datetime) -> Tick:
    return Tick(job=NAME, scheduled_at=at)
