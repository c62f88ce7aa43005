"""The SQLite file: topics, subscriptions, and the messages that each subscription has not yet delivered.

A subscription holds its own copy of each message, so that delivering is deleting one row and nothing is counted.
What it acknowledged is in `kept` if it retains that. A snapshot, and a topic that retains its messages, is a holder: its
copies are in `queue` under its number, negated.
Numbers of messages are microseconds since 1970, raised where two would be equal: they grow from one run to the next,
and what is older than a subscription keeps is a range.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra.local.pubsub.journal import Entry, Journal

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, config BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS subscriptions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, config BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS queue (
    subscription INTEGER NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL,
    PRIMARY KEY (subscription, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    subscription INTEGER NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (subscription, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holders (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, config BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, name TEXT NOT NULL, config BLOB NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
"""
_ORPHANS = """
DELETE FROM queue WHERE subscription > 0 AND subscription NOT IN (SELECT number FROM subscriptions)
    OR subscription < 0 AND -subscription NOT IN (SELECT number FROM holders);
DELETE FROM kept WHERE subscription NOT IN (SELECT number FROM subscriptions);
"""

# One step returns a whole page: the journal describes the cost of a step. A page ends at `size` bytes.
_PAGE = """
WITH
    page AS (SELECT id, length(body) AS size FROM queue WHERE subscription = :s AND id > :after ORDER BY id LIMIT :limit),
    sized AS (SELECT id, sum(size) OVER (ORDER BY id) AS total FROM page),
    last AS (SELECT coalesce((SELECT max(id) FROM sized WHERE total <= :size), (SELECT min(id) FROM sized)) AS id)
SELECT json_group_array(json_array(id, attempts, hex(body)))
FROM (SELECT id, attempts, body FROM queue
      WHERE subscription = :s AND id > :after AND id <= (SELECT id FROM last) ORDER BY id)
"""
_GET = """
SELECT json_group_array(json_array(id, attempts, hex(body)))
FROM (SELECT id, attempts, body FROM queue
      WHERE subscription = :s AND id IN (SELECT value FROM json_each(:ids)) ORDER BY id)
"""
_rows = msgspec.json.Decoder(list[tuple[int, int, str]])

Stored = tuple[int, int, bytes]
"""Number, failed deliveries, serialised message."""


@dataclass(frozen=True, slots=True)
class Known:
    """The state when the server started."""

    topics: list[bytes]
    subscriptions: list[tuple[int, bytes]]
    holders: list[tuple[int, bytes]]


class Store:
    """Reads at once, on the event loop; writes through the journal."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = _connect(path)
        writer.executescript(_SCHEMA)
        writer.executescript(_ORPHANS)
        self._reader = _connect(path)
        self._journal = Journal(writer, loop)

    def close(self) -> None:
        """Write what waits and close the file."""
        self._reader.close()
        self._journal.close()

    def known(self) -> Known:
        """The topics and subscriptions."""
        return Known(
            [config for (config,) in self._reader.execute("SELECT config FROM topics ORDER BY name")],
            self._reader.execute("SELECT number, config FROM subscriptions ORDER BY number").fetchall(),
            self._reader.execute("SELECT number, config FROM holders ORDER BY number").fetchall(),
        )

    def last_number(self) -> int:
        """The greatest number of a message that is here, or 0."""
        sql = "SELECT coalesce(max(id), 0) FROM (SELECT id FROM queue UNION ALL SELECT id FROM kept)"
        return int(self._reader.execute(sql).fetchone()[0])

    def oldest(self, number: int) -> int | None:
        """The number of the first message of a subscription."""
        row = self._reader.execute("SELECT min(id) FROM queue WHERE subscription = ?", (number,)).fetchone()
        return None if row[0] is None else int(row[0])

    def page(self, subscription: int, after: int, limit: int, size: int) -> list[Stored]:
        """The first messages after one, at most `limit`, at most `size` bytes unless the first alone is larger."""
        row = self._reader.execute(_PAGE, {"s": subscription, "after": after, "limit": limit, "size": size})
        return _decode(row.fetchone()[0])

    def get(self, subscription: int, ids: list[int]) -> list[Stored]:
        """The messages of these numbers that still wait."""
        return _decode(self._reader.execute(_GET, {"s": subscription, "ids": str(ids)}).fetchone()[0])

    def write(self, entry: Entry) -> asyncio.Future[None]:
        """Write an entry; the future is done when it is on disk."""
        return self._journal.write(entry)

    def resources(self, kind: str) -> list[bytes]:
        """All resources of a kind, which have no messages: schemas, for example."""
        sql = "SELECT config FROM resources WHERE kind = ? ORDER BY name"
        return [config for (config,) in self._reader.execute(sql, (kind,))]

    async def save_resource(self, kind: str, name: str, config: bytes) -> None:
        """Write a resource of a kind."""
        sql = "INSERT OR REPLACE INTO resources VALUES (?, ?, ?)"
        await self.write(Entry(act=lambda connection: connection.execute(sql, (kind, name, config))))

    async def remove_resources(self, kind: str, keys: Iterable[str]) -> None:
        """Delete resources of a kind."""
        rows = [(kind, key) for key in keys]
        sql = "DELETE FROM resources WHERE kind = ? AND name = ?"
        await self.write(Entry(act=lambda connection: connection.executemany(sql, rows)))

    async def save_topic(self, name: str, config: bytes) -> None:
        """Write a topic."""
        sql = "INSERT OR REPLACE INTO topics VALUES (?, ?)"
        await self.write(Entry(act=lambda connection: connection.execute(sql, (name, config))))

    async def delete_topic(self, name: str) -> None:
        """Delete a topic."""
        sql = "DELETE FROM topics WHERE name = ?"
        await self.write(Entry(act=lambda connection: connection.execute(sql, (name,))))

    async def add_subscription(self, name: str, config: bytes) -> int:
        """Write a new subscription; the result is its number."""
        numbers: list[int] = []

        def act(connection: sqlite3.Connection) -> None:
            cursor = connection.execute("INSERT INTO subscriptions (name, config) VALUES (?, ?)", (name, config))
            numbers.append(cursor.lastrowid or 0)

        await self.write(Entry(act=act))
        return numbers[-1]

    async def save_subscription(self, number: int, config: bytes) -> None:
        """Write a subscription that was changed."""
        sql = "UPDATE subscriptions SET config = ? WHERE number = ?"
        await self.write(Entry(act=lambda connection: connection.execute(sql, (config, number))))

    async def delete_subscription(self, number: int) -> None:
        """Delete a subscription and its messages."""

        def act(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM subscriptions WHERE number = ?", (number,))
            clear(connection, number)

        await self.write(Entry(act=act))

    async def expire(self, number: int, before: int) -> None:
        """Delete a subscription's messages before one."""

        def act(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM queue WHERE subscription = ? AND id < ?", (number, before))
            connection.execute("DELETE FROM kept WHERE subscription = ? AND id < ?", (number, before))

        await self.write(Entry(act=act))


def clear(connection: sqlite3.Connection, number: int) -> None:
    """Delete all messages of a subscription or a holder."""
    connection.execute("DELETE FROM queue WHERE subscription = ?", (number,))
    connection.execute("DELETE FROM kept WHERE subscription = ?", (number,))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    connection.execute("PRAGMA page_size = 16384")  # messages are large for rows of a table without row ids
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 128")  # pages: the log beside the file stays at 2 MB
    connection.execute("PRAGMA synchronous = FULL")  # every commit is synced, so that power may fail as well
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def _decode(text: str) -> list[Stored]:
    return [(number, attempts, bytes.fromhex(body)) for number, attempts, body in _rows.decode(text)]
