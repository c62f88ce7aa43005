"""Merging by people: an incident becomes a part of another one, reports to it, and is taken out again.

A part keeps its conditions, and decides by them whether it fires. It reports that as findings about the root target of the other
incident, one condition for each part: so the order of reports, their repetition and "over only when all conditions are" are
those of every finding, also where the two incidents are in documents of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.events import Change, Command, Finding, Status
from core.incidents.audience import with_channels
from core.incidents.capacity import still_fires
from core.incidents.fold import fold
from core.incidents.lifecycle import (
    Step,
    advance,
    find_incident,
    is_recorded,
    is_reopened_after,
    merged_into,
    with_step,
)
from core.incidents.model import Decision, GroupState, Incident, IncidentCondition, IncidentReason, State, last_report
from core.incidents.part import TAKEN_OUT, Part, evidence_of
from core.incidents.policy import PART_KIND, IncidentPolicy
from core.incidents.routing import targets_of
from core.text import clean

SOURCE = "incidents"
UNCONFIRMED = timedelta(hours=1)
"""How long the first report holds, which is made before the part is one: it ends by itself where that never happens."""
_REPEATED = timedelta(hours=1)
_NAME_LIMIT = 80
_TICK = timedelta(microseconds=1)
Report = tuple[str, Finding]
"""The id of a merged incident, and what it reports."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The incident that another one becomes a part of.

    Attributes:
        id: of the incident.
        target: its root target.
    """

    id: str
    target: str


def announce(state: GroupState, part_id: str, whole: Whole, now: datetime) -> Finding | None:
    """The first report, before the incident is a part; None where nothing of it fires.

    Args:
        state: of the part's group.
        part_id: the incident that is to be merged.
        whole: the other one.
        now: the present.
    """
    incident = find_incident(state, part_id)
    if incident is None or not still_fires(state, incident):
        return None
    at = max(now, incident.part.reported_at + _TICK) if incident.part else now
    part = Part(target=whole.target, at=at, severity=incident.severity, reported_at=at)
    return replace(_report(state, incident, part, whole.target), holds_until=at + UNCONFIRMED)


def join(
    state: GroupState,
    whole: Whole,
    part: Incident,
    finding: Finding | None,
    command: Command,
    *,
    now: datetime,
    policy: IncidentPolicy,
) -> Decision:
    """Let another incident count for this one; it gets its owner where nobody has it, and everybody who was notified of it.

    Args:
        state: of the group of the whole.
        whole: a live incident.
        part: the incident that is to be merged.
        finding: its first report, or None where nothing of it fires.
        command: to merge it.
        now: the present.
        policy: the policy.
    """
    decision = fold(state, finding, now=now, policy=policy) if finding else None
    after = decision.state if decision else state
    named = find_incident(after, whole.id)
    if named is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NO_SUCH_INCIDENT)
    incident = merged_into(after, named)
    before = decision.changes if decision else ()
    if is_recorded(incident, command.id):
        return Decision(state=after, changes=before, reason=IncidentReason.DUPLICATE)
    adopts = _adopts(incident, part, command)
    if adopts:
        incident = replace(incident, acknowledged_at=command.at, acknowledged_by=part.acknowledged_by)
    change = Change.ACKNOWLEDGED if adopts else Change.UPDATED
    text = f"{_by(command)} merged {part.id} into it ({clean(part.title, _NAME_LIMIT)}){_note(command)}"
    step = Step(change, IncidentReason.MERGED, command.at, text, command.id)
    joined = with_step(after, with_channels(incident, (part,)), step)
    return replace(joined, changes=(*before, *joined.changes))


def retract(state: GroupState, part_id: str, target: str, *, now: datetime, policy: IncidentPolicy) -> Decision:
    """Let an incident no longer count another one that did not become a part of it.

    Args:
        state: of the group of the whole.
        part_id: the other one.
        target: the root target of the whole.
        now: the present.
        policy: the policy.
    """
    before = _counted(state, part_id, target)
    if before is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NOTHING_TO_RESOLVE)
    finding = Finding(
        target=target,
        kind=before.kind,
        status=Status.RESOLVED,
        severity=before.severity,
        observed_at=max(now, before.observed_at + _TICK),
        source=SOURCE,
        summary=before.summary,
        evidence={"incident": part_id, **TAKEN_OUT},
    )
    return fold(state, finding, now=finding.observed_at, policy=policy)


def counts(state: GroupState, part_id: str, target: str) -> bool:
    """Whether another incident fires by its reports about a target.

    Args:
        state: of the group of the whole.
        part_id: the other one.
        target: the root target of the whole.
    """
    return _counted(state, part_id, target) is not None


def _counted(state: GroupState, part_id: str, target: str) -> IncidentCondition | None:
    mine = (one for one in state.conditions if one.target == target and one.kind == f"{PART_KIND}{part_id}")
    return next((one for one in mine if one.status is Status.FIRING), None)


def absorb(state: GroupState, command: Command, whole: Whole, announced_at: datetime | None = None) -> Decision:
    """Make an incident a part of another one.

    The newest command to merge it or to take it out counts. What is over, or was merged because a target that both depend on
    fires, is left as it is.

    Args:
        state: of the part's group.
        command: about the part.
        whole: the other incident.
        announced_at: the instant of the first report, where there was one: the next one is later.
    """
    incident = find_incident(state, command.subject)
    refusal = why_not(incident, command)
    if incident is None or refusal is not None:
        return Decision(state=state, changes=(), reason=refusal or IncidentReason.NO_SUCH_INCIDENT)
    before = incident.part
    leaves = before.target if before and before.target != whole.target else ""
    part = Part(
        target=whole.target,
        at=command.at,
        reported_at=max([at for at in (before and before.reported_at, announced_at) if at], default=command.at - _TICK),
        leaves=leaves,
    )
    over_at = None if still_fires(state, incident) else incident.resolved_at or _last_word(state, incident, command.at)
    after = replace(incident, merged_into=whole.id, part=part, resolved_at=over_at)
    text = f"{_by(command)} merged it into {whole.id} ({clean(whole.target, _NAME_LIMIT)}){_note(command)}"
    return with_step(state, after, Step(Change.MERGED, IncidentReason.COMMAND, command.at, text, command.id))


def why_not(incident: Incident | None, command: Command) -> IncidentReason | None:
    """Why a command to merge an incident changes nothing; None where it does."""
    if incident is None:
        return IncidentReason.NO_SUCH_INCIDENT
    if is_recorded(incident, command.id):
        return IncidentReason.DUPLICATE
    if _is_late(incident, command):
        return IncidentReason.LATE
    over = incident.state is State.RESOLVED and not incident.is_part
    return IncidentReason.UNCHANGED if over else None


def split(state: GroupState, command: Command) -> Decision:
    """Take an incident out of the one that a person merged it into: it is open again where it fires, else it stays over.

    One that arrives before the command to merge it is recorded as well, so that the older one does not count.

    Args:
        state: of the part's group.
        command: about the part.
    """
    incident = find_incident(state, command.subject)
    if incident is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NO_SUCH_INCIDENT)
    if is_recorded(incident, command.id):
        return Decision(state=state, changes=(), reason=IncidentReason.DUPLICATE)
    if _is_late(incident, command):
        return Decision(state=state, changes=(), reason=IncidentReason.LATE)
    text = f"{_by(command)} took it out of {incident.merged_into}{_note(command)}"
    if incident.part is not None and incident.is_part:
        return _taken_out(
            state, incident, incident.part, Step(Change.UPDATED, IncidentReason.SPLIT, command.at, text, command.id)
        )
    if incident.state is State.RESOLVED:
        return Decision(state=state, changes=(), reason=IncidentReason.UNCHANGED)
    part = incident.part or Part(target="", at=command.at, reported_at=command.at - _TICK)
    text = f"{_by(command)} takes it out; it was not merged{_note(command)}"
    step = Step(Change.UPDATED, IncidentReason.SPLIT, command.at, text, command.id)
    return with_step(state, replace(incident, part=replace(part, at=command.at)), step)


def release(state: GroupState, incident_id: str, whole_id: str) -> Decision:
    """Take an incident out that was merged into one of its own parts: of such a circle the one with the lowest id goes on.

    Args:
        state: of its group.
        incident_id: the incident.
        whole_id: the incident that it was merged into.
    """
    incident = find_incident(state, incident_id)
    if incident is None or incident.part is None or not incident.is_part or incident.merged_into != whole_id:
        return Decision(state=state, changes=(), reason=IncidentReason.UNCHANGED)
    text = f"merged into each other with {whole_id}: this one goes on"
    return _taken_out(
        state, incident, incident.part, Step(Change.UPDATED, IncidentReason.SPLIT, incident.part.at, text)
    )


def report_parts(
    state: GroupState, *, now: datetime, resolve_after: timedelta
) -> tuple[GroupState, tuple[Report, ...]]:
    """What parts have to report: that they fire, or otherwise than before, or are over; and a repetition now and then.

    Args:
        state: after the decision.
        now: the present; reports of a part have rising instants, also where clocks differ.
        resolve_after: how long a firing holds that is not repeated.

    Returns:
        The next state, and the reports, each with the id of its part.
    """
    reports: list[Report] = []
    incidents = []
    for incident in state.incidents:
        after, findings = _reported(state, incident, now, resolve_after)
        incidents.append(after)
        reports += [(incident.id, finding) for finding in findings]
    return (replace(state, incidents=tuple(incidents)) if reports else state), tuple(reports)


def _reported(
    state: GroupState, incident: Incident, now: datetime, resolve_after: timedelta
) -> tuple[Incident, Sequence[Finding]]:
    part = incident.part
    if part is None or not (part.target or part.leaves):
        return incident, ()
    severity = incident.severity if incident.resolved_at is None else None
    silent = severity is None and _is_silent(state, incident)
    after = replace(part, severity=severity, silent=silent, reported_at=max(now, part.reported_at + _TICK), leaves="")
    after = replace(after, is_reported=True)
    findings = []
    if part.leaves:
        gone = _report(state, incident, replace(after, severity=None, silent=False), part.leaves)
        findings.append(replace(gone, evidence={"incident": incident.id, **TAKEN_OUT}))
    is_news = not part.is_reported or (severity, silent) != (part.severity, part.silent)
    if part.target and (is_news or _is_repeated(state, incident, part, now, resolve_after)):
        findings.append(_report(state, incident, after, part.target))
    return (replace(incident, part=after) if findings else incident), findings


def _is_repeated(state: GroupState, incident: Incident, part: Part, now: datetime, resolve_after: timedelta) -> bool:
    """Whether a firing is to be reported again: its sources spoke since, or it would expire before they do."""
    if part.severity is None:
        return False
    spoke = any(last_report(one) > part.reported_at for one in state.members(incident) if one.status is Status.FIRING)
    return now - part.reported_at >= (min(_REPEATED, resolve_after / 6) if spoke else resolve_after / 2)


def _report(state: GroupState, incident: Incident, part: Part, target: str) -> Finding:
    """A report; of what is no longer reported it says that it fired until now, so that it expires and is not resolved."""
    members = state.members(incident)
    fires = part.severity is not None or part.silent
    return Finding(
        target=target,
        kind=f"{PART_KIND}{incident.id}",
        status=Status.FIRING if fires else Status.RESOLVED,
        severity=part.severity or incident.severity,
        observed_at=part.reported_at,
        source=SOURCE,
        summary=clean(f"{incident.target}: {incident.title}"),
        evidence=evidence_of(incident.id, _targets(incident, members)),
        runbook=members[0].runbook if members else "",
        holds_until=part.reported_at if part.silent else None,
    )


def _targets(incident: Incident, members: Sequence[IncidentCondition]) -> tuple[str, ...]:
    """The targets of a part that fire, those of its own parts as well; those of the incident where none is known to."""
    firing = [target for one in members if one.status is Status.FIRING for target in targets_of(one)]
    named_first = sorted(dict.fromkeys(firing), key=lambda target: not target)
    return tuple(named_first) or incident.targets or (incident.target,)


def _taken_out(state: GroupState, incident: Incident, part: Part, step: Step) -> Decision:
    """The incident by itself: the step reopens it where it fires."""
    fires = incident.resolved_at is None
    out = replace(incident, merged_into="", part=replace(part, target="", at=step.at, leaves=part.target))
    if fires:
        after, changes = advance(out, (replace(step, change=Change.REOPENED),), {"peak": incident.severity})
    else:
        after, changes = advance(replace(out, expired=_is_silent(state, incident)), (step,))
    incidents = tuple(after if one.id == after.id else one for one in state.incidents)
    return Decision(state=replace(state, incidents=incidents), changes=changes, reason=step.reason)


def _is_late(incident: Incident, command: Command) -> bool:
    """Whether it was reopened after the command, or a newer one to merge it or to take it out has been carried out."""
    return is_reopened_after(incident, command.at) or (incident.part is not None and command.at <= incident.part.at)


def _is_silent(state: GroupState, incident: Incident) -> bool:
    """Whether something in it is only no longer reported: whether that recovered is not known."""
    return incident.lost or any(one.expired_at is not None for one in state.members(incident))


def _last_word(state: GroupState, incident: Incident, at: datetime) -> datetime:
    return max((one.observed_at for one in state.members(incident)), default=at)


def _adopts(incident: Incident, part: Incident, command: Command) -> bool:
    """Whether the owner of the part has the whole from now on."""
    released = incident.released_at is not None and command.at <= incident.released_at
    return incident.state is State.OPEN and bool(part.acknowledged_by) and not released


def _by(command: Command) -> str:
    return clean(command.by, _NAME_LIMIT) or "somebody"


def _note(command: Command) -> str:
    note = clean(command.note)
    return f": {note}" if note else ""
