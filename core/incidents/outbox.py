"""What is still to be done about what is decided and saved already.

The effects stand in the same document as the decision and leave it when they are done: a crash at any point leaves them
there for the next delivery, or for the sweep. Each has a key that is the same for every attempt.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import is_

from core.events import ActionRequest, Change, IncidentChange, Status
from core.incidents.life import OPENS, shortened
from core.incidents.messages import Message
from core.incidents.model import Incident, State, Watch

BACKLOG_LIMIT = 10
"""Messages kept for one channel that does not answer. Beyond it those make room that are about what a later one is about,
then those about what was over before the channel heard of it; what fires, or was told to fire, is told."""
CHANGES_LIMIT = 150
"""Changes kept while the bus takes none; the oldest make room, or the document would outgrow the store in the end."""
MESSAGES_SIZE, CHANGES_SIZE = 180_000, 120_000
"""Bytes of all messages, and of all changes and requests, that are kept; of messages the least severe make room, then the
oldest."""
_EFFECT_SIZE = 400
"""Bytes of an effect beside its texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing to do: publish a change, ask for an action, tell one channel, or copy an incident for those who read it.

    Attributes:
        key: the same for every attempt.
        incident_id: what it is about.
        since: when it was decided.
        change: what to publish, or None.
        request: what to ask for, or None.
        message: what to tell, or None; where all three are None, the incident is copied.
        first: whether the channel had not heard of the incident before.
    """

    key: str
    incident_id: str
    since: datetime
    change: IncidentChange | None = None
    request: ActionRequest | None = None
    message: Message | None = None
    first: bool = False

    @property
    def lane(self) -> str:
        """Effects of one lane happen one after the other; lanes do not wait for each other."""
        if self.message:
            return f"notify:{self.message.channel}"
        if self.change:
            return "publish"
        return "act" if self.request else "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The document of a group: what is remembered, and what is still to be done.

    Attributes:
        watch: what is remembered.
        pending: what is still to be done, oldest first.
        revision: counts the decisions; a copy of an incident with a higher one is newer.
        waits: whether something is to be told later.
    """

    watch: Watch
    pending: tuple[Effect, ...] = ()
    revision: int = 0
    waits: bool = False

    @property
    def active(self) -> bool:
        """Whether time alone may change something: what the sweep looks at."""
        watch = self.watch
        live = any(one.state is not State.RESOLVED for one in watch.incidents)
        return bool(self.pending) or self.waits or live or any(one.status is Status.FIRING for one in watch.conditions)


def after(
    desk: Desk,
    watch: Watch,
    *,
    changes: Sequence[IncidentChange],
    messages: Sequence[Message] = (),
    requests: Sequence[ActionRequest] = (),
    waits: bool = False,
    now: datetime,
    reopen_within: timedelta,
) -> tuple[Desk, tuple[Effect, ...]]:
    """The desk after a decision.

    Args:
        desk: before it.
        watch: what the decision says to remember; incidents that are long over are left out once they are copied.
        changes: are published.
        messages: are sent.
        requests: are asked for.
        waits: whether something is to be told later.
        now: when it is decided.
        reopen_within: for so long an incident that is over is remembered, in the time of the observations.

    Returns:
        The desk, and the effects that made room: they will not happen.
    """
    revision = desk.revision + 1
    old = {incident.id: incident for incident in desk.watch.incidents}
    changed = [one.id for one in watch.incidents if one is not old.get(one.id) and one != old.get(one.id)]
    new = [Effect(key=change.id, incident_id=change.incident_id, since=now, change=change) for change in changes]
    new += [Effect(key=one.id, incident_id=one.incident_id, since=now, request=one) for one in requests]
    new += [_telling(one, old.get(one.incident_id), now) for one in messages]
    new += [Effect(key=f"{one}:copy:{revision}", incident_id=one, since=now) for one in changed]
    kept = [effect for effect in desk.pending if effect.lane != "copy" or effect.incident_id not in changed]
    pending = (*kept, *new)
    gone = _given_up(pending)
    left = _carried(pending, gone)
    fresh = Desk(watch=_trimmed(watch, left, reopen_within), pending=left, revision=revision, waits=waits)
    return fresh, tuple(effect for effect in pending if effect.key in gone)


def without(desk: Desk, done: Collection[str]) -> Desk:
    """The desk without the effects of these keys."""
    pending = tuple(effect for effect in desk.pending if effect.key not in done)
    return desk if len(pending) == len(desk.pending) else replace(desk, pending=pending)


def lanes(pending: Sequence[Effect]) -> tuple[tuple[Effect, ...], ...]:
    """The effects by lane, each in order."""
    found: dict[str, list[Effect]] = {}
    for effect in pending:
        found.setdefault(effect.lane, []).append(effect)
    return tuple(map(tuple, found.values()))


def combined(lane: Sequence[Effect]) -> tuple[tuple[Effect, ...], ...]:
    """The effects of a lane as they are performed: messages about one incident that wait together are sent as one.

    The newest says how things stand. Where one before it would have said that it fires, or would have been the first that
    the receiver hears of it, the one that is sent says that the receiver missed that (`Message.missed`).

    Returns:
        Groups, each of effects that are done by performing its last one under the key of its first; in the order of the
        first ones.
    """
    groups: dict[str, list[Effect]] = {}
    for effect in lane:
        groups.setdefault(effect.incident_id if effect.message else effect.key, []).append(effect)
    return tuple(tuple(_joined(group)) for group in groups.values())


def _joined(group: list[Effect]) -> list[Effect]:
    *before, last = group
    return [*before, _missing(last) if any(map(_begins, before)) else last]


def _telling(message: Message, before: Incident | None, now: datetime) -> Effect:
    first = before is None or message.channel not in before.heard.channels
    return Effect(key=message.key, incident_id=message.incident_id, since=now, message=message, first=first)


def _begins(effect: Effect) -> bool:
    """Whether the receiver, without this message, does not know what later ones are about."""
    message = effect.message
    return message is not None and (effect.first or message.missed or message.change in OPENS)


def _missing(effect: Effect) -> Effect:
    return replace(effect, message=replace(effect.message, missed=True)) if effect.message else effect


def _given_up(pending: Sequence[Effect]) -> frozenset[str]:
    """The keys of what makes room."""
    if len(pending) <= BACKLOG_LIMIT:
        return frozenset()
    many = {effect.key for lane in lanes(pending) for effect in _too_many(lane)}
    left = [effect for effect in pending if effect.key not in many]
    messages = sorted(
        (one for one in left if one.message), key=lambda one: one.message.severity.rank if one.message else 0
    )
    large = [
        *_too_large(messages, MESSAGES_SIZE),
        *_too_large([one for one in left if one.change or one.request], CHANGES_SIZE),
    ]
    return frozenset(many | {effect.key for effect in large})


def _too_many(lane: Sequence[Effect]) -> Sequence[Effect]:
    if lane[0].message is None:
        return lane[:-CHANGES_LIMIT]
    newest = {effect.incident_id: effect for effect in lane}
    older = [effect for effect in lane if newest[effect.incident_id] is not effect]
    unheard = {effect.incident_id for effect in lane if _begins(effect)}
    over = [one for one in newest.values() if one.incident_id in unheard and _is_over(one)]
    return [*older, *over][: max(0, len(lane) - BACKLOG_LIMIT)]


def _is_over(effect: Effect) -> bool:
    return effect.message is not None and effect.message.change is Change.RESOLVED


def _too_large(effects: Sequence[Effect], limit: int) -> Iterator[Effect]:
    """The first of the effects, as many as must go for the others to be small enough."""
    size = sum(map(_size, effects))
    for effect in effects:
        if size <= limit:
            return
        size -= _size(effect)
        yield effect


def _size(effect: Effect) -> int:
    """About how many bytes it takes."""
    texts = [effect.key, effect.incident_id]
    if (change := effect.change) is not None:
        texts += [change.title, change.summary, change.target, change.finding_id, change.incident_id]
    if (request := effect.request) is not None:
        texts += [request.target, request.reason, request.playbook, request.incident_id]
    if (message := effect.message) is not None:
        texts += [message.title, message.text, message.target, message.url, message.runbook, message.key]
        texts += [text for fact in message.facts for text in (fact.name, fact.text, "name text")]
    # Whether a text is ASCII is known without looking at it.
    return _EFFECT_SIZE + sum(len(text) if text.isascii() else len(text.encode()) for text in texts)


def _carried(pending: Sequence[Effect], gone: Collection[str]) -> tuple[Effect, ...]:
    """What is left; the next message of a channel about an incident says that the one that made room was missed."""
    missed: set[tuple[str, str]] = set()
    left: list[Effect] = []
    for effect in pending:
        subject = (effect.lane, effect.incident_id)
        if effect.key in gone:
            missed |= {subject} if _begins(effect) else set()
            continue
        left.append(_missing(effect) if subject in missed else effect)
        missed.discard(subject)
    return tuple(left)


def _trimmed(watch: Watch, pending: Sequence[Effect], reopen_within: timedelta) -> Watch:
    """The group without the incidents that are long over, and with timelines that fit; the last incident stays."""
    newest = max((condition.observed_at for condition in watch.conditions), default=None)
    if newest is None or not watch.incidents:
        return watch
    busy = {effect.incident_id for effect in pending if effect.change is None and effect.request is None}
    *others, last = watch.incidents
    kept = [one for one in others if one.id in busy or not _long_over(one, watch, newest - reopen_within)]
    incidents = shortened((*kept, last))
    same = all(map(is_, incidents, watch.incidents)) and len(incidents) == len(watch.incidents)
    return watch if same else replace(watch, incidents=incidents)


def _long_over(incident: Incident, watch: Watch, before: datetime) -> bool:
    if incident.state is not State.RESOLVED or incident.resolved_at is None or incident.heard.firing:
        return False
    if incident.resolved_at >= before:
        return False
    # What a person resolved while it fires stays, as long as it does: or it would be opened anew, and people told.
    return incident.closed_at is None or all(one.status is Status.RESOLVED for one in watch.members(incident))
