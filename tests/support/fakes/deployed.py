"""A function over an outside in memory: what is delivered to it, and what comes of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import msgspec

from core.errors import UnavailableError
from core.events import Event, Tick
from core.settings import Settings
from functions.adapters.events import encode
from functions.adapters.ports import Data, PubsubMessage
from functions.runtime.ports import Ports
from functions.runtime.push import DEAD_LETTERS, parking
from functions.services.models import Models
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore
from tests.support.fakes.model_table import ModelTable
from tests.support.fakes.ports import MemoryPorts, posted, push

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Build = Callable[[Ports], Callable[[flask.Request], Any]]
Answers = Callable[[str, Data], list[Data]]
NOTHING = Settings(jobs={})
VOLATILE = ("aia_function_seconds", "aia_probe_latency_seconds")
"""Gauges that differ each time."""


@dataclass
class Outside(Breaking):
    """What every port of a function leads to.

    Attributes:
        published: what the bus has, by topic.
        written: statements that write, and rows that were appended, by table.
        parked: rows of the table of dead letters.
        flushes: of the metrics.
    """

    now: datetime = NOW
    published: list[tuple[str, bytes]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    parked: list[Data] = field(default_factory=list)
    flushes: int = 0

    def fail(self, *boundaries: int) -> None:
        """Do not answer at some boundaries from here on, or at every one of them where none is named."""
        first = self.boundaries
        self.chance = lambda: 0.0 if not boundaries or self.boundaries - first in boundaries else 1.0

    def answer(self) -> None:
        self.chance = lambda: 1.0

    def told(self) -> set[tuple[str, str]]:
        """What was published, by topic and id, and what was written, each once."""
        return {(topic, _identity(data)) for topic, data in self.published} | set(self.written)

    def effects(self) -> dict[str, Any]:
        """What was done, whatever it took: the documents but for claims, events and statements, each once, and gauges."""
        return {
            "documents": {key: _steady(one.data) for key, one in self.documents.items() if key[0] != "ledger"},
            "published": set(self.published),
            "written": set(self.written),
            "gauges": {key: value for key, value in self.gauges.items() if key[0] not in VOLATILE},
        }


def _identity(data: bytes) -> str:
    """The id of an event; of a row all of it."""
    return str(json.loads(data).get("id", data))


@dataclass
class Bus:
    outside: Outside

    def publish_rows(self, topic: str, rows: Sequence[Data], **_: str) -> None:
        for row in rows:
            self.outside.boundary()
            self.outside.published.append((topic, msgspec.json.encode(row)))
        self.outside.boundary()

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.outside.boundary()
        self.outside.published.append((topic, encode(event)))
        self.outside.boundary()

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        for event in events:
            self.publish(topic, event)

    def publish_raw(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        self.outside.boundary()
        self.outside.published += [(topic, message.data) for message in messages]
        self.outside.boundary()


class Unanswering:
    def publish(self, topic: str, event: Event, **_: str) -> None:
        raise UnavailableError(f"bus: {topic} does not answer")

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        raise UnavailableError(f"bus: {topic} does not answer")

    def publish_raw(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        raise UnavailableError(f"bus: {topic} does not answer")


@dataclass
class Warehouse:
    outside: Outside
    answers: Answers

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.outside.boundary()
        if "MERGE" in sql:
            self.outside.written.append((sql, repr(parameters)))
        return self.answers(sql, parameters)

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        for row in self.query(sql, **parameters):
            self.outside.boundary()
            yield row

    def bytes_of(self, sql: str, **parameters: Any) -> int:
        self.outside.boundary()
        return len(sql)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        self.outside.boundary()
        if table == DEAD_LETTERS:
            self.outside.parked += rows
        else:
            timeless = [{name: value for name, value in row.items() if name != "written_at"} for row in rows]
            self.outside.written.append((table, repr(timeless)))
        self.outside.boundary()


@dataclass
class Counting(MemoryMetrics):
    world: Outside

    def flush(self) -> None:
        self.world.flushes += 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """A function.

    Attributes:
        name: of the function.
        build: its composition root, but for what no port of all functions leads to.
        takes: the data of messages that it acts on; each has an effect.
        refuses: data of another kind, with a part of the reason why it is parked.
        settings: of the deployment.
        answers: of the warehouse.
        before: what happened before.
        attributes: of the messages.
        now: the instant.
        tells: the kind of the finding that it publishes about what it parks; empty where it publishes none.
    """

    name: str
    build: Build
    takes: tuple[bytes, ...]
    refuses: tuple[bytes, str]
    settings: Settings = NOTHING
    answers: Answers = lambda _sql, _parameters: []
    before: Callable[["Deployed"], object] = lambda _: None
    attributes: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW
    tells: str = ""


@dataclass
class Deployed:
    """A function over an outside of its own; each delivery is to a new instance."""

    case: Case
    model_table: ModelTable = field(default_factory=ModelTable)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.outside = Outside(now=self.case.now)
        self.case.before(self)
        self.outside.flushes = 0

    def ports(self, function: str) -> MemoryPorts:
        warehouse = Warehouse(self.outside, self.case.answers)
        return MemoryPorts(
            function=function,
            settings=self.case.settings,
            cron="*/15 * * * *",
            store=MemoryStore(self.outside, revision=self.outside.boundaries),
            bus=Bus(self.outside),
            warehouse=warehouse,
            models=Models(self.case.settings.models, self.model_table, lambda: self.outside.now),
            metrics=Counting(self.outside),
            park=parking(warehouse, function, lambda: self.outside.now),
            clock=lambda: self.outside.now,
        )

    def post(self, body: bytes, method: str = "POST") -> int:
        request = posted(body)
        request.environ["REQUEST_METHOD"] = request.method = method
        answered = self.case.build(self.ports(self.case.name))(request)
        status: int = answered.status_code if isinstance(answered, flask.Response) else answered[1]
        return status

    def deliver(self, data: bytes) -> int:
        """Deliver a message; the status of the answer."""
        published = (self.case.now + timedelta(seconds=31)).isoformat()
        return self.post(push(data, published, attributes=self.case.attributes))

    def outcomes(self) -> dict[str, int]:
        """How many requests ended how."""
        return {
            key[2]: n
            for key, n in self.outside.counts.items()
            if key[:2] == ("aia_function_requests_total", self.case.name)
        }


def tick(job: str, at: datetime = NOW) -> bytes:
    return encode(Tick(job=job, scheduled_at=at))


def _steady(value: Any) -> Any:
    """A document without how long a probe took."""
    if isinstance(value, dict):
        return {key: _steady(one) for key, one in value.items() if key != "latency"}
    return [_steady(one) for one in value] if isinstance(value, list) else value
