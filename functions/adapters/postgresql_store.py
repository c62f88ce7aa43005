"""The store on PostgreSQL: for any number of processes on any number of machines.

Every method is one statement, which the server commits or not: a write is conditional on the revision that was read. `data` is the
document as it was written, to the last digit (https://www.postgresql.org/docs/current/datatype-json.html: `jsonb` keeps neither -0.0
nor the text of a number, and no NUL). `fields` has what documents are looked up by, as `jsonb` with an index.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors

from core.errors import ConflictError
from functions.adapters import request_deadline
from functions.adapters.document_json import decode, encode
from functions.adapters.ports import Data, Document, Due
from functions.adapters.postgresql_pool import Pool
from functions.adapters.postgresql_schema import prepare
from functions.adapters.store import check_key, fields, is_plain, normal

PATIENCE = 10.0
"""Seconds until the server counts as not answering."""
_LONGEST = 200
"""Characters of a text that is looked up as it stands; a longer one is by its hash."""
_COLUMNS = "SELECT key, data::text, revision FROM aia_documents WHERE collection = %s"
_GET = f"{_COLUMNS} AND key = %s"
_GET_MANY = f"{_COLUMNS} AND key = ANY(%s)"
_CREATE = """
INSERT INTO aia_documents (collection, key, data, fields, due_at, revision) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING key
"""
_REPLACE = """
UPDATE aia_documents SET data = %s, fields = %s, due_at = %s, revision = %s
WHERE collection = %s AND key = %s AND revision = %s RETURNING key
"""
_DELETE = "DELETE FROM aia_documents WHERE collection = %s AND key = %s AND revision = %s RETURNING key"
_FIND = f"{_COLUMNS} AND key > %s {{}} ORDER BY key LIMIT %s"
_DUE = "SELECT key, due_at FROM aia_documents WHERE collection = %s AND due_at <= %s {} ORDER BY due_at, key LIMIT %s"
_COLLECTIONS = "SELECT DISTINCT collection FROM aia_documents ORDER BY collection"
_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)


class PostgresqlStore:
    """The `Store` port on a PostgreSQL server.

    Args:
        url: of the server, as in `AIA_STORE`.
        patience: seconds until the server counts as not answering.

    Raises:
        ValueError: the address is none.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        self._pool = Pool(url, patience, prepare)

    def get(self, collection: str, key: str) -> Document | None:
        """The document, or None."""
        rows = self._run(_GET, collection, check_key(key))
        return _document(rows[0]) if rows else None

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that there are, by key."""
        rows = self._run(_GET_MANY, collection, [check_key(key) for key in keys]) if keys else []
        return {document.key: document for document in map(_document, rows)}

    def create(self, collection: str, key: str, data: Data) -> Document:
        """Write a new document; `ConflictError` when there is one."""
        document = _new(check_key(key), data)
        if not self._run(_CREATE, collection, key, *_columns(document)):
            raise ConflictError(f"{collection}/{key}: must be new, but there is one")
        return document

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        """Write over the very revision that was read; `ConflictError` when it is no longer the newest."""
        new = _new(document.key, data)
        self._change(_REPLACE, document, collection, *_columns(new))
        return new

    def delete(self, document: Document, collection: str) -> None:
        """Delete the very revision that was read; `ConflictError` when it is no longer the newest."""
        self._change(_DELETE, document, collection)

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        """The documents whose top-level fields equal `where`, ordered by key, from the one that follows `after` on."""
        condition, values = _condition(where or {})
        return [_document(row) for row in self._run(_FIND.format(condition), collection, after, *values, limit)]

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        """The documents whose `due_at` is at most `until` and whose fields equal `where`, those that are due longest first."""
        condition, values = _condition(where)
        rows = self._run(_DUE.format(condition), collection, until, *values, limit)
        return [Due(key, at.astimezone(UTC)) for key, at in rows]

    def collections(self) -> list[str]:
        """The names of the collections that have documents, in their order."""
        return [name for (name,) in self._run(_COLLECTIONS)]

    def close(self) -> None:
        """Close the connections; the next use opens one again."""
        self._pool.close()

    def _change(self, sql: str, document: Document, collection: str, *values: object) -> None:
        if not self._run(sql, *values, collection, document.key, document.revision):
            raise ConflictError(f"{collection}/{document.key}: somebody else wrote it first")

    def _run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._answers(), self._pool.connection() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except _CONFLICTS as error:
            raise ConflictError(f"AIA_STORE, {self._pool.where}: {_told(error)}") from error
        except psycopg.Error as error:
            raise request_deadline.no_answer(f"AIA_STORE, {self._pool.where}: {_told(error)}") from error


def _new(key: str, data: Data) -> Document:
    # Unique for all time, so that a document deleted and written again is not taken for the one that was read.
    return Document(key=key, data=normal(data), revision=uuid.uuid4().hex)


def _document(row: tuple[Any, ...]) -> Document:
    key, data, revision = row
    return Document(key=key, data=decode(data), revision=revision)


def _columns(document: Document) -> tuple[str, str, datetime | None, str]:
    """The values of `data`, `fields`, `due_at` and `revision`."""
    due_at = document.data.get("due_at")
    at = due_at if isinstance(due_at, datetime) else None
    return encode(document.data), _searched(document.data), at, document.revision


def _condition(where: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The condition of a query for fields that have these values, and the value of its parameter."""
    return ("AND fields @> %s", [_searched(fields(where))]) if where else ("", [])


def _searched(data: Data) -> str:
    """The fields by which a document is found: single values with plain names."""
    single = {name: value for name, value in data.items() if is_plain(name) and not isinstance(value, (dict, list))}
    return encode({name: _short(value) for name, value in single.items()})


def _short(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value; a hash of a long text, which need not be there twice, or of one with a NUL, which `jsonb` refuses."""
    if isinstance(value, str) and (len(value) > _LONGEST or "\0" in value):
        return {"sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def _told(error: psycopg.Error) -> str:
    """What the server or libpq says, in one line; neither repeats a password."""
    return "; ".join(filter(None, (line.strip() for line in str(error).splitlines()))) or type(error).__name__
