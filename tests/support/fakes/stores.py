"""A store around another one: does what that does, and a test overrides what is to differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from functions.adapters.ports import Data, Document, Due, Store

T = TypeVar("T")


@dataclass
class WrappedStore:
    """The port `Store`; every write passes `write`."""

    inner: Store

    def write(self, collection: str, act: Callable[[], T]) -> T:
        """Do it; overridden by what changes writes."""
        return act()

    def get(self, collection: str, key: str) -> Document | None:
        return self.inner.get(collection, key)

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        return self.inner.get_many(collection, keys)

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self.write(collection, lambda: self.inner.create(collection, key, data))

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self.write(collection, lambda: self.inner.replace(document, collection, data))

    def delete(self, document: Document, collection: str) -> None:
        self.write(collection, lambda: self.inner.delete(document, collection))

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        return self.inner.find(collection, where=where, after=after, limit=limit)

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        return self.inner.due(collection, where=where, until=until, limit=limit)
