"""The single writer of the SQLite file: pending writes are committed together, and only then confirmed.

It runs in a separate thread. sqlite3 gives up the interpreter lock at every step of a statement and may wait
milliseconds to get it back, so a group is written in few steps: many rows to a statement.
"""

import asyncio
import json
import logging
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue

log = logging.getLogger(__name__)

Row = tuple[int, int, bytes]
"""A waiting message: subscription number, message number, serialised message."""
Act = Callable[[sqlite3.Connection], object]

_CHUNKS = (256, 16, 1)  # few different statements, so that each is prepared once


@dataclass(slots=True)
class Entry:
    """Writes that are committed together, and their callbacks on the event loop."""

    rows: Sequence[Row] = ()
    attempts: Sequence[tuple[int, int, int]] = ()
    """Subscription, message, failed deliveries."""
    done: Sequence[tuple[int, int]] = ()
    """Subscription, message: delivered, so deleted."""
    kept: Sequence[tuple[int, int]] = ()
    """The same, of a subscription that retains what was acknowledged."""
    act: Act | None = None
    then: Callable[[], None] | None = None
    future: asyncio.Future[None] | None = field(default=None)


class Journal:
    """Commits entries in the order in which they came."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._waiting: SimpleQueue[Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal")
        self._thread.start()

    def write(self, entry: Entry) -> asyncio.Future[None]:
        """Write an entry; the future is done when it is on disk. Must be called on the event loop."""
        entry.future = self._loop.create_future()
        self._waiting.put(entry)
        return entry.future

    def close(self) -> None:
        """Write what waits, and stop."""
        self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first, *self._more()]
            self._commit(group)

    def _more(self) -> list[Entry]:
        """What waits behind the first entry; the end is put back."""
        more: list[Entry] = []
        for _ in range(self._waiting.qsize()):
            entry = self._waiting.get()
            if entry is None:
                self._waiting.put(None)
                break
            more.append(entry)
        return more

    def _commit(self, group: list[Entry]) -> None:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                _write(self._connection, group)
        except Exception as error:  # whoever waits must hear of it, and the one writer must go on
            if len(group) > 1:  # one bad entry must not fail its neighbours
                for entry in group:
                    self._commit([entry])
                return
            log.exception("not written")
            self._loop.call_soon_threadsafe(_fail, group[0], error)
        else:
            self._loop.call_soon_threadsafe(_confirm, group)


def _confirm(group: list[Entry]) -> None:
    for entry in group:
        if entry.then:
            entry.then()
        if entry.future and not entry.future.done():
            entry.future.set_result(None)


def _fail(entry: Entry, error: Exception) -> None:
    if entry.future and not entry.future.done():
        entry.future.set_exception(error)


def _write(connection: sqlite3.Connection, group: list[Entry]) -> None:
    _insert(connection, [row for entry in group for row in entry.rows])
    _update(connection, [triple for entry in group for triple in entry.attempts])
    kept = [pair for entry in group for pair in entry.kept]
    _keep(connection, kept)
    _delete(connection, [*(pair for entry in group for pair in entry.done), *kept])
    for entry in group:
        if entry.act:
            entry.act(connection)


def _insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    remaining = iter(rows)
    chunk = list(islice(remaining, _CHUNKS[0]))
    while chunk:
        size = next(size for size in _CHUNKS if size <= len(chunk))
        values = ",".join(["(?,?,?)"] * size)
        connection.execute(
            f"INSERT INTO queue (subscription, id, body) VALUES {values}",  # noqa: S608 - question marks only
            [value for row in chunk[:size] for value in row],
        )
        chunk = chunk[size:] or list(islice(remaining, _CHUNKS[0]))


def _update(connection: sqlite3.Connection, triples: Iterable[tuple[int, int, int]]) -> None:
    latest = {(subscription, message): attempts for subscription, message, attempts in triples}
    if latest:
        connection.execute(
            """
            UPDATE queue SET attempts = new.attempts
            FROM (SELECT value ->> 0 AS subscription, value ->> 1 AS id, value ->> 2 AS attempts FROM json_each(?)) AS new
            WHERE queue.subscription = new.subscription AND queue.id = new.id
            """,
            (json.dumps([(*key, attempts) for key, attempts in latest.items()]),),
        )


def _keep(connection: sqlite3.Connection, pairs: Iterable[tuple[int, int]]) -> None:
    _each(
        connection,
        """
        INSERT OR REPLACE INTO kept SELECT subscription, id, body FROM queue
        WHERE subscription = ? AND id IN (SELECT value FROM json_each(?))
        """,
        pairs,
    )


def _delete(connection: sqlite3.Connection, pairs: Iterable[tuple[int, int]]) -> None:
    _each(connection, "DELETE FROM queue WHERE subscription = ? AND id IN (SELECT value FROM json_each(?))", pairs)


def _each(connection: sqlite3.Connection, sql: str, pairs: Iterable[tuple[int, int]]) -> None:
    """Run a statement once a subscription, with its messages."""
    grouped: defaultdict[int, list[int]] = defaultdict(list)
    for subscription, message in pairs:
        grouped[subscription].append(message)
    for subscription, messages in grouped.items():
        connection.execute(sql, (subscription, json.dumps(messages)))
