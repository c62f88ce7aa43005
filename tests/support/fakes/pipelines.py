"""The outside of pipeline_monitor in memory: every call of a port passes boundaries, and any may be the last."""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import ActionError, UnavailableError
from core.events import Event, Finding, PipelineRun, Tick
from core.pipelines.state import PipelineState
from core.pipelines.usage import Usage
from core.settings import PipelineSettings
from functions.adapters.events import decode, encode
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Data
from functions.pipeline_monitor.monitor import NAME, Monitor, handle
from functions.runtime.endpoint import finish
from tests.support.builders.runs import AT, PIPELINE
from tests.support.crash.breaking import Breaking, KilledError, MemoryMetrics, MemoryStore

PROJECT = "aia-local"


@dataclass
class Outside(Breaking):
    """What the function did: findings and rows; and what of the outside does not answer.

    Attributes:
        published: findings, in their order.
        rows: of `ops.pipeline_runs`, by pipeline, run and stage.
        jobs: what Vertex AI knows, by the name of the job.
        used: what Cloud Monitoring measured, by the custom job.
        down: the ports that do not answer: bus, warehouse, jobs or usage.
        overtaken: whether instances work at once, so that a statement may come after one that knew more of the run; then it
            may miss the rows of that one, until the run is written again.
    """

    published: list[Finding] = field(default_factory=list)
    rows: dict[tuple[str, str, str], Data] = field(default_factory=dict)
    jobs: dict[str, list[PipelineRun]] = field(default_factory=dict)
    used: dict[str, Usage] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    overtaken: bool = False
    one_statement: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, port: str) -> None:
        self.boundary()
        if port in self.down:
            raise UnavailableError(f"{port}: does not answer")

    def told(self) -> list[tuple[str, str]]:
        """What was published, once each: the kind and the status."""
        return list(
            dict.fromkeys(
                (f"{event.kind} of {event.observed_at:%d.%H:%M}", event.status.value) for event in self.published
            )
        )


@dataclass
class MemoryBus:
    outside: Outside

    def publish(self, topic: str, event: Event, **_: str) -> None:
        assert topic == "findings"
        self.outside.answers("bus")
        self.outside.published.append(decode(encode(event), Finding))
        self.outside.boundary()


@dataclass
class MemoryWarehouse:
    outside: Outside

    def query(self, sql: str, **given: Any) -> list[Data]:
        assert "MERGE ops.pipeline_runs" in sql
        self.outside.answers("warehouse")
        with self.outside.one_statement:
            self._replace((given["pipeline"], given["run_id"]), given)
        self.outside.boundary()
        return []

    def _replace(self, run: tuple[str, str], given: Data) -> None:
        before = {key: row for key, row in self.outside.rows.items() if key[:2] == run}
        found = [key for key, row in before.items() if given["first"] <= row["first_at"] <= given["last"]]
        assert self.outside.overtaken or len(found) == len(before), "not found to be replaced"
        for key in found:
            del self.outside.rows[key]
        self.outside.rows |= {(*run, row["stage"]): row for row in given["rows"]}

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise NotImplementedError


@dataclass
class World:
    """One deployment of the function on an outside in memory."""

    outside: Outside = field(default_factory=Outside)
    settings: PipelineSettings = field(default_factory=PipelineSettings)

    @property
    def monitor(self) -> Monitor:
        return Monitor(
            store=MemoryStore(self.outside, revision=len(self.outside.documents) + self.outside.boundaries),
            bus=MemoryBus(self.outside),
            warehouse=MemoryWarehouse(self.outside),
            metrics=MemoryMetrics(self.outside),
            jobs=self._jobs,
            usage=self._usage,
            project=PROJECT,
            settings=self.settings,
        )

    def give(self, *events: Any) -> None:
        for event in events:
            handle(self.monitor, event)
            if isinstance(event, Tick):
                finish(event, None, function=NAME, metrics=self.monitor.metrics)

    def deliver(self, events: Iterable[Any], *, attempts: int = 60) -> None:
        """As Pub/Sub does: what fails comes again, after the others, until it is acknowledged."""
        waiting = list(events)
        for _ in range(attempts):
            waiting = [event for event in waiting if not self.acknowledges(event)]
            if not waiting:
                return
        raise AssertionError(f"{len(waiting)} events are never acknowledged")

    def acknowledges(self, event: Any) -> bool:
        """Whether the event is done with."""
        self.outside.dead = False
        try:
            self.give(event)
        except (KilledError, UnavailableError):
            return False
        return True

    def tick(self, at: datetime = AT, **later: float) -> None:
        self.give(Tick(job="pipeline_monitor", scheduled_at=at + timedelta(**later)))

    def line(self, name: str = PIPELINE) -> PipelineState:
        return read_pipeline(self.outside.documents[COLLECTION, name].data)

    def gauge(self, name: str, *labels: str) -> float:
        return self.outside.gauges[f"aia_pipeline_{name}", *(labels or (PIPELINE,))]

    def ended(self, outcome: str) -> int:
        return self.outside.counts["aia_pipeline_runs_total", PIPELINE, outcome]

    def _jobs(self, name: str, logged: PipelineRun) -> list[PipelineRun]:
        self.outside.asked.append(name)
        self.outside.answers("jobs")
        if name not in self.outside.jobs:
            raise ActionError(f"{name}: refused: NotFound")
        return self.outside.jobs[name]

    def _usage(self, jobs: Collection[str], start: datetime, end: datetime) -> dict[str, Usage]:
        assert start < end
        self.outside.asked += sorted(jobs)
        self.outside.answers("usage")
        return {job: self.outside.used[job] for job in jobs if job in self.outside.used}
