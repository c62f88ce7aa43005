"""The ports of a function in a test: whatever the test has in the place of the outside."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import flask
from werkzeug.test import EnvironBuilder

from core.errors import UnavailableError
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import BulkBus, Clock, Metrics, Store, Warehouse
from functions.runtime.push import Message, Park
from functions.services.models import Models
from tests.support.fakes.model_table import ModelTable


@dataclass
class Parked:
    """Keeps what is parked."""

    letters: list[tuple[bytes, str, str]] = field(default_factory=list)
    down: bool = False

    def __call__(self, body: bytes, reason: str, message: Message | None) -> None:
        if self.down:
            raise UnavailableError("BigQuery: does not answer")
        reason.encode()
        self.letters.append((body, reason, message.id if message else ""))

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.letters]


class Unused:
    """In the place of a port that the test is not about: whoever asks it for anything fails."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: no port of this kind in this test")


class NoSeries:
    """In the place of Prometheus: it has no metric at all."""

    def instant(self, query: str, *, at: int) -> list[Any]:
        return []

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Any]:
        return []


@dataclass(kw_only=True)
class MemoryPorts:
    """The twin of `Ports`."""

    function: str
    store: Store = field(default_factory=Unused)
    bus: BulkBus = field(default_factory=Unused)
    warehouse: Warehouse = field(default_factory=Unused)
    metrics: Metrics
    prometheus: Any = field(default_factory=NoSeries)
    park: Park = field(default_factory=Parked)
    models: Models | None = None
    settings: Settings = field(default_factory=lambda: Settings(jobs={}))
    cron: str = "* * * * *"
    clock: Clock = lambda: datetime.now(UTC)
    project: str = "aia-test"

    def __post_init__(self) -> None:
        self.models = self.models or Models(self.settings.models, ModelTable(), self.clock)

    def settle(self) -> None:
        """Nobody watches."""

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.store, self.clock, self.function)


def push(data: bytes, published_at: str = "2026-01-02T12:00:00Z", **message: Any) -> bytes:
    """The body of a push request."""
    inner = {"messageId": "7", "publishTime": published_at, "data": base64.b64encode(data).decode()} | message
    return json.dumps({"message": inner, "subscription": "projects/p/subscriptions/s"}).encode()


def posted(body: bytes, **environ: Any) -> flask.Request:
    """A request as functions-framework gives it."""
    return flask.Request(EnvironBuilder(method="POST", data=body, **environ).get_environ())
