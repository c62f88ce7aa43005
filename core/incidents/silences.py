"""The silences that people made: how a command changes them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.errors import RefusedError
from core.events import Command, Verb
from core.incidents.routing import Silence

LIMIT = 200
"""Silences that hold at a time; a further one is refused. Of ended ones, which are kept for a day, the oldest are dropped first."""
_RETENTION = timedelta(days=1)


def add_silence(silences: Sequence[Silence], silence: Silence, now: datetime) -> tuple[Silence, ...]:
    """Add a silence; a repeated one, or one that was ended before it arrived, changes nothing.

    Raises:
        RefusedError: as many silences as are kept hold already, and none of them may give way.
    """
    same = any(_key(other) == _key(silence) for other in silences)
    ended = any(_is_end(other) and other.pattern == silence.pattern and other.at >= silence.at for other in silences)
    if same or ended:
        return tuple(silences)
    if silence.until > now and sum(other.until > now for other in silences) >= LIMIT:
        raise RefusedError(f"silences: must be at most {LIMIT}, all hold; got one more, {silence.pattern!r}")
    return (*silences, silence)


def end_silences(silences: Sequence[Silence], pattern: str, at: datetime) -> tuple[Silence, ...]:
    """End the silences of a pattern that began before."""
    after = tuple(
        replace(silence, until=at) if silence.pattern == pattern and silence.at <= at < silence.until else silence
        for silence in silences
    )
    mark = Silence(pattern=pattern, by="", at=at, until=at)
    return after if mark in after else (*after, mark)


def kept_silences(silences: Sequence[Silence], now: datetime) -> tuple[Silence, ...]:
    """The silences without those that ended long ago, and not too many."""
    kept = [silence for silence in silences if silence.until > now - _RETENTION]
    return tuple(sorted(kept, key=lambda silence: (silence.until > now, silence.at))[-LIMIT:])


def silenced(silences: Sequence[Silence], command: Command, now: datetime) -> tuple[Silence, ...]:
    """The silences after a person's command; other commands change nothing; raises as `add_silence` does."""
    if command.verb is Verb.SILENCE and command.until is not None:
        made = Silence(pattern=command.subject, by=command.by, at=command.at, until=command.until, note=command.note)
        return add_silence(silences, made, now)
    if command.verb is Verb.UNSILENCE:
        return end_silences(silences, command.subject, command.at)
    return tuple(silences)


def _key(silence: Silence) -> tuple[str, str, datetime]:
    """What does not change when a silence is ended."""
    return silence.pattern, silence.by, silence.at


def _is_end(silence: Silence) -> bool:
    """Whether it is the mark that silences were ended: an earlier silence may arrive later."""
    return silence.at == silence.until
