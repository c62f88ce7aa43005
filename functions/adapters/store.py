"""The store: which one an address means, and how a document is changed.

sqlite:///var/aia/store.db      a file on this machine, for many processes at once
firestore://                    Firestore, the default database of the project
firestore://NAME                Firestore, another database of the project
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.errors import ConflictError
from functions.adapters.ports import Data, Document, Store

PAGE = 100
"""Documents that are read at once where all are: a hundred of the largest are as much as an instance may hold."""
_ATTEMPTS = 24


def open_store(url: str, project: str) -> Store:
    """The store at an address; it is first spoken to when it is used.

    Args:
        url: as in the environment variable `AIA_STORE`.
        project: the Google Cloud project, for Firestore.

    Raises:
        ValueError: the address is none of a store.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from functions.adapters.sqlite_store import SqliteStore  # noqa: PLC0415 - each costs only those who use it

        return SqliteStore(rest)
    if separator and scheme == "firestore" and "/" not in rest:
        from functions.adapters.firestore_store import FirestoreStore  # noqa: PLC0415 - takes 300 ms to import

        return FirestoreStore(project, database=rest or None)
    raise ValueError(f"AIA_STORE: must be sqlite:///absolute/path or firestore://[database], got {url!r}")


def update(store: Store, collection: str, key: str, change: Callable[[Data | None], Data | None]) -> Data:
    """Read a document, change it, and write it back, again when somebody else wrote it in between.

    Args:
        store: where it is.
        collection: the collection.
        key: the key of the document.
        change: given what is there, or None, returns what shall be there, or None to leave it as it is. It may be
            called several times, so it must do nothing but compute.

    Returns:
        What is there afterwards; empty where nothing is.

    Raises:
        ConflictError: somebody else was faster every time.
    """
    for attempt in range(_ATTEMPTS):
        found = store.get(collection, key)
        wanted = change(found.data if found else None)
        if wanted is None:
            return found.data if found else {}
        try:
            if found is None:
                return store.create(collection, key, wanted).data
            return store.replace(found, collection, wanted).data
        except ConflictError:
            # full jitter, so that writers who collided once do not collide again
            time.sleep(random.uniform(0, min(1.0, 0.005 * 2**attempt)))  # noqa: S311 - spreads load, keeps no secret
    raise ConflictError(f"{collection}/{key}: somebody else wrote it first, {_ATTEMPTS} times in a row")


def every(
    store: Store, collection: str, *, where: Mapping[str, Any] | None = None, page: int = PAGE
) -> Iterator[Document]:
    """All documents whose top-level fields equal `where`, ordered by key, however many there are.

    Args:
        store: where they are.
        collection: the collection.
        where: as for `Store.find`.
        page: how many are read, and held, at once.
    """
    after = ""
    while found := store.find(collection, where=where, after=after, limit=page):
        yield from found
        if len(found) < page:
            return
        after = found[-1].key
