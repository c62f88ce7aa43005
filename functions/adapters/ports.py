"""The ports: the interfaces through which functions use external systems."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from core.events import Event

Data = dict[str, Any]
"""The fields of a document or row: names to JSON values; instants are aware datetimes."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the store, with the revision that a later write may insist on."""

    key: str
    data: Data
    revision: str


class Due(NamedTuple):
    """A document that is due, without its fields."""

    key: str
    at: datetime


class Store(Protocol):
    """The transactional state.

    Every method raises `UnavailableError` when the store does not answer.
    """

    def get(self, collection: str, key: str) -> Document | None:
        """The document, or None."""
        ...

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that there are, by key; however many are asked for."""
        ...

    def create(self, collection: str, key: str, data: Data) -> Document:
        """Write a new document; `ConflictError` when there is one."""
        ...

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        """Write over the very revision that was read; `ConflictError` when it is no longer the newest."""
        ...

    def delete(self, document: Document, collection: str) -> None:
        """Delete the very revision that was read; `ConflictError` when it is no longer the newest."""
        ...

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        """The documents whose top-level fields equal `where`, ordered by key, from the one that follows the key `after` on."""
        ...

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        """The documents whose `due_at` is at most `until` and whose fields equal `where`, those that are due longest first."""
        ...


class ListedStore(Store, Protocol):
    """Names its collections as well."""

    def collections(self) -> list[str]:
        """The names of the collections that have documents, in their order."""
        ...


class ConnectedStore(ListedStore, Protocol):
    """Has a connection, or a file that is open."""

    def close(self) -> None:
        """Close it; the next use opens it again."""
        ...


class PubsubMessage(NamedTuple):
    """A message as it is published on a topic."""

    data: bytes
    attributes: Mapping[str, str]


class Bus(Protocol):
    """Publishes events."""

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        """Return when the bus has the event; `UnavailableError` when it does not answer."""
        ...


class BulkBus(Bus, Protocol):
    """Publishes many events at once as well."""

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Return when the bus has all of them, in their order; `UnavailableError` when it does not answer.

        The first of them may have been accepted.
        """
        ...


class RowBus(Bus, Protocol):
    """Publishes rows as well, which a subscription writes into a table directly."""

    def publish_rows(self, topic: str, rows: Sequence[Data], **attributes: str) -> None:
        """Return when the bus has all of them; `UnavailableError` when it does not answer.

        Some of them may have been accepted.
        """
        ...


class RawBus(BulkBus, Protocol):
    """Publishes messages as they once were as well."""

    def publish_raw(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        """Return when the bus has all of them; `UnavailableError` when it does not answer."""
        ...


class Warehouse(Protocol):
    """The history."""

    def query(self, sql: str, **parameters: Any) -> list[Data]:  # noqa: ANN401 - a parameter is any JSON value
        """Run a GoogleSQL statement; values are named query parameters, never part of the text.

        Raises:
            QueryError: the statement is refused; the message names the table or column that is missing.
            UnavailableError: the warehouse does not answer.
        """
        ...

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        """Append rows as they stand, perhaps twice; readers deduplicate by the row's own id.

        Args:
            table: the table.
            rows: however many; they are appended in parts.
            together: a column; neighbours with the same value of it are in one part, which is appended whole or not at all.

        Raises:
            QueryError: the warehouse refuses a row.
            UnavailableError: it does not answer; the first parts may be there.
        """
        ...


class StreamedWarehouse(Warehouse, Protocol):
    """Gives large results bit by bit as well."""

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:  # noqa: ANN401 - as of `query`
        """Run a statement as `query` does when its first row is asked for, and give its rows as they are asked for.

        Args:
            sql: the statement.
            at_once: rows that are read, and held, at once.
            parameters: of the statement.

        Raises:
            QueryError: the statement is refused.
            UnavailableError: the warehouse does not answer, or no more: the rows before were given.
        """
        ...


class MeteredWarehouse(StreamedWarehouse, Protocol):
    """Says what a statement would read as well."""

    def bytes_of(self, sql: str, **parameters: Any) -> int:  # noqa: ANN401 - as of `query`
        """The bytes that a statement would read, at most, without running it; 0 also where the warehouse does not measure.

        Raises:
            QueryError: the statement is refused.
            UnavailableError: the warehouse does not answer.
        """
        ...


class Metrics(Protocol):
    """Writes metrics of the catalogue in `core.metrics`."""

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        """Set a gauge; `at` is the instant the value is about (now when absent)."""
        ...

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        ...

    def flush(self) -> None:
        """Send the pending points when it is time; never raises."""
        ...


Clock = Callable[[], datetime]
"""Now, in UTC; used for leases, logs and the time of notifications, never for scores."""
