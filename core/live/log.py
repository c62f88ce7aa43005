"""The newest entries as one instance has them: bounded, in the order of their ids, and it knows what it does not have."""

from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import timedelta
from operator import attrgetter

from core.live.changes import Entry, earlier

KEEP = timedelta(minutes=10)
"""How far back a client can resume."""
MOST = 5000
"""Entries."""
LATE = timedelta(seconds=30)
"""How late an entry may arrive after one with a greater id, so that a client who resumes misses neither."""
_by_id = attrgetter("id")


class Log:
    """A part of the log, without gaps from `since` on.

    Args:
        since: the id that everything after it is here.
        most: entries.
        keep: how long they are kept after the newest.
    """

    def __init__(self, since: str, *, most: int = MOST, keep: timedelta = KEEP) -> None:
        self.since = since
        self._most = most
        self._keep = keep
        self._entries: list[Entry] = []
        self._ids: set[str] = set()

    @property
    def newest(self) -> str:
        """The greatest id; `since` where there is no entry."""
        return self._entries[-1].id if self._entries else self.since

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Add entries in any order; those of them that are new, in their order."""
        new = {entry.id: entry for entry in entries if entry.id not in self._ids and entry.id > self.since}
        for entry in new.values():
            insort(self._entries, entry, key=_by_id)
        self._ids.update(new)
        self._forget()
        return sorted(new.values(), key=_by_id)

    def after(self, cursor: str) -> list[Entry] | None:
        """What a client who had everything up to an id may have missed, some of it again; None where that is not known.

        Raises:
            ValueError: it is no id.
        """
        start = earlier(cursor, LATE)
        if start < self.since:
            return None
        return self._entries[bisect_right(self._entries, start, key=_by_id) :]

    def _forget(self) -> None:
        if not self._entries:
            return
        old = bisect_right(self._entries, earlier(self.newest, self._keep), key=_by_id)
        count = max(old, len(self._entries) - self._most)
        if count > 0:
            gone = self._entries[:count]
            del self._entries[:count]
            self._ids.difference_update(entry.id for entry in gone)
            self.since = max(self.since, gone[-1].id)
