"""The changes of a deployment in a test: one log, and the feeds of its instances, each of which can be cut off."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.errors import UnavailableError
from core.live.changes import Changed, Entry, entry_id
from functions.api.live_hub import Take


@dataclass
class FakeFeed:
    """The twin of `Feed`."""

    changes: "FakeChanges"
    take: Take
    cut: bool = False
    closed: bool = False

    def check(self) -> bool:
        if self.changes.bus_down:
            raise UnavailableError("bus: does not answer")
        return True

    def read(self, after: str) -> list[Entry]:
        if self.changes.store_down:
            raise UnavailableError("store: does not answer")
        return [one for one in self.changes.log if one.id > after]

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeChanges:
    """What is written, and told."""

    log: list[Entry] = field(default_factory=list)
    feeds: list[FakeFeed] = field(default_factory=list)
    bus_down: bool = False
    store_down: bool = False
    is_broken: bool = False
    opened: threading.Event = field(default_factory=threading.Event)
    numbers: Iterable[int] = field(default_factory=itertools.count)

    def open(self, take: Take) -> FakeFeed:
        if self.is_broken:
            raise ValueError("AIA_STORE: must be given")
        feed = FakeFeed(self, take)
        self.feeds.append(feed)
        self.opened.set()
        return feed

    def tell(self, *keys: str, topic: str = "incidents", ago: timedelta = timedelta()) -> Entry:
        """Write an entry, and publish it where the bus is up."""
        token = f"{next(iter(self.numbers)):06d}"
        entry = Entry(entry_id(datetime.now(UTC) - ago, token), tuple(Changed(topic, key) for key in keys))
        self.log.append(entry)
        for feed in () if self.bus_down else self.feeds:
            if not feed.closed and not feed.cut:
                feed.take([entry])
        return entry
