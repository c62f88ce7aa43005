"""The function maintenance over a warehouse in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from core.events import Finding, Severity, Tick
from core.maintenance.task import Schedule
from core.settings import Settings, Upkeep
from functions.adapters.events import decode
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.maintenance import files
from functions.maintenance.maintenance import NAME, Maintenance, handle
from functions.maintenance.outside import Outside, Task
from functions.services.maintenance import RUNS
from functions.services.steps import Step
from tests.support.crash.breaking import MemoryMetrics, MemoryStore
from tests.support.fakes import deployed
from tests.support.fakes.compared import compared
from tests.support.fakes.scanned import scanned

AT = datetime(2026, 6, 1, 1, tzinfo=UTC)


DAY, HOUR, MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)


@dataclass
class Warehouse:
    """Keeps the rows that are appended, and answers statements by a word in them."""

    world: deployed.Outside
    answers: dict[str, list[Data]] = field(default_factory=dict)
    rows: list[Data] = field(default_factory=list)
    asked: list[tuple[str, Data]] = field(default_factory=list)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.world.boundary()
        self.asked.append((" ".join(sql.split()), parameters))
        return next((rows for word, rows in self.answers.items() if word in sql), [])

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        yield from self.query(sql, **parameters)

    def append(self, table: str, rows: list[Data], *, together: str = "") -> None:
        assert table == RUNS
        self.world.boundary()
        self.rows += rows
        self.world.boundary()


@dataclass
class Work:
    """A task of three steps, each of which counts; the second may fail, or take its time."""

    world: deployed.Outside
    done: list[str] = field(default_factory=list)
    error: Exception | None = None
    takes: timedelta = timedelta(seconds=1)

    def steps(self, _: Outside, due: datetime) -> Iterator[Step]:
        for name in ("one", "two", "three"):
            yield Step(name, partial(self._do, name))

    def _do(self, name: str) -> str:
        if self.error and name == "two":
            raise self.error
        self.world.boundary()
        self.done.append(name)
        self.world.now += self.takes
        return f"did {name}"


def system(world: deployed.Outside, **answers: list[Data]) -> Outside:
    store = MemoryStore(world)
    return Outside(
        settings=Settings(jobs={}, upkeep=Upkeep(retention={"telemetry.orders": 400 * DAY})),
        store=store,
        bus=deployed.Bus(world),
        warehouse=Warehouse(world, answers),
        metrics=MemoryMetrics(world),
        ledger=Ledger(store, lambda: world.now, "test"),
        clock=lambda: world.now,
        deployment=files.deployment,
        texts=files.texts,
        tables=files.tables,
        scanned=scanned(),
        compared=compared(),
    )


def task_of(work: Work) -> Task:
    return Task(name="work", schedule=Schedule(every=DAY), severity=Severity.CRITICAL, steps=work.steps)


def tick(outside: Outside, work: Work, at: datetime = AT) -> Exception | None:
    result = handle(Maintenance(outside=outside, tasks=[task_of(work)]), Tick(job=NAME, scheduled_at=at))
    assert result is not None
    return result.fault


def findings(world: deployed.Outside) -> list[Finding]:
    return [decode(data, Finding) for topic, data in world.published if topic == "findings"]


def rows(outside: Outside) -> list[Data]:
    warehouse = outside.warehouse
    assert isinstance(warehouse, Warehouse)
    return warehouse.rows


def run(outside: Outside, steps: Callable[[Outside, datetime], Iterator[Step]], due: datetime = AT) -> list[str]:
    return [step.run() for step in steps(outside, due)]


def new_world() -> deployed.Outside:
    return deployed.Outside(now=AT)
