"""Lifecycle of an incident: steps change its state and its timeline; people and automated actions cause some of them."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from core.actions.plan import ActionReason
from core.events import (
    ActionDecision,
    Change,
    IncidentChange,
    Mode,
    Severity,
    Stage,
    stamp,
)
from core.incidents.acknowledgement import Acknowledgement
from core.incidents.endings import with_action
from core.incidents.model import (
    ACKNOWLEDGEMENTS_LIMIT,
    TIMELINE_LEAST,
    TIMELINE_LIMIT,
    Decision,
    GroupState,
    Incident,
    IncidentReason,
    State,
    TimelineEntry,
)
from core.text import clean, clean_utf8

OPENINGS = frozenset({Change.OPENED, Change.REOPENED})
ENDINGS = frozenset({Change.RESOLVED, Change.EXPIRED, Change.MERGED})
RESPONSES = frozenset({Change.ACKNOWLEDGED, Change.MITIGATED})
"""Somebody, or an automated action, takes care of the incident."""
_STATES = {
    Change.ACKNOWLEDGED: State.ACKNOWLEDGED,
    Change.UNACKNOWLEDGED: State.OPEN,
    Change.MITIGATED: State.MITIGATED,
    Change.RESOLVED: State.RESOLVED,
    Change.EXPIRED: State.RESOLVED,
    Change.MERGED: State.RESOLVED,
}
_RESET: dict[str, Any] = {
    "acknowledged_at": None,
    "acknowledged_by": "",
    "taken_over_at": None,
    "by_target": False,
    "mitigated_at": None,
    "closed_at": None,
    "healed_at": None,
    "cancelled": False,
    "expired": False,
    "merged_into": "",
}
"""Fields that an opening or reopening resets."""
_OWNERSHIP = ("acknowledged_at", "acknowledged_by", "taken_over_at", "by_target")
TIMELINES_SIZE = 120_000
"""Bytes of all timelines of a group together; where many incidents have long names in them, each keeps fewer entries."""
_ENTRY_SIZE = 100
"""Bytes of an entry beside its texts."""
_LEAST_ENTRIES = 3
_FIELDS = tuple(field.name for field in fields(Incident))
_values = attrgetter(*_FIELDS)
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})
_NAME_LIMIT = 80
_NOTIFIED_STAGES = frozenset({Stage.AWAITING, Stage.APPLIED, Stage.UNDONE, Stage.FAILED, Stage.EXPIRED})
"""Stages of an action that people are notified of: it awaits approval, was applied, or did not help."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the lifecycle of an incident.

    Attributes:
        change: what happens.
        reason: why.
        at: the instant of what caused it.
        summary: one line for people.
        cause: the id of the finding, the command or the decision that caused it, or empty.
    """

    change: Change
    reason: IncidentReason
    at: datetime
    summary: str = ""
    cause: str = ""


def new_incident(target: str, at: datetime, group: str = "") -> Incident:
    """An incident before its first step."""
    return Incident(
        id=make_incident_id(target, at, group),
        target=target,
        title="",
        state=State.OPEN,
        severity=Severity.INFO,
        category="",
        opened_at=at,
    )


def make_incident_id(target: str, opened_at: datetime, group: str = "") -> str:
    """The id of an incident: readable, fit for an address, and deterministic.

    A target that the settings moved to another group has another incident there, of the same target and instant.

    >>> from datetime import UTC
    >>> make_incident_id("model/flight-delay", datetime(2026, 1, 2, 9, tzinfo=UTC))
    'model-flight-delay-20260102-6ffbaafd'
    """
    name = re.sub(r"[^a-z0-9]+", "-", target.lower())[:40].strip("-")
    where = "" if group == target else group
    digest = hashlib.sha256("\n".join(filter(None, (target, stamp(opened_at), where))).encode()).hexdigest()[:8]
    return f"{name or 'incident'}-{opened_at.astimezone(UTC):%Y%m%d}-{digest}"


def advance(
    incident: Incident, steps: Iterable[Step], values: Mapping[str, Any] = _NO_VALUES
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    """The incident after some steps, and the changes to publish.

    Args:
        incident: before.
        steps: oldest first.
        values: other fields to set, by name.
    """
    after: dict[str, Any] = {**values, "state": incident.state, "expired": incident.expired}
    after["reopenings"] = incident.reopenings
    taken: list[tuple[int, Step, State]] = []
    for sequence, requested in enumerate(steps, start=incident.sequence + 1):
        step = _effective(requested, after["state"], expired=after["expired"])
        after |= _transition(incident, step)
        after["reopenings"] += step.change is Change.REOPENED
        taken.append((sequence, step, after["state"]))
    if not taken:
        return with_values(incident, values) if values else incident, ()
    entries = (_entry(sequence, step) for sequence, step, _ in taken)
    final = with_values(incident, {**after, "sequence": taken[-1][0], "timeline": (*incident.timeline, *entries)})
    return final, tuple([_change(final, *step) for step in taken])


def with_values(incident: Incident, values: Mapping[str, Any]) -> Incident:
    """The incident with other values in some fields: `dataclasses.replace`, in half the time."""
    return Incident(**{**dict(zip(_FIELDS, _values(incident), strict=True)), **values})


def trim_timelines(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """The incidents with timelines that fit into one document together: each keeps its first entry and the newest."""
    trimmed = tuple(incidents)
    if sum(len(incident.timeline) for incident in trimmed) <= TIMELINE_LIMIT:
        return trimmed
    most = max(TIMELINE_LEAST, TIMELINE_LIMIT // len(trimmed))
    trimmed = tuple(_trim(incident, most) for incident in trimmed)
    while (
        most > _LEAST_ENTRIES
        and sum(_size(entry) for incident in trimmed for entry in incident.timeline) > TIMELINES_SIZE
    ):
        most //= 2
        trimmed = tuple(_trim(incident, most) for incident in trimmed)
    return trimmed


def _trim(incident: Incident, most: int) -> Incident:
    timeline = incident.timeline
    if len(timeline) <= most:
        return incident
    return replace(incident, timeline=(timeline[0], *timeline[-(most - 1) :]))


def _size(entry: TimelineEntry) -> int:
    return _ENTRY_SIZE + len(entry.summary.encode()) + len(entry.finding_id.encode())


def _effective(step: Step, state: State, *, expired: bool) -> Step:
    """The step; ending what has ended already is a mere timeline entry, unless it had only expired, or becomes a part of another."""
    over = step.change is Change.EXPIRED or (step.change is Change.RESOLVED and not expired)
    again = over and state is State.RESOLVED
    return replace(step, change=Change.UPDATED) if again else step


def _transition(incident: Incident, step: Step) -> dict[str, Any]:
    """The state after a step, and the fields that an opening resets.

    An acknowledgement stays valid where the recovery before was not notified: everybody still believes that somebody has it. Not so
    where a person ended the incident, or where it flaps, unless the acknowledgement is newer than a late finding.
    """
    if step.change is Change.ACKNOWLEDGED and incident.state in (State.MITIGATED, State.RESOLVED):
        return {}  # it has an owner, or another one; what only expired stays that
    if step.change not in OPENINGS:
        ended = {"expired": step.change is Change.EXPIRED} if step.change in ENDINGS else {}
        return {"state": _STATES[step.change], **ended} if step.change in _STATES else {}
    believed = incident.notified.firing or incident.notified.severity is None
    acknowledged, mitigated = incident.owned_since, incident.mitigated_at
    holds = incident.notified.firing and not incident.notified.flapping and incident.closed_at is None
    after: dict[str, Any] = {"state": State.OPEN, **_RESET, "reopened_at": _reopened_at(incident, step)}
    after["target_owners"] = tuple(
        owner for owner in incident.target_owners if believed and (holds or owner.at >= step.at)
    )
    if believed and acknowledged is not None and (holds or acknowledged >= step.at):
        after |= {"state": State.ACKNOWLEDGED, **{name: getattr(incident, name) for name in _OWNERSHIP}}
    elif not incident.cancelled:
        after["acknowledgements"] = remember_acknowledgement(incident)
    if believed and mitigated is not None and (holds or mitigated >= step.at):
        after |= {"state": State.MITIGATED, "mitigated_at": mitigated}
    return after


def _reopened_at(incident: Incident, step: Step) -> datetime | None:
    """The instant of a reopening; None at the opening, whose instant a late finding may still move back."""
    start = max(step.at, incident.opened_at)
    return start if step.change is Change.REOPENED or start > step.at else None


def _entry(sequence: int, step: Step) -> TimelineEntry:
    return TimelineEntry(
        sequence=sequence,
        at=step.at,
        change=step.change,
        reason=step.reason,
        summary=clean_utf8(step.summary),
        finding_id=step.cause,
    )


def _change(incident: Incident, sequence: int, step: Step, state: State) -> IncidentChange:
    return IncidentChange(
        incident_id=incident.id,
        sequence=sequence,
        at=step.at,
        change=step.change,
        state=state,
        severity=incident.severity,
        target=incident.target,
        title=incident.title,
        reason=step.reason,
        finding_id=step.cause,
        summary=clean_utf8(step.summary),
    )


def record_action(state: GroupState, decision: ActionDecision) -> Decision:
    """Record a decision about an automated action in the timeline.

    No action changes the state: an incident ends when its conditions recover, and is escalated until then. That an action
    is not possible is recorded once, until something else is recorded of it: the incident requests it again when it gets worse.

    Args:
        state: of the group.
        decision: about a request of one of its incidents.
    """
    named = find_incident(state, decision.incident_id)
    if named is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NO_SUCH_INCIDENT)
    incident = merged_into(state, named)
    if is_recorded(named, decision.id) or is_recorded(incident, decision.id):
        return Decision(state=state, changes=(), reason=IncidentReason.DUPLICATE)
    text = clean(": ".join(_action_text(decision)))
    if decision.reason == ActionReason.NOT_POSSIBLE and _newest_action(incident, decision) == text:
        return Decision(state=state, changes=(), reason=IncidentReason.DUPLICATE)
    if decision.mode is Mode.ACT and decision.stage in _NOTIFIED_STAGES:
        incident = replace(incident, pending_update=text)
    incident = with_action(incident, decision)
    return with_step(state, incident, Step(Change.UPDATED, IncidentReason.ACTION, decision.at, text, decision.id))


def record_refusal(state: GroupState, incident_id: str, *, channel: str, detail: str, at: datetime) -> Decision:
    """Record in the timeline that a channel refused a message for good.

    Args:
        state: of the group; unchanged when it does not hold the incident any more.
        incident_id: the incident that the message was about.
        channel: the channel's name.
        detail: the channel's answer.
        at: the instant.
    """
    incident = find_incident(state, incident_id)
    if incident is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NO_SUCH_INCIDENT)
    text = clean(f"{clean(channel, _NAME_LIMIT)} refused the message: {detail}")
    return with_step(state, incident, Step(Change.UPDATED, IncidentReason.NOTIFICATION_REFUSED, at, text))


def find_incident(state: GroupState, incident_id: str) -> Incident | None:
    """The incident of this id, or None where the group does not hold it any more."""
    return next((incident for incident in state.incidents if incident.id == incident_id), None)


def is_recorded(incident: Incident, cause: str) -> bool:
    """Whether a finding, a command or a decision of this id is in the timeline."""
    return any(entry.finding_id == cause for entry in incident.timeline)


def is_reopened_after(incident: Incident, at: datetime) -> bool:
    """Whether it was reopened after an instant; also where the timeline does not have the reopening any more."""
    reopened = [entry.at for entry in incident.timeline if entry.change is Change.REOPENED]
    return max([*reopened, incident.reopened_at or at]) > at


def merged_into(state: GroupState, incident: Incident) -> Incident:
    """The incident that this one was merged into, as far as it is kept; itself where it was not merged.

    Two may be merged into each other at the same time: until the circle is broken it stands for the one with the lowest id,
    which goes on.
    """
    chain = [incident]
    while (into := find_incident(state, chain[-1].merged_into)) is not None:
        if into in chain:
            return min(chain[chain.index(into) :], key=lambda one: one.id)
        chain.append(into)
    return chain[-1]


def remember_acknowledgement(incident: Incident) -> tuple[Acknowledgement, ...]:
    """The earlier acknowledgements and the present one: of each opening the first, from which its response time is measured."""
    earlier, at = incident.acknowledgements, incident.acknowledged_at
    if at is None or any(one.opened_at == incident.last_opened_at for one in earlier):
        return earlier
    present = Acknowledgement(opened_at=incident.last_opened_at, acknowledged_at=at)
    return (*earlier, present)[-ACKNOWLEDGEMENTS_LIMIT:]


def _newest_action(incident: Incident, decision: ActionDecision) -> str:
    """The newest line of the timeline about the action of a decision on its target; empty where there is none."""
    head = f"{_acted(decision)} "
    lines = (entry.summary for entry in reversed(incident.timeline) if entry.reason is IncidentReason.ACTION)
    return next((line for line in lines if line.startswith(head)), "")


def _acted(decision: ActionDecision) -> str:
    """The action, its place in the playbook and its target."""
    rung = f" ({decision.rung})" if decision.rung else ""
    return f"{decision.action}{rung} on {decision.target}"


def _action_text(decision: ActionDecision) -> Iterator[str]:
    mode = " (dry run)" if decision.mode is Mode.DRY_RUN else ""
    by = f" by {clean(decision.by, _NAME_LIMIT)}" if decision.by else ""
    # What is not better is no failure, though the next action of the playbook follows it as it follows one.
    stage = "ended" if decision.reason == ActionReason.NOT_BETTER else decision.stage.replace("_", " ")
    yield f"{_acted(decision)} {stage}{mode}{by}"
    if decision.stage is Stage.AWAITING:
        yield "approve or reject it on the page of the incident"
    elif decision.stage not in (Stage.PLANNED, Stage.APPLIED, Stage.VERIFIED):
        yield decision.reason.replace("_", " ")
    if decision.plan:
        yield decision.plan
    if decision.detail:
        yield decision.detail


def with_step(state: GroupState, incident: Incident, step: Step) -> Decision:
    """The decision that an incident of the group takes a step."""
    after, changes = advance(incident, (step,))
    incidents = tuple(after if incident.id == after.id else incident for incident in state.incidents)
    return Decision(state=replace(state, incidents=incidents), changes=changes, reason=step.reason)
