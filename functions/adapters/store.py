"""Documents of the store: what every store accepts, and how a document is changed and read."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import EllipsisType
from typing import Any, TypeAlias

import msgspec

from core.errors import ConflictError
from functions.adapters.ports import Data, Document, Store

LONGEST_KEY = 750
"""Bytes; Firestore allows 1,500, and its adapter spells some characters with two."""
DEEPEST = 18
"""Mappings and lists in each other; Firestore allows 20 and two are its adapter's."""
LARGEST = 1_000_000
"""Bytes of a document as Firestore counts them; it allows 1 MiB with the name and the adapter's own fields."""
_RESERVED = re.compile(r"__.*__", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT64 = 1 << 63
_PLAIN = frozenset({type(None), bool, float})
_AS_JSON = 4
"""How many times as much as its JSON a document may take: a number takes eight bytes, and two in JSON with its comma."""
_encode = msgspec.json.Encoder(enc_hook=float).encode  # of a number of NumPy's
_Path: TypeAlias = "tuple[_Path, str | int] | None"
"""Where a value is in a document: the place of what holds it, and its name or number there."""
PAGE = 100
"""Documents per page of a full scan: a hundred of the largest fill the memory of an instance."""
_ATTEMPTS = 24


def check_key(key: str) -> str:
    """The key; `ValueError` if a store cannot use it."""
    if not 0 < len(key.encode()) <= LONGEST_KEY or key.startswith("__") or "\0" in key:
        raise ValueError(
            f"key: must be 1 to {LONGEST_KEY} bytes, without NUL, not starting with '__', got {key[:80]!r}"
        )
    return key


def is_key(text: str) -> bool:
    """Whether a document may have that key, for what people ask by."""
    try:
        return check_key(text) == text
    except ValueError:
        return False


def normal(data: Data) -> Data:
    """A normalised copy of a document's fields, with instants in UTC, valid for every store.

    Raises:
        ValueError: a value is neither JSON nor an aware datetime, or is too deep or too large; the message names its
            path.
    """
    copy: Data = _mapping(data, None, DEEPEST)
    if _AS_JSON * len(_encode(copy)) > LARGEST and (size := _stored_bytes(copy)) > LARGEST:
        raise ValueError(f"data: must be at most {LARGEST} bytes, got {size}")
    return copy


def is_plain(name: str) -> bool:
    """Whether documents may be looked up by a field of that name."""
    return _NAME.fullmatch(name) is not None


def fields(where: Mapping[str, Any]) -> Data:
    """The normalised condition of a query; names and values that a store cannot query are refused."""
    for name, value in where.items():
        if not is_plain(name) or isinstance(value, (dict, list, tuple)):
            raise ValueError(f"where: must map plain names to single values, got {name!r}: {value!r:.80}")
    return normal(dict(where))


def _mapping(value: Any, path: _Path, depth: int) -> Data:  # noqa: ANN401 - any value may be wrong
    if not isinstance(value, dict):
        raise ValueError(f"{_spelt(path)}: must be a mapping, got {type(value).__name__}")  # noqa: TRY004 - as every other fault
    for name in value:
        if not isinstance(name, str) or not name or (name[:2] == "__" and _RESERVED.fullmatch(name)):
            raise ValueError(f"{_spelt(path)}: names must be text, not empty and not like '__name__', got {name!r}")
    return {
        name: item
        if depth and (type(item) in _PLAIN or (type(item) is str and item.isascii()))  # most are: no call for them
        else _normal(item, (path, name), depth - 1)
        for name, item in value.items()
    }


def _spelt(path: _Path) -> str:
    """Where a value is: spelt only when it is refused."""
    if path is None:
        return "data"
    before, name = path
    return f"{_spelt(before)}[{name}]" if isinstance(name, int) else f"{_spelt(before)}.{name}"


def _normal(value: Any, path: _Path, depth: int) -> Any:  # noqa: ANN401 - JSON
    if depth < 0:
        raise ValueError(f"{_spelt(path)}: must be nested at most {DEEPEST} deep")
    if (type(value) is str and value.isascii()) or value is None or isinstance(value, (bool, float)):
        return value
    match value:
        case str():
            value.encode()
            return str(value)
        case int() if -_INT64 <= value < _INT64:
            return int(value)
        case datetime() if value.tzinfo is not None:
            return value if value.tzinfo is UTC else value.astimezone(UTC)
        case list() | tuple():
            return [_normal(item, (path, index), depth - 1) for index, item in enumerate(value)]
        case dict():
            return _mapping(value, path, depth)
    raise ValueError(
        f"{_spelt(path)}: must be a JSON value (whole numbers of 64 bits) or an aware datetime, got {value!r:.80}"
    )


def _stored_bytes(value: Any) -> int:  # noqa: ANN401 - JSON
    """Of a normalised value."""
    kind = type(value)
    if kind is str:
        return 1 + (len(value) if value.isascii() else len(value.encode()))
    if kind is dict:
        return sum(map(_stored_bytes, value)) + sum(map(_stored_bytes, value.values()))
    if kind is list:
        return sum(map(_stored_bytes, value))
    return 1 if value is None or kind is bool else 8


def update(store: Store, collection: str, key: str, change: Callable[[Data | None], Data | None]) -> Data:
    """Change a document as `change_document` does; the data afterwards, empty if there is no document."""
    document = change_document(store, collection, key, change)
    return document.data if document else {}


def change_document(
    store: Store,
    collection: str,
    key: str,
    change: Callable[[Data | None], Data | None],
    *,
    known: Document | EllipsisType | None = ...,
) -> Document | None:
    """Read a document, change it, and write it back; repeat if another instance wrote it in between.

    Args:
        store: the store.
        collection: the collection.
        key: the key of the document.
        change: returns the new data from the current data (None if there is no document), or None to leave it. It may
            be called several times, so it must be a pure function.
        known: the document as it was just read or written, None where there is none: it is not read again unless another
            instance wrote it since.

    Returns:
        The document afterwards; None if there is none.

    Raises:
        ConflictError: concurrent writes won every time.
    """
    for attempt in range(_ATTEMPTS):
        document = store.get(collection, key) if known is ... else known
        wanted = change(document.data if document else None)
        if wanted is None:
            return document
        try:
            if document is None:
                return store.create(collection, key, wanted)
            return store.replace(document, collection, wanted)
        except ConflictError:
            known = ...
            # full jitter, so that colliding writers do not collide again
            time.sleep(random.uniform(0, min(1.0, 0.005 * 2**attempt)))  # noqa: S311 - spreads load, keeps no secret
    raise ConflictError(f"{collection}/{key}: somebody else wrote it first, {_ATTEMPTS} times in a row")


def every(
    store: Store, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", page: int = PAGE
) -> Iterator[Document]:
    """All documents whose top-level fields equal `where`, ordered by key, however many there are.

    Args:
        store: the store.
        collection: the collection.
        where: as for `Store.find`.
        after: as for `Store.find`.
        page: the number of documents read at once.
    """
    while documents := store.find(collection, where=where, after=after, limit=page):
        yield from documents
        if len(documents) < page:
            return
        after = documents[-1].key
