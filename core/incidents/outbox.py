"""Outbox: the effects of decisions that are saved, until they are performed.

The effects are saved in the same document as the decision and removed when they are performed: after a crash at any point
they are still there for the next delivery or for the sweep. Each has a key that is the same for every attempt.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import is_

from core.events import ActionRequest, Change, Finding, IncidentChange, IncidentDecision, Status
from core.incidents.capacity import hidden_of
from core.incidents.lifecycle import ENDINGS, OPENINGS, trim_timelines
from core.incidents.messages import Message
from core.incidents.model import GroupState, Incident, State

BACKLOG_LIMIT = 10
"""Messages kept for one channel that does not answer. Beyond it, those that a later message supersedes are dropped, then
those about what was resolved before the channel was notified; firing and recovery of what was notified stay."""
CHANGES_LIMIT = 150
"""Changes kept while the bus takes none; the oldest are dropped, or the document would outgrow the store in the end."""
MESSAGES_SIZE, CHANGES_SIZE = 86_000, 92_000
"""Bytes of all messages, and of all changes, requests and records, that are kept; of messages the least severe are dropped,
before changes the records, then the oldest."""
RECORD = "record"
"""The delivery queue of records of decisions."""
EXPIRED_LIMIT = 8
"""Expired incidents that are kept until their sources say that they recovered: the newest."""
_EFFECT_SIZE = 400
"""Bytes of an effect beside its texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One effect: publish a change or a finding, request an action, send a message, record a decision, or copy an incident.

    Attributes:
        key: the same for every attempt.
        incident_id: the incident.
        since: when it was decided.
        change: to publish, or None.
        request: to publish, or None.
        message: to send, or None.
        record: to publish, or None.
        finding: the report of a merged incident, or None; where all five are None, the incident is copied.
        first: whether it is the first message about the incident to its channel, or the first copy of the incident.
        published_at: of a message, when the finding behind it was published; None where time or a person was the cause.
    """

    key: str
    incident_id: str
    since: datetime
    change: IncidentChange | None = None
    request: ActionRequest | None = None
    message: Message | None = None
    record: IncidentDecision | None = None
    finding: Finding | None = None
    first: bool = False
    published_at: datetime | None = None

    @property
    def queue(self) -> str:
        """The name of its delivery queue: effects of one queue are performed in order; queues do not block each other."""
        if self.message:
            return f"notify:{self.message.channel}"
        if self.change:
            return "publish"
        if self.record:
            return RECORD
        if self.finding:
            return "report"
        return "act" if self.request else "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueClaim:
    """The claim on a delivery queue.

    Attributes:
        queue: the name of the queue.
        by: the attempt that performs its effects.
        until: when the claim ends by itself.
    """

    queue: str
    by: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentGroup:
    """The document of a group: its state, and the effects that are not performed yet.

    Attributes:
        state: conditions and incidents.
        pending: the effects, oldest first.
        revision: the number of decisions; the copy of an incident with the higher one is newer.
        deferred: whether a notification waits.
        claims: who performs the effects of which queue.
        due_at: when the sweep is to look at it, as `core.incidents.due` has it; None where time alone changes nothing.
    """

    state: GroupState
    pending: tuple[Effect, ...] = ()
    revision: int = 0
    deferred: bool = False
    claims: tuple[QueueClaim, ...] = ()
    due_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether time alone may change something: the sweep looks at it."""
        state = self.state
        live = any(incident.state is not State.RESOLVED or incident.escalates for incident in state.incidents)
        firing = any(condition.status is Status.FIRING for condition in state.conditions)
        return bool(self.pending) or self.deferred or live or firing or bool(state.hidden)


def apply_decision(
    group: IncidentGroup,
    state: GroupState,
    *,
    changes: Sequence[IncidentChange],
    messages: Sequence[Message] = (),
    requests: Sequence[ActionRequest] = (),
    reports: Sequence[tuple[str, Finding]] = (),
    deferred: bool = False,
    now: datetime,
    published_at: datetime | None = None,
    reopen_within: timedelta,
) -> tuple[IncidentGroup, tuple[Effect, ...]]:
    """The next revision of a group, with the effects of a decision.

    Args:
        group: before.
        state: the next state; incidents that ended long ago are removed once they are copied.
        changes: to publish.
        messages: to send.
        requests: to publish.
        reports: of merged incidents, to publish, each with the id of its incident; of each condition the newest is enough.
        deferred: whether a notification waits.
        now: the instant of the decision.
        published_at: when the finding decided on was published; None where there is none.
        reopen_within: how long ended incidents are kept, in the time of the observations.

    Returns:
        The group, and the effects that were dropped: they are never performed.
    """
    revision = group.revision + 1
    old = {incident.id: incident for incident in group.state.incidents}
    changed = [
        incident.id
        for incident in state.incidents
        if incident is not old.get(incident.id) and incident != old.get(incident.id)
    ]
    new = [Effect(key=change.id, incident_id=change.incident_id, since=now, change=change) for change in changes]
    new += [Effect(key=request.id, incident_id=request.incident_id, since=now, request=request) for request in requests]
    new += [Effect(key=finding.id, incident_id=name, since=now, finding=finding) for name, finding in reports]
    new += [_send(message, old.get(message.incident_id), now, published_at) for message in messages]
    new += [
        Effect(key=f"{name}:copy:{revision}", incident_id=name, since=now, first=name not in old) for name in changed
    ]
    reported = {finding.condition for _, finding in reports}
    kept = [effect for effect in group.pending if effect.queue != "copy" or effect.incident_id not in changed]
    kept = [effect for effect in kept if effect.finding is None or effect.finding.condition not in reported]
    pending = (*kept, *new)
    dropped = _dropped(pending) | _outdated(pending, state)
    left = _mark_missed(pending, dropped)
    after = replace(
        group, state=_pruned(state, left, reopen_within), pending=left, revision=revision, deferred=deferred
    )
    return after, tuple(effect for effect in pending if effect.key in dropped)


def remove_effects(group: IncidentGroup, done: Collection[str]) -> IncidentGroup:
    """The group without the effects of these keys."""
    pending = tuple(effect for effect in group.pending if effect.key not in done)
    return group if len(pending) == len(group.pending) else replace(group, pending=pending)


def add_records(group: IncidentGroup, records: Iterable[IncidentDecision]) -> IncidentGroup:
    """The group with records of decisions that are to be published."""
    effects = (Effect(key=f"record:{one.id}", incident_id="", since=one.decided_at, record=one) for one in records)
    return replace(group, pending=(*group.pending, *effects))


def delivery_queues(pending: Sequence[Effect]) -> tuple[tuple[Effect, ...], ...]:
    """The effects by delivery queue, each in order."""
    queues: dict[str, list[Effect]] = {}
    for effect in pending:
        queues.setdefault(effect.queue, []).append(effect)
    return tuple(map(tuple, queues.values()))


def next_effects(queue: Sequence[Effect]) -> tuple[Effect, ...]:
    """The effects of a queue that are performed before the result is saved.

    Of messages the most urgent one, with those that it stands for: after a crash no more than that one is repeated. Copies and
    what is published have the effect of once, however often they are repeated, so all of them.
    """
    return min(coalesce(queue), key=_rank) if queue[0].message else tuple(queue)


def _rank(joined: Sequence[Effect]) -> int:
    """The worst messages first: where a rate limit admits only critical ones, they do not wait behind the others.

    That an incident was merged comes last: a pager gives it up only where the one that goes on is known.
    """
    message = joined[-1].message
    if message is None or message.change is Change.MERGED:
        return 1
    return -message.severity.rank


def coalesce(queue: Sequence[Effect]) -> tuple[tuple[Effect, ...], ...]:
    """The effects of a queue as they are performed: pending messages about one incident are sent as one.

    The newest has the current state. Where one before it was about the opening, or the first about the incident to this
    receiver, or told that nobody has it any more, the one that is sent says that the receiver missed it (`Message.missed`).

    Returns:
        Groups of effects; performing the last one of a group, under the key of its first, performs them all. In the order of
        their first ones.
    """
    groups: dict[str, list[Effect]] = {}
    for effect in queue:
        groups.setdefault(effect.incident_id if effect.message else effect.key, []).append(effect)
    return tuple(tuple(_coalesced(group)) for group in groups.values())


def _coalesced(group: list[Effect]) -> list[Effect]:
    *before, last = group
    return [*before, _missed(last) if any(_introduces(one) or _withdraws(one) for one in before) else last]


def _send(message: Message, before: Incident | None, now: datetime, published_at: datetime | None) -> Effect:
    return Effect(
        key=message.key,
        incident_id=message.incident_id,
        since=now,
        message=message,
        first=before is None or message.channel not in before.notified.channels,
        published_at=published_at,
    )


def _introduces(effect: Effect) -> bool:
    """Whether the receiver, without this message, does not know what later ones are about."""
    message = effect.message
    return message is not None and (effect.first or message.missed or message.change in OPENINGS)


def _withdraws(effect: Effect) -> bool:
    """Whether it tells that nobody has the incident any more: a receiver that keeps an acknowledgement must hear of that."""
    return effect.message is not None and effect.message.change is Change.UNACKNOWLEDGED


def _missed(effect: Effect) -> Effect:
    return replace(effect, message=replace(effect.message, missed=True)) if effect.message else effect


def _dropped(pending: Sequence[Effect]) -> frozenset[str]:
    """The keys of the effects beyond the limits."""
    if len(pending) <= BACKLOG_LIMIT:
        return frozenset()
    many = {effect.key for queue in delivery_queues(pending) for effect in _beyond_limit(queue)}
    left = [effect for effect in pending if effect.key not in many]
    messages = sorted(
        (effect for effect in left if effect.message),
        key=lambda effect: effect.message.severity.rank if effect.message else 0,
    )
    published = sorted((e for e in left if e.change or e.request or e.record), key=lambda e: e.record is None)
    # What parts report is one for each, and never dropped.
    reports = sum(_size(effect) for effect in left if effect.finding)
    large = [*_beyond_size(messages, MESSAGES_SIZE), *_beyond_size(published, CHANGES_SIZE - reports)]
    return frozenset(many | {effect.key for effect in large})


def _outdated(pending: Sequence[Effect], state: GroupState) -> frozenset[str]:
    """The keys of messages that an incident is over which fires again by now: whoever did not get them knows that it fires."""
    live = {incident.id for incident in state.incidents if incident.state is not State.RESOLVED}
    return frozenset(effect.key for effect in pending if _is_resolution(effect) and effect.incident_id in live)


def _beyond_limit(queue: Sequence[Effect]) -> Sequence[Effect]:
    if queue[0].message is None:
        return queue[:-CHANGES_LIMIT]
    newest = {effect.incident_id: effect for effect in queue}
    superseded = [effect for effect in queue if newest[effect.incident_id] is not effect]
    introduced = {effect.incident_id for effect in queue if _introduces(effect)}
    unknown = [effect for effect in newest.values() if effect.incident_id in introduced and _is_resolution(effect)]
    return [*superseded, *unknown][: max(0, len(queue) - BACKLOG_LIMIT)]


def _is_resolution(effect: Effect) -> bool:
    return effect.message is not None and effect.message.change in ENDINGS


def _beyond_size(effects: Sequence[Effect], limit: int) -> Iterator[Effect]:
    """The first of the effects, as many as must go for the others to be small enough."""
    size = sum(map(_size, effects))
    for effect in effects:
        if size <= limit:
            return
        size -= _size(effect)
        yield effect


def _size(effect: Effect) -> int:
    """Its approximate number of bytes."""
    texts = [effect.key, effect.incident_id]
    if (change := effect.change) is not None:
        texts += [change.title, change.summary, change.target, change.finding_id, change.incident_id]
    if (request := effect.request) is not None:
        texts += [request.target, request.reason, request.playbook, request.incident_id]
    if (message := effect.message) is not None:
        texts += [message.title, message.text, message.target, message.url, message.runbook, message.key]
        texts += [text for fact in message.facts for text in (fact.name, fact.text, "name text")]
    if (finding := effect.finding) is not None:
        texts += [finding.target, finding.kind, finding.summary, finding.runbook, *finding.evidence.values()]
    if (record := effect.record) is not None:
        texts += [record.incident_group, record.event_id, record.target, record.event, record.known]
    text = "".join(texts)
    return _EFFECT_SIZE + (len(text) if text.isascii() else len(text.encode()))  # ASCII is known without looking at it


def _mark_missed(pending: Sequence[Effect], dropped: Collection[str]) -> tuple[Effect, ...]:
    """What is left; the next message of a channel about an incident says that a dropped one was missed."""
    missed: set[tuple[str, str]] = set()
    left: list[Effect] = []
    for effect in pending:
        subject = (effect.queue, effect.incident_id)
        if effect.key in dropped:
            missed |= {subject} if _introduces(effect) else set()
            continue
        left.append(_missed(effect) if subject in missed else effect)
        missed.discard(subject)
    return tuple(left)


def _pruned(state: GroupState, pending: Sequence[Effect], reopen_within: timedelta) -> GroupState:
    """The state without incidents that ended long ago, and with timelines that fit; the last incident stays."""
    newest = max((condition.observed_at for condition in state.conditions), default=None)
    if newest is None or not state.incidents:
        return state
    busy = {effect.incident_id for effect in pending if effect.change is None and effect.request is None}
    *others, last = state.incidents
    busy |= {other.id for other in [one for one in others if _awaits_word(one, state)][-EXPIRED_LIMIT:]}
    kept = [other for other in others if other.id in busy or not _ended_before(newest - reopen_within, other, state)]
    incidents = trim_timelines((*kept, last))
    same = all(map(is_, incidents, state.incidents)) and len(incidents) == len(state.incidents)
    return state if same else replace(state, incidents=incidents)


def _awaits_word(incident: Incident, state: GroupState) -> bool:
    """Whether it only expired, so that its source may still say that it recovered: a pager is still on."""
    return incident.expired and any(member.expired_at is not None for member in state.members(incident))


def _ended_before(before: datetime, incident: Incident, state: GroupState) -> bool:
    if incident.state is not State.RESOLVED or incident.resolved_at is None or incident.notified.firing:
        return False
    if incident.resolved_at >= before:
        return False
    # What a person resolved while it fires stays as long as it does: or it would be opened and notified anew.
    fires = any(member.status is Status.FIRING for member in state.members(incident))
    return incident.closed_at is None or not (fires or hidden_of(state, incident.targets))
