"""The queue of one client: bounded, each change once; a client that is too slow is asked to read everything again."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.live.changes import Changed, Entry, merged

MOST_WAITING = 1000
"""Changes that wait for one client."""


class ResyncReason(StrEnum):
    """Why a client has to read everything that it shows again."""

    SLOW = "slow"
    """More changes waited than are kept for one client."""
    TOO_OLD = "too_old"
    """What came after the id that it gave is not known any more."""
    GAP = "gap"
    """The instance was without the changes for a while."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a client gets at once.

    Attributes:
        id: up to which it has everything then.
        changes: what to read again.
        resync: why everything is to be read again; None where `changes` is all.
    """

    id: str
    changes: tuple[Changed, ...] = ()
    resync: ResyncReason | None = None


class Mailbox:
    """The changes that wait for one client.

    Args:
        topics: what it watches.
        cursor: the id up to which it has everything.
        most: changes that wait.
    """

    def __init__(self, topics: frozenset[str], cursor: str, *, most: int = MOST_WAITING) -> None:
        self.topics = topics
        self.cursor = cursor
        self._most = most
        self._changes: dict[Changed, None] = {}
        self._resync: ResyncReason | None = None

    def put(self, entries: Iterable[Entry]) -> bool:
        """Take entries that are new to the client; whether it has something to get."""
        given = list(entries)
        self.cursor = max([self.cursor, *(entry.id for entry in given)])
        for change in merged(given, self.topics):
            self._changes.pop(change, None)
            self._changes[change] = None
        if len(self._changes) > self._most:
            self.resync(ResyncReason.SLOW)
        elif self._resync:
            self._changes.clear()  # all of it is read anyway
        return bool(self._changes or self._resync)

    def resync(self, reason: ResyncReason) -> None:
        """Have the client read everything again."""
        self._changes.clear()
        self._resync = reason

    def reached(self, cursor: str) -> None:
        """Everything up to an id was put."""
        self.cursor = max(self.cursor, cursor)

    def take(self) -> Frame | None:
        """What waits, taken out; None where nothing does."""
        if not self._changes and self._resync is None:
            return None
        frame = Frame(self.cursor, tuple(self._changes), self._resync)
        self._changes.clear()
        self._resync = None
        return frame
