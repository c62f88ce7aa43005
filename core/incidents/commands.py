"""Commands of people to an incident, actions requested by its playbooks, and outcomes of actions and notifications."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from core.events import ActionDecision, ActionRequest, Change, Command, Mode, Stage, Verb
from core.incidents.escalation import applies, routing_facts
from core.incidents.lifecycle import Step, advance
from core.incidents.model import Decision, GroupState, Incident, Reason, State
from core.settings.response import ActionName, Playbook
from core.text import clean

_NAME_LIMIT = 80
_NOTIFIED_STAGES = frozenset({Stage.AWAITING, Stage.APPLIED, Stage.UNDONE, Stage.FAILED, Stage.EXPIRED})
"""Stages of an action that people are notified of: it awaits approval, was applied, or did not help."""
_CHANGES = {
    Verb.ACKNOWLEDGE: Change.ACKNOWLEDGED,
    Verb.MITIGATE: Change.MITIGATED,
    Verb.RESOLVE: Change.RESOLVED,
    Verb.CANCEL: Change.RESOLVED,
}
_ALLOWED_STATES = {
    Verb.ACKNOWLEDGE: frozenset({State.OPEN}),
    Verb.MITIGATE: frozenset({State.OPEN, State.ACKNOWLEDGED}),
    Verb.RESOLVE: frozenset({State.OPEN, State.ACKNOWLEDGED, State.MITIGATED}),
    Verb.CANCEL: frozenset({State.OPEN, State.ACKNOWLEDGED, State.MITIGATED}),
}
_MITIGATING = frozenset(ActionName) - {ActionName.COLLECT_DIAGNOSTICS, ActionName.RETRAIN_MODEL}
"""Actions that, once verified, mitigate the incident; a retrained model has not replaced the old one yet."""


def apply_command(state: GroupState, command: Command) -> Decision:
    """Apply a person's command.

    A repeated command, or one about an incident that is resolved or was reopened after it, changes nothing. Acknowledging an
    incident that was merged acknowledges the one that it was merged into.

    Args:
        state: of the group.
        command: about one of its incidents.
    """
    named = _find(state, command.subject)
    if named is None:
        return Decision(state=state, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    incident = _merged_into(state, named) if command.verb is Verb.ACKNOWLEDGE else named
    if _is_recorded(named, command.id) or _is_recorded(incident, command.id):
        return Decision(state=state, changes=(), reason=Reason.DUPLICATE)
    if command.verb not in _CHANGES or incident.state not in _ALLOWED_STATES[command.verb]:
        return Decision(state=state, changes=(), reason=Reason.UNCHANGED)
    if _reopened_after(incident, command.at):
        return Decision(state=state, changes=(), reason=Reason.LATE)
    by, note = clean(command.by, _NAME_LIMIT) or "somebody", clean(command.note)
    step = Step(_CHANGES[command.verb], Reason.COMMAND, command.at, f"{by}: {note}" if note else by, command.id)
    return _with_step(state, _commanded(incident, command, by), step)


def request_actions(
    state: GroupState, playbooks: Iterable[Playbook], *, now: datetime, is_muted: Callable[[Incident], bool]
) -> tuple[GroupState, tuple[ActionRequest, ...]]:
    """The actions that the playbooks request: when an incident opens or is reopened, and again when it gets worse.

    Nothing is requested while the incident is muted: what is in maintenance is left alone. An action on a target is
    requested once, by the first playbook that names it.

    Args:
        state: after the decision and its notifications.
        playbooks: from the settings.
        now: for the hours of a playbook, and as the instant of the requests.
        is_muted: whether an incident is muted.

    Returns:
        The next state, and the requests.
    """
    playbooks = tuple(playbooks)
    requests: dict[tuple[str, str, str], ActionRequest] = {}
    incidents = []
    for incident in state.incidents:
        after = incident
        if playbooks and _is_due(incident) and not is_muted(incident):
            for request in _requests(incident, playbooks, now):
                requests.setdefault((request.incident_id, request.action, request.target), request)
            after = replace(incident, requested_severity=incident.severity)
        incidents.append(after)
    same = all(one is other for one, other in zip(incidents, state.incidents, strict=True))
    return state if same else replace(state, incidents=tuple(incidents)), tuple(requests.values())


def record_action(state: GroupState, decision: ActionDecision) -> Decision:
    """Record a decision about an automated action in the timeline; a verified action may mitigate the incident.

    The mitigation of an incident that was merged does not mitigate the one that it was merged into.

    Args:
        state: of the group.
        decision: about a request of one of its incidents.
    """
    named = _find(state, decision.incident_id)
    if named is None:
        return Decision(state=state, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    incident = _merged_into(state, named)
    if _is_recorded(named, decision.id) or _is_recorded(incident, decision.id):
        return Decision(state=state, changes=(), reason=Reason.DUPLICATE)
    text = clean(": ".join(_action_text(decision)))
    if incident is named and _mitigates(incident, decision):
        step = Step(Change.MITIGATED, Reason.ACTION, decision.at, text, decision.id)
        return _with_step(state, replace(incident, mitigated_at=decision.at), step)
    if decision.mode is Mode.ACT and decision.stage in _NOTIFIED_STAGES:
        incident = replace(incident, pending_update=text)
    return _with_step(state, incident, Step(Change.UPDATED, Reason.ACTION, decision.at, text, decision.id))


def record_refusal(state: GroupState, incident_id: str, *, channel: str, detail: str, at: datetime) -> Decision:
    """Record in the timeline that a channel refused a message for good.

    Args:
        state: of the group; unchanged when it does not hold the incident any more.
        incident_id: the incident that the message was about.
        channel: the channel's name.
        detail: the channel's answer.
        at: the instant.
    """
    incident = _find(state, incident_id)
    if incident is None:
        return Decision(state=state, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    text = clean(f"{clean(channel, _NAME_LIMIT)} refused the message: {detail}")
    return _with_step(state, incident, Step(Change.UPDATED, Reason.NOTIFICATION_REFUSED, at, text))


def _find(state: GroupState, incident_id: str) -> Incident | None:
    return next((incident for incident in state.incidents if incident.id == incident_id), None)


def _is_recorded(incident: Incident, cause: str) -> bool:
    return any(entry.finding_id == cause for entry in incident.timeline)


def _merged_into(state: GroupState, incident: Incident) -> Incident:
    """The incident that this one was merged into, as far as it is kept; itself where it was not merged."""
    while (into := _find(state, incident.merged_into)) is not None:
        incident = into
    return incident


def _is_due(incident: Incident) -> bool:
    if incident.state is State.RESOLVED:
        return False
    return incident.requested_severity is None or incident.severity.rank > incident.requested_severity.rank


def _requests(incident: Incident, playbooks: Iterable[Playbook], now: datetime) -> Iterator[ActionRequest]:
    for playbook in playbooks:
        if not applies(playbook.when, routing_facts(incident), now):
            continue
        for deed in playbook.do:
            yield ActionRequest(
                incident_id=incident.id,
                sequence=incident.sequence,
                action=deed.action,
                target=deed.target or incident.target,
                requested_at=now,
                mode=playbook.mode,
                playbook=playbook.name,
                reason=f"{incident.target} is {incident.severity} ({incident.category})",
                severity=incident.severity,
            )


def _mitigates(incident: Incident, decision: ActionDecision) -> bool:
    done = decision.stage is Stage.VERIFIED and decision.mode is Mode.ACT and decision.action in _MITIGATING
    return done and incident.state in _ALLOWED_STATES[Verb.MITIGATE] and not _reopened_after(incident, decision.at)


def _reopened_after(incident: Incident, at: datetime) -> bool:
    """Whether it was reopened after this instant; an earlier command or action is about what was resolved by then."""
    return any(entry.at > at for entry in incident.timeline if entry.change is Change.REOPENED)


def _commanded(incident: Incident, command: Command, by: str) -> Incident:
    if command.verb is Verb.ACKNOWLEDGE:
        return replace(incident, acknowledged_at=command.at, acknowledged_by=by)
    if command.verb is Verb.MITIGATE:
        return replace(incident, mitigated_at=command.at)
    return replace(incident, closed_at=command.at, resolved_at=command.at, cancelled=command.verb is Verb.CANCEL)


def _action_text(decision: ActionDecision) -> Iterator[str]:
    mode = " (dry run)" if decision.mode is Mode.DRY_RUN else ""
    by = f" by {clean(decision.by, _NAME_LIMIT)}" if decision.by else ""
    yield f"{decision.action} on {decision.target} {decision.stage.replace('_', ' ')}{mode}{by}"
    if decision.stage is Stage.AWAITING:
        yield "approve or reject it on the page of the incident"
    elif decision.stage not in (Stage.PLANNED, Stage.APPLIED, Stage.VERIFIED):
        yield decision.reason.replace("_", " ")
    if decision.plan:
        yield decision.plan
    if decision.detail:
        yield decision.detail


def _with_step(state: GroupState, incident: Incident, step: Step) -> Decision:
    after, changes = advance(incident, (step,))
    incidents = tuple(after if one.id == after.id else one for one in state.incidents)
    return Decision(state=replace(state, incidents=incidents), changes=changes, reason=step.reason)
