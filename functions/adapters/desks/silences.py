"""The silences that people made: one document, read at most every few seconds."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from core.errors import AiaError
from core.incidents.mute import Silence
from functions.adapters.desks.documents import SILENCES, SILENCES_KEY, read_silences, silences_data
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update

log = logging.getLogger(__name__)
FRESH = timedelta(seconds=5)
LIMIT = 200
"""Silences that are kept; those that are over make room first, then the oldest."""
_KEEP = timedelta(days=1)


class Silences:
    """Reads and changes the silences.

    Args:
        store: where the document is.
        clock: for how long what was read counts as fresh.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read_at: datetime | None = None
        self._known: tuple[Silence, ...] = ()

    def __call__(self) -> tuple[Silence, ...]:
        """The silences; those read last when the store does not answer, so that nobody misses a page for that."""
        now = self._clock()
        if self._read_at is not None and timedelta(0) <= now - self._read_at < FRESH:
            return self._known
        try:
            found = self._store.get(SILENCES, SILENCES_KEY)
            self._known = read_silences(found.data if found else None)
        except (AiaError, msgspec.ValidationError) as error:
            log.warning("silences not read: %s", error)
        self._read_at = now
        return self._known

    def add(self, silence: Silence) -> None:
        """Add a silence; the same one again, or one that was taken back before it came, changes nothing."""

        def added(known: Sequence[Silence]) -> Sequence[Silence]:
            same = any(_key(one) == _key(silence) for one in known)
            back = any(_is_end(one) and one.pattern == silence.pattern and one.at >= silence.at for one in known)
            return known if same or back else (*known, silence)

        self._change(added)

    def end(self, pattern: str, at: datetime) -> None:
        """End the silences of a pattern that began before."""

        def ended(known: Sequence[Silence]) -> Sequence[Silence]:
            over = [
                replace(one, until=at) if one.pattern == pattern and one.at <= at < one.until else one for one in known
            ]
            mark = Silence(pattern=pattern, by="", at=at, until=at)
            return over if mark in over else [*over, mark]

        self._change(ended)

    def _change(self, change: Callable[[Sequence[Silence]], Sequence[Silence]]) -> None:
        now = self._clock()

        def changed(data: Data | None) -> Data | None:
            known = read_silences(data)
            kept = [one for one in change(known) if one.until > now - _KEEP]
            kept = sorted(kept, key=lambda one: (one.until > now, one.at))[-LIMIT:]
            return None if tuple(kept) == known else silences_data(kept)

        update(self._store, SILENCES, SILENCES_KEY, changed)
        self._read_at = None


def _key(silence: Silence) -> tuple[str, str, datetime]:
    """What stays the same of a silence when it is ended."""
    return silence.pattern, silence.by, silence.at


def _is_end(silence: Silence) -> bool:
    """Whether it only says that silences were taken back: a silence made before may still be on its way."""
    return silence.at == silence.until
