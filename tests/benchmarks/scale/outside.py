"""The outside of drift_score in memory, for very many models: what it costs itself is measured apart."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import ConflictError
from core.events import Event, Finding
from functions.adapters.events import encode
from functions.adapters.ports import Data, Document
from tests.support.fakes.recorders import RecordingMetrics


@dataclass
class Meter:
    """What calls of ports came to.

    Attributes:
        calls: by name.
        seconds: CPU of the fakes.
        wait: seconds that a read takes that a real service would answer.
    """

    wait: float
    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, name: str, answer: Callable[[], Any], *, waits: bool = False) -> Any:
        if waits:
            time.sleep(self.wait)
        started = time.thread_time()
        try:
            return answer()
        finally:
            spent = time.thread_time() - started
            with self._lock:
                self.calls[name] += 1
                self.seconds += spent


@dataclass
class MemoryStore:
    """Documents; profiles are read after a wait."""

    meter: Meter
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    profile: Callable[[str], Data | None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, collection: str, key: str) -> Document | None:
        return self.meter.call("store", lambda: self._get(collection, key), waits=collection == "profiles")

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        def there() -> dict[str, Document]:
            return {key: found for key in keys if (found := self._get(collection, key))}

        return self.meter.call("store", there, waits=collection == "profiles")

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self.meter.call("store", lambda: self._write(collection, key, data, None))

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self.meter.call("store", lambda: self._write(collection, document.key, data, document))

    def delete(self, document: Document, collection: str) -> None:
        self.meter.call("store", lambda: self.documents.pop((collection, document.key)))

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        assert where is None, "find: scoring looks for the next document of a key only"

        def following() -> list[Document]:
            keys = sorted(key for name, key in list(self.documents) if name == collection and key > after)[:limit]
            return [self.documents[collection, key] for key in keys]

        return self.meter.call("store", following)

    def _get(self, collection: str, key: str) -> Document | None:
        if collection == "profiles":
            data = self.profile(key)
            return Document(key, data, "1") if data else None
        return self.documents.get((collection, key))

    def _write(self, collection: str, key: str, data: Data, expected: Document | None) -> Document:
        with self._lock:
            if self.documents.get((collection, key)) != expected:
                raise ConflictError(f"{collection}/{key}")
            revision = str(int(expected.revision) + 1) if expected else "1"
            document = self.documents[collection, key] = Document(key, dict(data), revision)
            return document


@dataclass
class MemoryWarehouse:
    """BigQuery; a statement that reads takes its time. Of what is appended the newest rows of each table are kept."""

    meter: Meter
    answer: Callable[[str, Data], list[Data]]
    statements: list[tuple[str, Data]] = field(default_factory=list)
    appended: dict[str, Sequence[Data]] = field(default_factory=dict)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.statements.append((sql, parameters))
        found: list[Data] = self.meter.call(
            "statements", lambda: self.answer(sql, parameters), waits="window_counts" in sql
        )
        return found

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        return iter(self.query(sql, **parameters))

    def append(self, table: str, rows: Sequence[Data], **_: Any) -> None:
        self.meter.call("appends", lambda: self.appended.update({table: rows}))


@dataclass
class MemoryBus:
    """Keeps what is published, by topic."""

    meter: Meter
    published: list[tuple[str, bytes]] = field(default_factory=list)
    findings: int = 0

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.findings += isinstance(event, Finding)
        self.meter.call("messages", lambda: self.published.append((topic, encode(event))))

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        for event in events:
            self.publish(topic, event)

    def taken(self, topic: str) -> list[bytes]:
        """What is on a topic, which is empty then."""
        found = [data for name, data in self.published if name == topic]
        self.published = [one for one in self.published if one[0] != topic]
        return found


@dataclass
class MeteredMetrics:
    """Keeps metrics, and what keeping them costs is the fake's: the client's own part is measured by its tests."""

    meter: Meter
    kept: RecordingMetrics = field(default_factory=RecordingMetrics)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        self.meter.call("gauges", lambda: self.kept.gauge(name, value, at=at, **labels))

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        self.meter.call("counters", lambda: self.kept.count(name, by, **labels))

    def flush(self) -> None:
        self.meter.calls["flushes"] += 1
