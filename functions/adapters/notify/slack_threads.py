"""Where the card of each incident is in each room: kept in the store, for all instances."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update

COLLECTION = "slack_threads"
KEEP = timedelta(days=90)
"""After the last message; a later one about the same incident begins a new thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The thread of an incident.

    Attributes:
        room: the id of the room, as Slack answered it.
        ts: the card in the room.
        posted_for: the digest of the key of the message that the card was posted for.
        at: the instant of the newest change that the card shows.
        replied_for: the digest of the key of the message that the last reply was posted for, or empty.
    """

    room: str
    ts: str
    posted_for: str
    at: datetime
    replied_for: str = ""


class Threads:
    """The threads of one workspace.

    Args:
        store: keeps them.
        clock: for their expiry.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, place: str) -> Thread | None:
        """The thread of a room and an incident, if there is one.

        Raises:
            UnavailableError: the store does not answer.
        """
        document = self._store.get(COLLECTION, digest(place))
        if document is None:
            return None
        data = {name: value for name, value in document.data.items() if name != "expires_at"}
        return Thread(**data)

    def put(self, place: str, thread: Thread) -> None:
        """Keep a thread; an older state of the same card does not replace a newer one.

        Raises:
            UnavailableError: the store does not answer.
        """
        kept = asdict(thread) | {"expires_at": self._clock() + KEEP}

        def newer(data: Data | None) -> Data | None:
            return None if data is not None and data["ts"] == thread.ts and data["at"] > thread.at else kept

        update(self._store, COLLECTION, digest(place), newer)


def digest(text: str) -> str:
    """A short name for any text, as a key of the store."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]
