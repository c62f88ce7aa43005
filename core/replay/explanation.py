"""Explanation of an incident: the chain of reasons from the findings to the messages and actions, as far as it is recorded.

What was decided is read from the incident, its timeline and the decisions that are kept. Which route led to a stakeholder is
recorded nowhere: that part is what the settings say now of the incident as it is now, and says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import ActionDecision, Delivered, Finding, Severity, Status
from core.incidents.grouping import grouped, is_grouped, subject
from core.incidents.measured import MeasuredLoss, loss_text
from core.incidents.model import Incident, IncidentCondition, IncidentReason, TimelineEntry
from core.incidents.policy import IncidentPolicy
from core.replay.chain import NOT_KNOWN, Chapter, Link
from core.replay.inputs import Input
from core.replay.receivers import receivers_now, routes_now
from core.text import comparison, counted, duration, number

_GROUPING = frozenset(
    {
        IncidentReason.JOINED,
        IncidentReason.FIRED_AGAIN,
        IncidentReason.MERGED,
        IncidentReason.SPLIT,
        IncidentReason.MOVED,
    }
)
_NOTIFYING = {
    IncidentReason.NOTIFIED: "",
    IncidentReason.MUTED: "",
    IncidentReason.NOT_ACKNOWLEDGED: "nobody acknowledged the tier before in time",
    IncidentReason.HANDED_ON: "a channel of the tier before refused the message for good",
    IncidentReason.REMINDER: "nobody acknowledged, and there is no further tier",
    IncidentReason.NOTIFICATION_REFUSED: "",
    IncidentReason.STARTED_FLAPPING: "it fires again and again: single changes are not notified",
    IncidentReason.STOPPED_FLAPPING: "it has stayed on or off for long enough",
    IncidentReason.COMMAND: "a person said so",
    IncidentReason.ACKNOWLEDGEMENT_TIMED_OUT: "the settings limit an acknowledgement (incidents.acknowledgement_timeout)",
}
"""Reasons of the steps by which people are notified, or are not any more, and what to say of them beside the step."""
_LATE = timedelta(minutes=1)
"""A message that took longer says how long it waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is recorded of an incident.

    Attributes:
        incident: at any time.
        members: its conditions, the worst first.
        kept: the kept findings that changed it, and what became of its messages and requests; None where they cannot be read.
        actions: the decisions about its automated actions, in any order.
        loss: what it lost, where that is measured.
    """

    incident: Incident
    members: Sequence[IncidentCondition]
    kept: Sequence[Input] | None = None
    actions: Sequence[ActionDecision] = ()
    loss: MeasuredLoss | None = None

    @property
    def deliveries(self) -> Iterator[tuple[Input, Delivered]]:
        """What became of messages and requests, in order."""
        for one in self.kept or ():
            if isinstance(one.event, Delivered) and one.event.incident_id == self.incident.id:
                yield one, one.event


def explain(recorded: Recorded, policy: IncidentPolicy, now: datetime) -> tuple[Chapter, ...]:
    """The chain of reasons; a chapter without anything says so.

    Args:
        recorded: of the incident.
        policy: of the settings as they are now.
        now: the present.
    """
    incident = recorded.incident
    told = (
        *_notifying(incident),
        *receivers_now(incident, policy, now),
        *routes_now(incident, policy, now),
    )
    chapters = {
        "What was found": _findings(recorded, policy),
        "How it was classified": _classes(recorded, policy),
        "Why it is one incident": _grouping(recorded, policy),
        "What it costs": _costs(recorded),
        "Who was to be notified": told,
        "What was sent": _messages(recorded),
        "What was done": _actions(recorded),
    }
    found = {title: tuple(links) for title, links in chapters.items()}
    return tuple(Chapter(title=title, links=links or (Link(text="nothing"),)) for title, links in found.items())


def causes(incident: Incident, members: Sequence[IncidentCondition]) -> tuple[str, ...]:
    """The ids of the findings that changed an incident, each as it was published: before a route grouped it."""
    found = []
    for entry in incident.timeline:
        if member := _condition_of(entry, members):
            target, kind = subject(member.target, member.kind)
            found.append(f"{target}:{kind}{entry.finding_id.removeprefix(member.key)}")
    return tuple(dict.fromkeys(found))


def _condition_of(entry: TimelineEntry, members: Iterable[IncidentCondition]) -> IncidentCondition | None:
    """The condition of the finding that caused a step; None where none did, or it is not kept in detail any more."""
    named = (member for member in members if entry.finding_id.startswith(f"{member.key}:"))
    return max(named, key=lambda member: len(member.key), default=None)


def _findings(recorded: Recorded, policy: IncidentPolicy) -> Iterator[Link]:
    """The kept findings that changed it, and the newest one of each condition."""
    steps = _by_cause(recorded)
    shown: set[str] = set()
    for one in recorded.kept or ():
        if isinstance(one.event, Finding):
            cause = grouped(one.event, policy.people.routes).id
            if cause not in shown:  # a source may say the same twice
                shown.add(cause)
                yield _finding(one.event, steps.get(cause, ()))
    for member in recorded.members:
        if member.finding_id not in shown:
            shown.add(member.finding_id)
            yield _newest(member, steps.get(member.finding_id, ()))
    missing = [cause for cause in steps if cause not in shown]
    if recorded.kept is None and missing:
        yield Link(text=f"{counted(len(missing), 'earlier finding')}: {NOT_KNOWN}", why="the history does not answer")
    elif missing:
        yield Link(text=f"not kept: {counted(len(missing), 'earlier finding')}", why=", ".join(missing[:3]))


def _by_cause(recorded: Recorded) -> Mapping[str, list[TimelineEntry]]:
    """The steps by the finding that caused them."""
    found: dict[str, list[TimelineEntry]] = {}
    for entry in recorded.incident.timeline:
        if _condition_of(entry, recorded.members):
            found.setdefault(entry.finding_id, []).append(entry)
    return found


def _finding(finding: Finding, steps: Iterable[TimelineEntry]) -> Link:
    evidence = (f"{name}: {text}" for name, text in finding.evidence.items())
    what = (
        f"{finding.target} {finding.kind}: {finding.status}, {finding.severity}, by {finding.source}: {finding.summary}"
    )
    against = comparison(finding.value, finding.threshold, finding.unit)
    return _observed(what, against, evidence, steps, finding.observed_at)


def _newest(member: IncidentCondition, steps: Iterable[TimelineEntry]) -> Link:
    evidence = (f"{piece.name}: {piece.text}" for piece in member.evidence)
    what = f"{member.target} {member.kind}: {member.status}, {member.severity}, by {member.source}: {member.summary}"
    against = comparison(member.value, member.threshold, member.unit)
    return _observed(what, against, evidence, steps, member.observed_at)


def _observed(what: str, against: str, evidence: Iterable[str], steps: Iterable[TimelineEntry], at: datetime) -> Link:
    changed = ", ".join(f"{entry.change} ({_words(entry.reason)})" for entry in steps)
    why = "; ".join(
        filter(None, (against.rstrip("."), *evidence, f"changed the incident: {changed}" if changed else ""))
    )
    return Link(text=what, why=why, at=at)


def _classes(recorded: Recorded, policy: IncidentPolicy) -> Iterator[Link]:
    incident = recorded.incident
    for member in recorded.members:
        yield Link(
            text=f"{member.target} {member.kind} is {member.category or NOT_KNOWN}, {member.severity}",
            why=member.classification,
        )
    yield Link(text=f"the incident is {incident.category}, {incident.severity}", why=_severity(recorded, policy))


def _severity(recorded: Recorded, policy: IncidentPolicy) -> str:
    """Why the incident has its severity: that of its worst condition, or of its impact."""
    incident = recorded.incident
    firing = [member.severity for member in recorded.members if member.status is Status.FIRING]
    worst = max(firing or [Severity.INFO], key=lambda severity: severity.rank)
    if not firing:
        return "nothing of it fires; it keeps the last one"
    if incident.severity.rank <= worst.rank:
        return "as the worst condition that fires"
    least, impact = policy.impact.raises.get(incident.severity), incident.impact
    if least is None or impact is None:
        return f"above {worst}, the worst condition that fires: raised by an impact that is not known any more"
    dollars = number(impact.dollars_per_hour, "dollars")
    return f"raised from {worst} by its impact: {dollars} an hour, {incident.severity} is from {number(least, 'dollars')} on"


def _grouping(recorded: Recorded, policy: IncidentPolicy) -> Iterator[Link]:
    incident = recorded.incident
    yield Link(text=f"its root is {incident.target}", why=_why_root(incident))
    for target in incident.targets:
        if target != incident.target:
            yield Link(text=f"{target} is in it", why=_why_in(target, incident, policy))
    yield from _labelled(recorded, policy)
    if incident.merged_into:
        yield Link(text=f"it is a part of {incident.merged_into}")
    for entry in incident.timeline:
        if entry.reason in _GROUPING:
            yield Link(text=f"{_words(entry.reason)}: {entry.summary}", at=entry.at)


def _why_in(target: str, incident: Incident, policy: IncidentPolicy) -> str:
    """Why a target that is not the root is in the incident."""
    root, within = incident.target, duration(policy.timing.join_within)
    if root in policy.graph.upstream(target):
        return f"it depends on {root} by the settings, and fired within {within} (incidents.join_within)"
    if target in policy.graph.upstream(root):
        return f"{root} depends on it by the settings, and both fired within {within} (incidents.join_within)"
    return "the dependencies of the settings, as they are now, do not say; see the steps"


def _why_root(incident: Incident) -> str:
    return (
        "the others depend on it, as far as is known" if len(incident.targets) > 1 else "no other target fired with it"
    )


def _labelled(recorded: Recorded, policy: IncidentPolicy) -> Iterator[Link]:
    """The conditions that a route put together by labels."""
    found = [member for member in recorded.members if is_grouped(member.kind)]
    labels = ["-".join(route.group_by).lower() for route in policy.people.routes]
    for target in dict.fromkeys(member.target for member in found):
        names = ", ".join(dict.fromkeys(subject(one.target, one.kind)[0] for one in found if one.target == target))
        by = target.partition("/")[0]
        route = f"route {labels.index(by) + 1} groups by {by}" if by in labels else "a route grouped by labels"
        yield Link(text=f"{names} are one target, {target}", why=route)


def _costs(recorded: Recorded) -> Iterator[Link]:
    impact = recorded.incident.impact
    if impact is None:
        yield Link(text=f"at risk: {NOT_KNOWN}", why="no revenue is mapped to its targets or to what depends on them")
    else:
        low, high = number(impact.low, "dollars"), number(impact.high, "dollars")
        dollars = number(impact.dollars_per_hour, "dollars")
        yield Link(text=f"at risk: {dollars} an hour, 90% interval {low} to {high}", why=impact.reason)
        for one in impact.orders:
            share = number(one.share, "ratio")
            yield Link(
                text=f"orders of {one.orders}: {number(one.dollars, 'dollars')} an hour",
                why=f"{share} of what is usual",
            )
    if recorded.loss is not None:
        yield Link(text=f"lost by orders: {loss_text(recorded.loss)}")


def _notifying(incident: Incident) -> Iterator[Link]:
    """The steps by which people were notified, or not."""
    for entry in incident.timeline:
        if entry.reason in _NOTIFYING:
            yield Link(text=entry.summary, why=_NOTIFYING[entry.reason], at=entry.at)


def _messages(recorded: Recorded) -> Iterator[Link]:
    if recorded.kept is None:
        yield Link(text=f"what became of messages: {NOT_KNOWN}", why="the history does not answer")
    for one, event in recorded.deliveries:
        if event.channel:
            waited = one.decided_at - one.published_at
            late = f" {duration(waited)} after the decision" if waited >= _LATE else ""
            detail = f"the channel answered: {event.detail}" if event.detail else ""
            title = "" if event.title == recorded.incident.title else f": {event.title}"
            text = f"{event.channel}: {event.change} {event.severity}, {event.outcome}{late}{title}"
            yield Link(text=text, why=detail, at=one.decided_at)


def _actions(recorded: Recorded) -> Iterator[Link]:
    for ladder in recorded.incident.ladders:
        actions = "action" if ladder.rung == 1 else "actions"
        yield Link(text=f"playbook {ladder.playbook}: {ladder.rung} {actions} so far, {ladder.state}", at=ladder.at)
    for one, event in recorded.deliveries:
        if event.action:
            yield Link(
                text=f"{event.action} on {event.target} asked for ({_words(event.mode)}): {event.outcome}",
                at=one.decided_at,
            )
    for decision in sorted(recorded.actions, key=lambda one: (one.at, one.request_id, one.sequence)):
        rung = f" ({decision.rung})" if decision.rung else ""
        by = f" by {decision.by}" if decision.by else ""
        text = f"{decision.action} on {decision.target}{rung}, {_words(decision.mode)}: {_words(decision.stage)}{by}"
        why = "; ".join(filter(None, (_words(decision.reason), decision.plan, decision.detail)))
        yield Link(text=text, why=why, at=decision.at)


def _words(name: str) -> str:
    return name.replace("_", " ")
