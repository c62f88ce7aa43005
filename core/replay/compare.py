"""The difference between the messages that were sent and those that would have been sent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import Change, Delivered, Severity
from core.incidents.lifecycle import ENDINGS, OPENINGS, RESPONSES
from core.incidents.model import Incident
from core.incidents.routing import within
from core.replay.engine import Replayed
from core.replay.inputs import Input
from core.settings.people import Hours

TOLERANCE = timedelta(minutes=1)
"""Two messages that differ by less are one: sweeps come every minute."""
FAR = timedelta(days=1)
"""A message that would have come earlier or later by more than that is another one."""
_QUIET = RESPONSES | ENDINGS


class Verdict(StrEnum):
    """What a replay says of one message."""

    SAME = "same"
    EARLIER = "earlier"
    LATER = "later"
    ADDED = "added"
    """It would have been sent, and was not."""
    REMOVED = "removed"
    """It was sent, and would not have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message to one channel.

    Attributes:
        at: when it was decided, in UTC.
        channel: the channel.
        incident_id: the incident.
        target: its root target.
        change: what happened.
        severity: of the message.
        title: one line.
        outcome: what became of it, as in `Delivered`; empty in a replay.
    """

    at: datetime
    channel: str
    incident_id: str
    target: str
    change: Change
    severity: Severity
    title: str
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One message that was sent, would be sent, or both.

    Attributes:
        verdict: the difference.
        told: as it was; None where it would be new.
        would: as it would be; None where it would be gone.
    """

    verdict: Verdict
    told: Told | None
    would: Told | None

    @property
    def message(self) -> Told:
        """As it would be, or else as it was."""
        found = self.would or self.told
        if found is None:
            raise ValueError("told, would: one must be given, got None, None")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for an automated action.

    Attributes:
        at: when, in UTC.
        incident_id: the incident.
        action: the name of the action.
        target: of the action.
        mode: `act` or `dry_run`.
    """

    at: datetime
    incident_id: str
    action: str
    target: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """An incident with notifications of its own that would be part of another one.

    Attributes:
        incident_id: the incident.
        target: its root target.
        into: the incident that it would be part of.
        into_target: the root target of that.
    """

    incident_id: str
    target: str
    into: str
    into_target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePolicy:
    """Which messages wake people.

    Attributes:
        pagers: the channels that page a person.
        hours: when people are at work.
    """

    pagers: frozenset[str]
    hours: Hours

    def is_page(self, told: Told) -> bool:
        """Whether it asks a person to act: not of a response or a recovery, at least an error, to a channel that pages."""
        urgent = told.severity.rank >= Severity.ERROR.rank and told.change not in _QUIET
        return urgent and told.channel in self.pagers

    def wakes(self, told: Told) -> bool:
        """Whether it is a page out of hours."""
        return self.is_page(told) and not within(self.hours, told.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The messages that were sent against those that would have been sent.

    Attributes:
        differences: of the messages, in order; also those that are the same.
        requested: actions that were requested.
        would_request: actions that would have been requested.
        merges: incidents that would be part of another one.
        watch: which messages wake people.
    """

    differences: Sequence[Difference]
    requested: Sequence[Request]
    would_request: Sequence[Request]
    merges: Sequence[Merge]
    watch: PagePolicy

    @property
    def told(self) -> list[Told]:
        """The messages that were sent."""
        return [one.told for one in self.differences if one.told]

    @property
    def would(self) -> list[Told]:
        """The messages that would have been sent."""
        return [one.would for one in self.differences if one.would]

    @property
    def changed(self) -> list[Difference]:
        """The differences."""
        return [one for one in self.differences if one.verdict is not Verdict.SAME]

    @property
    def new_requests(self) -> list[Request]:
        """Requests that were not made."""
        return _without(self.would_request, self.requested)

    @property
    def gone_requests(self) -> list[Request]:
        """Requests that would not have been made."""
        return _without(self.requested, self.would_request)


def compare(inputs: Iterable[Input], replayed: Replayed, watch: PagePolicy, *, since: datetime) -> Comparison:
    """Compare the messages that were sent with a replay.

    Args:
        inputs: with what became of messages and requests.
        replayed: the replay of them.
        watch: which messages wake people.
        since: what was decided before is left out: it is replayed only for the state of the incidents.
    """
    delivered = [(one.published_at, one.event) for one in inputs if isinstance(one.event, Delivered)]
    told = [_told(at, event) for at, event in delivered if event.channel and at >= since]
    requested = [_requested(at, event) for at, event in delivered if event.action and at >= since]
    would = [
        Told(
            at=at,
            channel=message.channel,
            incident_id=message.incident_id,
            target=message.target,
            change=message.change,
            severity=message.severity,
            title=message.title,
        )
        for at, message in replayed.messages
        if at >= since
    ]
    asks = [
        Request(at=one.requested_at, incident_id=one.incident_id, action=one.action, target=one.target, mode=one.mode)
        for one in replayed.requests
        if one.requested_at >= since
    ]
    return Comparison(
        differences=sorted(differences(told, would), key=lambda one: (one.message.at, one.message.channel)),
        requested=requested,
        would_request=asks,
        merges=list(_merges(told, would, replayed.incidents)),
        watch=watch,
    )


def differences(told: Sequence[Told], would: Sequence[Told]) -> list[Difference]:
    """Each message that was sent with the one that would be sent in its place.

    Messages of one incident to one channel about one change belong together, in their order; then those of one target, since
    with other settings an incident may have another id.
    """
    found: list[Difference] = []
    keys: tuple[Callable[[Told], object], ...] = (
        lambda one: (one.channel, one.incident_id, one.change, one.at),
        lambda one: (one.channel, one.incident_id, one.change),
        lambda one: (one.channel, one.target, one.change),
    )
    for key in keys:
        pairs, told, would = _paired(told, would, key)
        found += [Difference(verdict=_verdict(before, after), told=before, would=after) for before, after in pairs]
    found += [Difference(verdict=Verdict.REMOVED, told=one, would=None) for one in told]
    found += [Difference(verdict=Verdict.ADDED, told=None, would=one) for one in would]
    return found


def _paired(
    told: Sequence[Told], would: Sequence[Told], key: Callable[[Told], object]
) -> tuple[list[tuple[Told, Told]], list[Told], list[Told]]:
    """Pairs with one key that are not far from each other, and what is left of both."""
    waiting: dict[object, list[Told]] = defaultdict(list)
    for one in sorted(would, key=lambda one: one.at):
        waiting[key(one)].append(one)
    pairs: list[tuple[Told, Told]] = []
    left: list[Told] = []
    for one in sorted(told, key=lambda one: one.at):
        candidates = waiting.get(key(one), [])
        nearest = min(candidates, key=lambda other: abs(other.at - one.at), default=None)
        if nearest is None or abs(nearest.at - one.at) > FAR:
            left.append(one)
            continue
        candidates.remove(nearest)
        pairs.append((one, nearest))
    return pairs, left, [one for rest in waiting.values() for one in rest]


def _verdict(told: Told, would: Told) -> Verdict:
    if abs(would.at - told.at) <= TOLERANCE:
        return Verdict.SAME
    return Verdict.EARLIER if would.at < told.at else Verdict.LATER


def _told(at: datetime, event: Delivered) -> Told:
    return Told(
        at=at,
        channel=event.channel,
        incident_id=event.incident_id,
        target=event.target,
        change=Change(event.change),
        severity=Severity(event.severity),
        title=event.title,
        outcome=event.outcome,
    )


def _requested(at: datetime, event: Delivered) -> Request:
    return Request(at=at, incident_id=event.incident_id, action=event.action, target=event.target, mode=event.mode)


def _merges(told: Sequence[Told], would: Sequence[Told], incidents: dict[str, Incident]) -> Iterator[Merge]:
    """Incidents whose opening was notified and would not be, because their target would be in another one."""
    opened = {one.incident_id for one in would if one.change in OPENINGS}
    openings = {one.incident_id: one for one in told if one.change in OPENINGS and one.incident_id not in opened}
    for one in openings.values():
        into = next((other for other in incidents.values() if _covers(other, one)), None)
        if into is not None:
            yield Merge(incident_id=one.incident_id, target=one.target, into=into.id, into_target=into.target)


def _covers(incident: Incident, told: Told) -> bool:
    """Whether the target was a part of this incident of another root at that time."""
    other = incident.target != told.target and not incident.merged_into and told.target in incident.targets
    return other and incident.opened_at <= told.at <= (incident.ended_at or told.at)


def _without(requests: Iterable[Request], others: Iterable[Request]) -> list[Request]:
    """Requests that the others do not have: of one action on one target, for one incident or within a minute."""
    known: dict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for one in others:
        known[one.action, one.target, one.mode].append(one.at)
    left: list[Request] = []
    for one in requests:
        times = known[one.action, one.target, one.mode]
        near = next((at for at in times if abs(at - one.at) <= TOLERANCE), None)
        if near is None:
            left.append(one)
        else:
            times.remove(near)
    return left
