"""Silences that people made: one document, cached for a few seconds."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from core.errors import AiaError
from core.incidents.routing import Silence
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update
from functions.services.incidents.documents import SILENCES, SILENCES_KEY, read_silences, silences_data

log = logging.getLogger(__name__)
MAX_AGE = timedelta(seconds=5)
LIMIT = 200
"""Silences kept; ended ones are dropped first, then the oldest."""
_RETENTION = timedelta(days=1)


class Silences:
    """Reads and changes the silences.

    Args:
        store: keeps the document.
        clock: for the age of the cache.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read_at: datetime | None = None
        self._cached: tuple[Silence, ...] = ()

    def __call__(self) -> tuple[Silence, ...]:
        """The silences; the cached ones when the store does not answer, so that no page is lost for that."""
        now = self._clock()
        if self._read_at is not None and timedelta(0) <= now - self._read_at < MAX_AGE:
            return self._cached
        try:
            document = self._store.get(SILENCES, SILENCES_KEY)
            self._cached = read_silences(document.data if document else None)
        except (AiaError, msgspec.ValidationError) as error:
            log.warning("silences not read: %s", error)
        self._read_at = now
        return self._cached

    def add(self, silence: Silence) -> None:
        """Add a silence; a repeated one, or one that was ended before it arrived, changes nothing."""

        def added(silences: Sequence[Silence]) -> Sequence[Silence]:
            same = any(_key(one) == _key(silence) for one in silences)
            ended = any(_is_end(one) and one.pattern == silence.pattern and one.at >= silence.at for one in silences)
            return silences if same or ended else (*silences, silence)

        self._change(added)

    def end(self, pattern: str, at: datetime) -> None:
        """End the silences of a pattern that began before."""

        def ended(silences: Sequence[Silence]) -> Sequence[Silence]:
            after = [
                replace(one, until=at) if one.pattern == pattern and one.at <= at < one.until else one
                for one in silences
            ]
            mark = Silence(pattern=pattern, by="", at=at, until=at)
            return after if mark in after else [*after, mark]

        self._change(ended)

    def _change(self, change: Callable[[Sequence[Silence]], Sequence[Silence]]) -> None:
        now = self._clock()

        def changed(data: Data | None) -> Data | None:
            before = read_silences(data)
            kept = [one for one in change(before) if one.until > now - _RETENTION]
            kept = sorted(kept, key=lambda one: (one.until > now, one.at))[-LIMIT:]
            return None if tuple(kept) == before else silences_data(kept)

        update(self._store, SILENCES, SILENCES_KEY, changed)
        self._read_at = None


def _key(silence: Silence) -> tuple[str, str, datetime]:
    """What does not change when a silence is ended."""
    return silence.pattern, silence.by, silence.at


def _is_end(silence: Silence) -> bool:
    """Whether it is the mark that silences were ended: an earlier silence may arrive later."""
    return silence.at == silence.until
