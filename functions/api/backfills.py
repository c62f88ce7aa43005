"""How much of the past is in, while a program still loads it: the document `history` of the collection `backfills`.

Only where somebody loads a past is there such a document, as on one machine; anywhere else, and where it cannot be read, there
is nothing to tell.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import AiaError
from functions.adapters.ports import Clock, Data, Store
from functions.api.kept import Kept

log = logging.getLogger(__name__)
COLLECTION, KEY = "backfills", "history"
_FRESH_SECONDS = 1.0
STALLED = timedelta(minutes=20)
"""A history that got no further for so long is not coming: what is late then is late."""


class History(msgspec.Struct, frozen=True):
    """Progress of loading the past.

    Attributes:
        days: how many are in, the newest first.
        of: how many there will be.
        since: the oldest instant that is in.
        updated_at: when the last part came in.
        done: whether all of it is in.
    """

    days: int
    of: int
    since: datetime
    updated_at: datetime
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfills:
    """Reads what the program that loads the past keeps."""

    store: Store
    clock: Clock = field(default=lambda: datetime.now(UTC))
    _kept: Kept = field(default_factory=Kept)

    @property
    def coming(self) -> bool:
        """Whether a part of the past is still being loaded."""
        history = self._history()
        return history is not None and not history.done and self.clock() - history.updated_at < STALLED

    def all(self) -> Data:
        """What is being loaded, by its name; null where nothing is or was."""
        return {KEY: self._history()}

    def _history(self) -> History | None:
        return self._kept((KEY,), self._read, seconds=_FRESH_SECONDS)

    def _read(self) -> History | None:
        try:
            found = self.store.get(COLLECTION, KEY)
            return msgspec.convert(found.data, History, builtin_types=(datetime,)) if found else None
        except (AiaError, msgspec.ValidationError) as error:
            log.warning("%s/%s: not known: %s", COLLECTION, KEY, error)
            return None
