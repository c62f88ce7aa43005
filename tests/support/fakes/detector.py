"""A detector in memory: what it is given, and what it publishes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.errors import UnavailableError
from core.events import Event, Finding
from functions.adapters.events import decode, encode
from functions.adapters.ports import Data
from tests.support.crash.breaking import Breaking, MemoryStore

BAD, GOOD, NOT_KNOWN = "x", ".", "?"


START = datetime(2026, 1, 2, 3, tzinfo=UTC)


HOUR = timedelta(hours=1)


def at(number: int) -> datetime:
    """The instant of a verdict."""
    return START + number * HOUR


@dataclass
class Outside(Breaking):
    """What detectors find and do.

    Attributes:
        published: findings, in their order.
        down: whether the bus does not answer.
        jobs: trainings that were created, by their ids.
        marks: what a model's windows hold, by their ends.
    """

    published: list[Finding] = field(default_factory=list)
    down: bool = False
    jobs: dict[str, datetime] = field(default_factory=dict)
    marks: dict[datetime, str] = field(default_factory=dict)

    @property
    def store(self) -> MemoryStore:
        return MemoryStore(self, revision=self.boundaries)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        if isinstance(event, Finding):
            self.published.append(decode(encode(event), Finding))
        self.boundary()

    def query(self, sql: str, **_: Any) -> list[Data]:
        return [{"version": "7"}] if "version" in sql else []

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise NotImplementedError

    def found(self, key: str) -> list[Finding]:
        """The findings of a condition, each once, in the order in which it was first published."""
        first = dict[str, Finding]()
        for one in self.published:
            if one.condition == key:
                first.setdefault(one.id, one)
        return list(first.values())


@dataclass(frozen=True)
class Detector:
    """A detector, and one of the conditions that it watches.

    Attributes:
        name: of the function.
        key: of the condition.
        look: makes it conclude something, by a mark, of the instant of that number; safe to call again.
        fire_after: how many bad verdicts in a row make the condition fire.
        recover_after: how many good ones resolve it.
        repeat: whether every bad verdict is published while it fires.
        marks: the verdicts that it can give.
    """

    name: str
    key: str
    look: Callable[[Outside, str, int], None]
    fire_after: int = 1
    recover_after: int = 1
    repeat: bool = False
    marks: str = BAD + GOOD + NOT_KNOWN

    def __str__(self) -> str:
        return self.name
