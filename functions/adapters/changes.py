"""Tells of the documents that readers are shown, once they are written: in a log in the store, and on a topic.

A thread gathers what is written within a moment into one entry: first it is a document of the log, then a message. The
log answers what was missed, the message is there at once. Neither is part of the write: where one of them fails, a reader
sees the change when it reads by itself.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

import msgspec

from core.errors import AiaError, ConflictError
from core.live.changes import Changed, Entry, change_of, effect_of, entry_id
from core.live.log import KEEP
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ports import Clock, Data, Document, Due, ListedStore, PubsubMessage, RawBus, Store

log = logging.getLogger(__name__)
TOPIC: Final = "changes"
COLLECTION = "live_log"
TOGETHER: Final = 0.05
"""Seconds within which changes are one entry."""
PATIENCE: Final = 2.0
"""Seconds that the bus may take, and that a handler waits for what it wrote to be told."""
_MOST_WAITING = 5000
_TRIMMED_EVERY, _TRIMMED = 50, 200
_encode = msgspec.json.encode


def data_of(entry: Entry, at: datetime) -> Data:
    """The document of an entry."""
    return {"changes": [list(change) for change in entry.changes], "expires_at": at + KEEP}


def read_entry(document: Document) -> Entry:
    """The entry of a document."""
    return Entry(document.key, msgspec.convert(document.data["changes"], tuple[Changed, ...]))


def message_of(entry: Entry) -> PubsubMessage:
    """The message of an entry."""
    return PubsubMessage(_encode({"id": entry.id, "changes": entry.changes}), {})


def read_message(data: bytes) -> Entry:
    """The entry of a message; `msgspec.MsgspecError` where it has none."""
    return msgspec.json.decode(data, type=Entry)


class Announcer:
    """Tells of what was written, in a thread.

    Args:
        store: takes the log.
        bus: opens the bus, at the first change.
        clock: now.
    """

    def __init__(self, store: Store, bus: Callable[[], RawBus], clock: Clock) -> None:
        self._store = store
        self._open = bus
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[Changed, None] = {}
        self._busy = self._hurried = False
        self._thread: threading.Thread | None = None
        self._entries = 0

    def wrote(self, collection: str, key: str) -> None:
        """A document was written or deleted; returns at once."""
        self.tell(change_of(collection, key))

    def tell(self, change: Changed | None) -> None:
        """Tell of a change, if there is one; returns at once."""
        if change is None:
            return
        with self._changed:
            if len(self._waiting) < _MOST_WAITING:  # else the bus and the store have been away for long
                self._waiting[change] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait briefly until what was written is announced: outside a request an instance may have no processor."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout=PATIENCE)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._changed.wait_for(lambda: self._hurried, timeout=TOGETHER)
                changes, self._busy, self._hurried = tuple(self._waiting), True, False
                self._waiting.clear()
            try:
                self._tell(changes)
            except Exception:
                log.exception("changes not announced")
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _tell(self, changes: tuple[Changed, ...]) -> None:
        at = self._clock()
        entry = Entry(entry_id(at, secrets.token_hex(4)), changes)
        try:
            self._store.create(COLLECTION, entry.id, data_of(entry, at))
            self._trim(at)
        except AiaError as error:
            log.warning("changes not in the log: %s", error)
        try:
            self._open().publish_raw(TOPIC, [message_of(entry)])
        except AiaError as error:
            log.warning("changes not published: %s", error)

    def _trim(self, now: datetime) -> None:
        """Delete the oldest documents of the log now and then, more than were written since."""
        self._entries += 1
        if self._entries % _TRIMMED_EVERY != 1:
            return
        oldest = self._store.find(COLLECTION, limit=_TRIMMED)
        for document in takewhile(lambda one: one.data["expires_at"] < now, oldest):
            with suppress(ConflictError):  # another one did it
                self._store.delete(document, COLLECTION)


class AnnouncedStore:
    """A store whose writes are announced.

    Args:
        store: the store.
        announcer: tells of them.
    """

    def __init__(self, store: ListedStore, announcer: Announcer) -> None:
        self._store = store
        self._announcer = announcer
        self.get = store.get
        self.get_many = store.get_many
        self.collections = store.collections

    def create(self, collection: str, key: str, data: Data) -> Document:
        """As `Store.create`."""
        document = self._store.create(collection, key, data)
        self._announcer.wrote(collection, key)
        return document

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        """As `Store.replace`."""
        written = self._store.replace(document, collection, data)
        if collection == LEDGER:
            self._announcer.tell(effect_of(document.key))
        self._announcer.wrote(collection, document.key)
        return written

    def delete(self, document: Document, collection: str) -> None:
        """As `Store.delete`."""
        self._store.delete(document, collection)
        self._announcer.wrote(collection, document.key)

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        """As `Store.find`."""
        return self._store.find(collection, where=where, after=after, limit=limit)

    def due(self, collection: str, *, where: Mapping[str, Any], until: datetime, limit: int = 1000) -> list[Due]:
        """As `Store.due`."""
        return self._store.due(collection, where=where, until=until, limit=limit)
