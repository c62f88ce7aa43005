"""What is still to be done about changes that are decided and saved already.

The effects stand in the same document as the decision and leave it when they are done: a crash at any point leaves them
there for the next delivery. Each has a key that is the same for every attempt.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from core.events import IncidentChange
from core.incidents.messages import Message
from core.incidents.model import Watch

BACKLOG_LIMIT = 10
"""Messages kept for one channel that does not answer; the oldest make room, and the newest say how things stand."""
CHANGES_LIMIT = 300
"""Changes kept while the bus takes none; the oldest make room, or the document would outgrow the store in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing to do about a change: publish it, or tell one channel of it.

    Attributes:
        key: the same for every attempt.
        change: what it is about.
        message: what to tell, or None to publish the change.
    """

    key: str
    change: IncidentChange
    message: Message | None = None

    @property
    def lane(self) -> str:
        """Effects of one lane happen one after the other; lanes do not wait for each other."""
        return f"notify:{self.message.channel}" if self.message else "publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The document of a target: what is remembered, and what is still to be done.

    Attributes:
        watch: what is remembered.
        pending: what is still to be done, oldest first.
        revision: counts the decisions; a copy of the incident with a higher one is newer.
    """

    watch: Watch
    pending: tuple[Effect, ...] = ()
    revision: int = 0


def after(
    desk: Desk, watch: Watch, changes: Sequence[IncidentChange], told: Sequence[Message]
) -> tuple[Desk, tuple[Effect, ...]]:
    """The desk after a decision.

    Args:
        desk: before it.
        watch: what the decision says to remember.
        changes: all are published.
        told: messages about the last change.

    Returns:
        The desk, and the effects that made room: they will not happen.
    """
    new = [Effect(key=change.id, change=change) for change in changes]
    new += [Effect(key=message.key, change=changes[-1], message=message) for message in told]
    pending = (*desk.pending, *new)
    gone = _overflow(pending)
    kept = tuple(effect for effect in pending if effect not in gone)
    return Desk(watch=watch, pending=kept, revision=desk.revision + 1), gone


def without(desk: Desk, done: Collection[str]) -> Desk:
    """The desk without the effects of these keys."""
    pending = tuple(effect for effect in desk.pending if effect.key not in done)
    return replace(desk, pending=pending)


def lanes(pending: Sequence[Effect]) -> tuple[tuple[Effect, ...], ...]:
    """The effects by lane, each in order."""
    names = dict.fromkeys(effect.lane for effect in pending)
    return tuple(tuple(effect for effect in pending if effect.lane == name) for name in names)


def _overflow(pending: Sequence[Effect]) -> tuple[Effect, ...]:
    return tuple(effect for lane in lanes(pending) for effect in lane[: -_limit(lane)])


def _limit(lane: Sequence[Effect]) -> int:
    return BACKLOG_LIMIT if lane[0].message else CHANGES_LIMIT
