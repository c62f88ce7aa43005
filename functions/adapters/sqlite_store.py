"""The store as a SQLite file: for one machine, shared by any number of processes and threads.

Every method is one statement, so each is atomic and a process that is killed leaves nothing half done. The file is in
WAL
mode: readers never wait, writers wait for each other.
"""

import json
import math
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.errors import ConflictError
from core.events import stamp
from functions.adapters import request_deadline
from functions.adapters.document_json import decode, encode
from functions.adapters.ports import Data, Document, Due
from functions.adapters.store import check_key, fields, normal

PATIENCE = 10.0
"""Seconds to wait for another writer."""
_TABLE = """
CREATE TABLE IF NOT EXISTS documents (
  collection TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL, revision TEXT NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID
"""
_DUE_TEXT = "json_extract(data, '$.due_at.\"$instant\"')"
_DUE = f"julianday({_DUE_TEXT})"


class SqliteStore:
    """The `Store` port on a file.

    Args:
        path: the file; its folder must exist.
        patience: seconds to wait for another writer before the store counts as not answering.
    """

    def __init__(self, path: str, *, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None

    def get(self, collection: str, key: str) -> Document | None:
        """The document, or None."""
        rows = self._run("SELECT key, data, revision FROM documents WHERE collection = ? AND key = ?", collection, key)
        return _document(rows[0]) if rows else None

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that there are, by key."""
        sql = (
            "SELECT key, data, revision FROM documents WHERE collection = ? AND key IN (SELECT value FROM json_each(?))"
        )
        rows = self._run(sql, collection, json.dumps(list(keys), ensure_ascii=False)) if keys else []
        return {document.key: document for document in map(_document, rows)}

    def create(self, collection: str, key: str, data: Data) -> Document:
        """Write a new document; `ConflictError` when there is one."""
        document = _new(check_key(key), data)
        sql = "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING key"
        if not self._run(sql, collection, key, encode(document.data), document.revision):
            raise ConflictError(f"{collection}/{key}: must be new, but there is one")
        return document

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        """Write over the very revision that was read; `ConflictError` when it is no longer the newest."""
        new = _new(document.key, data)
        sql = "UPDATE documents SET data = ?, revision = ? WHERE collection = ? AND key = ? AND revision = ? RETURNING key"
        self._change(sql, document, collection, encode(new.data), new.revision)
        return new

    def delete(self, document: Document, collection: str) -> None:
        """Delete the very revision that was read; `ConflictError` when it is no longer the newest."""
        sql = "DELETE FROM documents WHERE collection = ? AND key = ? AND revision = ? RETURNING key"
        self._change(sql, document, collection)

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        """The documents whose top-level fields equal `where`, ordered by key, from the one that follows `after` on."""
        conditions, values = _conditions(where or {})
        conditions, values = ["collection = ?", "key > ?", *conditions], [collection, after, *values]
        sql = f"SELECT key, data, revision FROM documents WHERE {' AND '.join(conditions)} ORDER BY key LIMIT ?"  # noqa: S608 - fixed texts; every value is a parameter
        return [_document(row) for row in self._run(sql, *values, limit)]

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        """The documents whose `due_at` is at most `until` and whose fields equal `where`, those that are due longest first."""
        conditions, values = _conditions(where)
        conditions = ["collection = ?", f"{_DUE} <= julianday(?)", *conditions]
        sql = f"SELECT key, {_DUE_TEXT} FROM documents WHERE {' AND '.join(conditions)} ORDER BY {_DUE}, key LIMIT ?"  # noqa: S608 - fixed texts; every value is a parameter
        rows = self._run(sql, collection, stamp(until), *values, limit)
        return [Due(key, datetime.fromisoformat(text)) for key, text in rows]

    def collections(self) -> list[str]:
        """The names of the collections that have documents, in their order."""
        return [name for (name,) in self._run("SELECT DISTINCT collection FROM documents ORDER BY collection")]

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._opened:
                self._opened[1].close()
            self._opened = None

    def _change(self, sql: str, document: Document, collection: str, *values: str) -> None:
        if not self._run(sql, *values, collection, document.key, document.revision):
            raise ConflictError(f"{collection}/{document.key}: somebody else wrote it first")

    def _run(self, sql: str, *values: Any) -> list[tuple[str, ...]]:  # noqa: ANN401 - what SQLite takes
        seconds = request_deadline.within(self._patience)
        try:
            with self._lock:
                connection = self._connection()
                if seconds == self._patience:
                    return connection.execute(sql, values).fetchall()
                return _hurried(connection, seconds, self._patience, sql, values)
        except sqlite3.Error as error:
            raise request_deadline.no_answer(f"store {self._path}: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        # A connection must not cross a fork: a child opens its own, and leaves its parent's alone.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self._open()
        return self._opened[1]

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._patience, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"), self._patience)
            connection.execute("PRAGMA wal_autocheckpoint = 256")  # pages: the log beside the file stays at 1 MB
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchall():
                _patiently(lambda: connection.execute(_TABLE), self._patience)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _hurried(
    connection: sqlite3.Connection, seconds: float, usual: float, sql: str, values: Sequence[Any]
) -> list[tuple[str, ...]]:
    """The rows of a statement that waits for other writers for less than the usual time."""
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {usual * 1000:.0f}")


def _patiently(act: Callable[[], object], patience: float) -> None:
    """Act again while others hold the file: SQLite does not wait by itself where two switch it to WAL at once."""
    until = time.monotonic() + patience
    while True:
        try:
            act()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _new(key: str, data: Data) -> Document:
    # Unique for all time, so that a document deleted and written again is not taken for the one that was read.
    return Document(key=key, data=normal(data), revision=uuid.uuid4().hex)


def _document(row: tuple[str, ...]) -> Document:
    key, data, revision = row
    return Document(key=key, data=decode(data), revision=revision)


def _conditions(where: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """The conditions of a query for fields that have these values, and the values of their parameters."""
    found = [_equals(name, value) for name, value in fields(where).items()]
    return [condition for condition, _ in found], [operand for _, operands in found for operand in operands]


def _equals(name: str, value: Any) -> tuple[str, list[Any]]:  # noqa: ANN401 - JSON
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        condition = "(json_extract(data, ?) = ? AND json_type(data, ?) IN ('integer', 'real'))"
        return condition, [f"$.{name}", value, f"$.{name}"]
    return "data -> ? = ?", [f"$.{name}", encode(value)]
