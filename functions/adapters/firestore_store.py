"""The store on Firestore: a write is conditional on the update time of the document that was read, so that no update is lost.

Beside its `data`, a document has the fields that Firestore itself needs: `expires_at`, for a TTL policy, and `write`,
which is different each time. Without it, Firestore would leave the update time as it is when a document is written over
with the same data, and two writers with the same revision would both succeed.
"""

import functools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from core.errors import ConflictError
from functions.adapters import request_deadline
from functions.adapters.ports import Data, Document, Due
from functions.adapters.store import PAGE, check_key, fields, normal

PATIENCE = 10.0
"""Seconds until Firestore counts as not answering."""
_ITEMS = "$items"
_CONFLICTS = (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.Aborted, exceptions.NotFound)
_passing = if_exception_type(exceptions.ServiceUnavailable, exceptions.InternalServerError, exceptions.TooManyRequests)


class FirestoreStore:
    """The `Store` port on Firestore.

    Args:
        project: the Google Cloud project.
        database: the database, or None for the default one.
        patience: seconds until Firestore counts as not answering.
    """

    def __init__(self, project: str, *, database: str | None = None, patience: float = PATIENCE) -> None:
        self._project = project
        self._database = database
        self._patience = patience

    def get(self, collection: str, key: str) -> Document | None:
        """The document, or None."""
        with self._answers(collection, key):
            snapshot = self._reference(collection, key).get(**self._limits)
        return _document(snapshot) if snapshot.exists else None

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that there are, by key, some hundred with each request."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Document] = {}
        for first in range(0, len(wanted), PAGE):
            with self._answers(collection, "*"):
                references = [self._reference(collection, key) for key in wanted[first : first + PAGE]]
                snapshots = list(self._client.get_all(references, **self._limits))
            documents = [_document(snapshot) for snapshot in snapshots if snapshot.exists]
            found |= {document.key: document for document in documents}
        return found

    def create(self, collection: str, key: str, data: Data) -> Document:
        """Write a new document; `ConflictError` when there is one."""
        kept = normal(data)
        with self._answers(collection, key):
            result = self._reference(collection, key).create(_body(kept), **self._limits)
        return Document(key=key, data=kept, revision=_revision(result))

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        """Write over the very revision that was read; `ConflictError` when it is no longer the newest."""
        kept = normal(data)
        with self._answers(collection, document.key):
            reference = self._reference(collection, document.key)
            result = reference.update(_body(kept), option=self._unless_changed(document), **self._limits)
        return Document(key=document.key, data=kept, revision=_revision(result))

    def delete(self, document: Document, collection: str) -> None:
        """Delete the very revision that was read; `ConflictError` when it is no longer the newest."""
        with self._answers(collection, document.key):
            reference = self._reference(collection, document.key)
            reference.delete(option=self._unless_changed(document), **self._limits)

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        """The documents whose top-level fields equal `where`, ordered by key, from the one that follows `after` on."""
        with self._answers(collection, "*"):
            query = self._filtered(self._client.collection(collection), where or {}).order_by("__name__").limit(limit)
            if after:
                query = query.start_after({"__name__": self._reference(collection, after)})
            return [_document(snapshot) for snapshot in query.get(**self._limits)]

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        """The documents whose `due_at` is at most `until` and whose fields equal `where`, those that are due longest first.

        A composite index has the fields of `where` and `due_at`.
        """
        field = FieldPath("data", "due_at").to_api_repr()
        with self._answers(collection, "*"):
            query = self._filtered(self._client.collection(collection), where)
            query = query.where(filter=FieldFilter(field, "<=", until)).order_by(field).select([field]).limit(limit)
            found = query.get(**self._limits)
            return [Due(read(snapshot.id), _decoded(snapshot.get(field))) for snapshot in found]

    def collections(self) -> list[str]:
        """The names of the collections that have documents, in their order."""
        with self._answers("*", "*"):
            return sorted(one.id for one in self._client.collections(**self._limits))

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        if "_client" in self.__dict__:
            self.__dict__.pop("_client").close()

    @functools.cached_property
    def _client(self) -> firestore.Client:
        return firestore.Client(project=self._project, database=self._database)

    @property
    def _limits(self) -> dict[str, Any]:
        seconds = request_deadline.within(self._patience)
        retry = Retry(predicate=_passing, initial=0.1, maximum=1.0, timeout=seconds)
        return {"retry": retry, "timeout": seconds}

    def _reference(self, collection: str, key: str) -> firestore.DocumentReference:
        return self._client.collection(collection).document(spell(check_key(key)))

    @staticmethod
    def _filtered(query: Any, where: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the client is not typed
        for name, value in fields(where).items():
            query = query.where(filter=FieldFilter(FieldPath("data", name).to_api_repr(), "==", value))
        return query

    def _unless_changed(self, document: Document) -> Any:  # noqa: ANN401 - the client is not typed
        read_at = DatetimeWithNanoseconds.from_rfc3339(document.revision)  # type: ignore[no-untyped-call]  # Google's
        return self._client.write_option(last_update_time=read_at)

    @contextmanager
    def _answers(self, collection: str, key: str) -> Iterator[None]:
        try:
            yield
        except _CONFLICTS as error:
            raise ConflictError(f"{collection}/{key}: somebody else wrote it first") from error
        except exceptions.InvalidArgument as error:
            raise ValueError(f"{collection}/{key}: Firestore refuses it: {error.message}") from error
        except (exceptions.GoogleAPICallError, exceptions.RetryError, GoogleAuthError) as error:
            raise request_deadline.no_answer(f"Firestore of {self._project}, {collection}/{key}: {error}") from error


def spell(key: str) -> str:
    """A key as an identifier of Firestore, which may hold no slash; the order of keys stays the same.

    >>> spell("model/flight-delay:drift"), read(spell("a.b/c"))
    ('model.1flight-delay:drift', 'a.b/c')
    """
    return key.replace(".", ".0").replace("/", ".1")


def read(identifier: str) -> str:
    """The key behind the result of `spell`."""
    return identifier.replace(".1", "/").replace(".0", ".")


def _document(snapshot: Any) -> Document:  # noqa: ANN401 - the client's types are wrong about its instants
    return Document(key=read(snapshot.id), data=_decoded(snapshot.get("data")), revision=_revision(snapshot))


def _revision(written: Any) -> str:  # noqa: ANN401 - as above
    revision: str = written.update_time.rfc3339()
    return revision


def _body(data: Data) -> dict[str, Any]:
    expires_at = data.get("expires_at")
    return {
        "data": _encoded(data),
        "expires_at": expires_at if isinstance(expires_at, datetime) else None,
        "write": uuid.uuid4().hex,
    }


def _encoded(value: Any, *, in_list: bool = False) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {f"${name}" if name.startswith("$") else name: _encoded(item) for name, item in value.items()}
    if isinstance(value, list):
        items = [_encoded(item, in_list=True) for item in value]
        return {_ITEMS: items} if in_list else items  # Firestore takes no list in a list
    return value


def _decoded(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case {"$items": list(items)}:
            return _decoded(items)
        case dict():
            return {name.removeprefix("$"): _decoded(item) for name, item in value.items()}
        case list():
            return [_decoded(item) for item in value]
        case datetime():
            return datetime.combine(value.date(), value.timetz())  # the client has a class of its own
    return value
