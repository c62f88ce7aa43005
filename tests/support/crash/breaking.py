"""An outside in memory that ends where a test wants it: every call of a port passes boundaries, and any may be the last."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from core.errors import ConflictError, UnavailableError
from core.metrics import MetricKind, check
from functions.adapters.ports import Data, Document, Due
from functions.adapters.store import normal
from tests.support.fakes.stores import WrappedStore

T = TypeVar("T")
START = datetime(2026, 1, 2, 9, tzinfo=UTC)


class KilledError(BaseException):
    """The process is gone; no handler may catch it, so it is no `Exception`."""


@dataclass
class Breaking:
    """What any outside has: a clock, documents, metrics, and boundaries of which one may end the process.

    Attributes:
        now: of its clock.
        documents: by collection and key.
        counts: of the counters, by name and labels.
        gauges: by name and labels.
        boundaries: how many were passed.
        kill_at: the one at which the process ends; 0 for none.
        dead: whether the process has ended.
        chance: below .02 a boundary does not answer.
    """

    now: datetime = START
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    gauges: dict[tuple[str, ...], float] = field(default_factory=dict)
    boundaries: int = 0
    kill_at: int = 0
    dead: bool = False
    chance: Callable[[], float] = lambda: 1.0

    def boundary(self) -> None:
        self.boundaries += 1
        self.passing()
        if self.dead or self.boundaries == self.kill_at:
            self.dead = True
            self.excuse()
            raise KilledError
        if self.chance() < 0.02:
            self.excuse()
            raise UnavailableError("the outside does not answer")

    def passing(self) -> None:
        """What happens at a boundary before anything can end there."""

    def excuse(self) -> None:
        """What happened and is not confirmed when something breaks may happen again: nobody can know."""

    def saved(self, collection: str, data: Data) -> None:
        """What follows from a document that was just written."""


@dataclass
class MemoryStore:
    world: Breaking
    revision: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    """A write compares and sets at once, as those of every store do."""

    def get(self, collection: str, key: str) -> Document | None:
        self.world.boundary()
        return self.world.documents.get((collection, key))

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        self.world.boundary()
        found = {key: self.world.documents.get((collection, key)) for key in keys}
        return {key: document for key, document in found.items() if document is not None}

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self._write(collection, key, data, None)

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self._write(collection, document.key, data, document)

    def delete(self, document: Document, collection: str) -> None:
        self.world.boundary()
        with self.lock:
            if self.world.documents.get((collection, document.key)) != document:
                raise ConflictError(f"{collection}/{document.key}")
            del self.world.documents[collection, document.key]
        self.world.boundary()

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        self.world.boundary()
        named = [
            document for (name, key), document in self.world.documents.items() if name == collection and key > after
        ]
        wanted = [one for one in named if all(one.data.get(name) == value for name, value in (where or {}).items())]
        return sorted(wanted, key=lambda document: document.key)[:limit]

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        found = self.find(collection, where=where, limit=len(self.world.documents) + 1)
        due = [Due(one.key, one.data["due_at"]) for one in found if one.data.get("due_at")]
        return sorted((one for one in due if one.at <= until), key=lambda one: one.at)[:limit]

    def collections(self) -> list[str]:
        self.world.boundary()
        return sorted({collection for collection, _ in self.world.documents})

    def _write(self, collection: str, key: str, data: Data, expected: Document | None) -> Document:
        self.world.boundary()
        with self.lock:
            if self.world.documents.get((collection, key)) != expected:
                raise ConflictError(f"{collection}/{key}")
            self.revision += 1
            document = Document(key=key, data=normal(data), revision=str(self.revision))
            self.world.documents[collection, key] = document
            self.world.saved(collection, data)
        self.world.boundary()
        return document


@dataclass
class MirroredStore(WrappedStore):
    """A real store whose calls pass boundaries; the world has a copy of what is written, by which it is judged."""

    world: Breaking

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self._written(collection, self._through(lambda: self.inner.create(collection, key, data)))

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self._written(collection, self._through(lambda: self.inner.replace(document, collection, data)))

    def delete(self, document: Document, collection: str) -> None:
        self._through(lambda: self.inner.delete(document, collection))
        del self.world.documents[collection, document.key]
        self.world.boundary()

    def get(self, collection: str, key: str) -> Document | None:
        return self._through(lambda: self.inner.get(collection, key))

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        return self._through(lambda: self.inner.get_many(collection, keys))

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        return self._through(lambda: self.inner.find(collection, where=where, after=after, limit=limit))

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        return self._through(lambda: self.inner.due(collection, where=where, until=until, limit=limit))

    def _through(self, act: Callable[[], T]) -> T:
        self.world.boundary()
        try:
            return act()
        except UnavailableError:
            self.world.excuse()
            raise

    def _written(self, collection: str, document: Document) -> Document:
        self.world.documents[collection, document.key] = document
        self.world.saved(collection, document.data)
        self.world.boundary()
        return document


@dataclass
class MemoryMetrics:
    world: Breaking

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        check(name, MetricKind.GAUGE, labels)
        self.world.gauges[name, *labels.values()] = value

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        check(name, MetricKind.COUNTER, labels)
        self.world.counts[name, *labels.values()] += int(by)

    def flush(self) -> None:
        pass
