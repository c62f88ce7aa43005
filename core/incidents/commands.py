"""What people, channels and automated responses do to an incident."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from core.events import ActionDecision, Change, Command, Mode, Stage, Verb
from core.incidents.life import Step, advance
from core.incidents.model import Decision, Incident, Reason, State, Watch
from core.incidents.text import clean
from core.settings.response import ActionName

_NAME_LIMIT = 80
_NEWS = frozenset({Stage.AWAITING, Stage.APPLIED, Stage.UNDONE, Stage.FAILED, Stage.EXPIRED})
"""What people hear of an automated response: that it waits for them, that it was done, and that it did not help."""
_CHANGES = {
    Verb.ACKNOWLEDGE: Change.ACKNOWLEDGED,
    Verb.MITIGATE: Change.MITIGATED,
    Verb.RESOLVE: Change.RESOLVED,
    Verb.CANCEL: Change.RESOLVED,
}
_BEFORE = {
    Verb.ACKNOWLEDGE: frozenset({State.OPEN}),
    Verb.MITIGATE: frozenset({State.OPEN, State.ACKNOWLEDGED}),
    Verb.RESOLVE: frozenset({State.OPEN, State.ACKNOWLEDGED, State.MITIGATED}),
    Verb.CANCEL: frozenset({State.OPEN, State.ACKNOWLEDGED, State.MITIGATED}),
}
_HEALS = frozenset(ActionName) - {ActionName.COLLECT_DIAGNOSTICS, ActionName.RETRAIN_MODEL}
"""Actions that, once verified, have stopped the harm; a model that is trained again has not yet replaced the old one."""


def obey(watch: Watch, command: Command) -> Decision:
    """What a person says about an incident.

    Said twice, or of an incident that is over, or before it was opened again, it changes nothing. Whoever takes care of what
    has become part of another incident takes care of that one.

    Args:
        watch: what is remembered of the group.
        command: about one of its incidents.
    """
    part = _of(watch, command.subject)
    if part is None:
        return Decision(watch=watch, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    incident = _whole(watch, part) if command.verb is Verb.ACKNOWLEDGE else part
    if _known(part, command.id) or _known(incident, command.id):
        return Decision(watch=watch, changes=(), reason=Reason.DUPLICATE)
    if command.verb not in _CHANGES or incident.state not in _BEFORE[command.verb]:
        return Decision(watch=watch, changes=(), reason=Reason.UNCHANGED)
    if _came_back_since(incident, command.at):
        return Decision(watch=watch, changes=(), reason=Reason.LATE)
    by, note = clean(command.by, _NAME_LIMIT) or "somebody", clean(command.note)
    text = f"{by}: {note}" if note else by
    step = Step(_CHANGES[command.verb], Reason.COMMANDED, command.at, text, command.id)
    return _with(watch, _obeyed(incident, command, by), step)


def note(watch: Watch, decision: ActionDecision) -> Decision:
    """Write what was decided about an automated response into the timeline; one that healed mitigates the incident.

    A part that was healed does not mitigate the whole.

    Args:
        watch: what is remembered of the group.
        decision: about a request that one of its incidents made.
    """
    part = _of(watch, decision.incident_id)
    if part is None:
        return Decision(watch=watch, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    incident = _whole(watch, part)
    if _known(part, decision.id) or _known(incident, decision.id):
        return Decision(watch=watch, changes=(), reason=Reason.DUPLICATE)
    text = _told(decision)
    if incident is part and _heals(incident, decision):
        step = Step(Change.MITIGATED, Reason.ACTION, decision.at, text, decision.id)
        return _with(watch, replace(incident, mitigated_at=decision.at), step)
    if decision.mode is Mode.ACT and decision.stage in _NEWS:
        incident = replace(incident, unsaid=text)
    return _with(watch, incident, Step(Change.UPDATED, Reason.ACTION, decision.at, text, decision.id))


def refuse(watch: Watch, incident_id: str, *, channel: str, detail: str, at: datetime) -> Decision:
    """Write into the timeline that a channel refused a message for good.

    Args:
        watch: what is remembered now; nothing happens when the incident is forgotten.
        incident_id: the incident that the message was about.
        channel: the channel's name.
        detail: what the channel answered.
        at: when.
    """
    incident = _of(watch, incident_id)
    if incident is None:
        return Decision(watch=watch, changes=(), reason=Reason.NO_SUCH_INCIDENT)
    text = clean(f"{clean(channel, _NAME_LIMIT)} refused the message: {detail}")
    return _with(watch, incident, Step(Change.UPDATED, Reason.NOTIFICATION_REFUSED, at, text))


def _of(watch: Watch, incident_id: str) -> Incident | None:
    return next((incident for incident in watch.incidents if incident.id == incident_id), None)


def _known(incident: Incident, cause: str) -> bool:
    return any(entry.finding_id == cause for entry in incident.timeline)


def _whole(watch: Watch, incident: Incident) -> Incident:
    """The incident that this one is part of by now, as far as it is remembered; itself where it is no part."""
    while (into := _of(watch, incident.merged_into)) is not None:
        incident = into
    return incident


def _heals(incident: Incident, decision: ActionDecision) -> bool:
    done = decision.stage is Stage.VERIFIED and decision.mode is Mode.ACT and decision.action in _HEALS
    return done and incident.state in _BEFORE[Verb.MITIGATE] and not _came_back_since(incident, decision.at)


def _came_back_since(incident: Incident, at: datetime) -> bool:
    """Whether it was opened again after this instant; what was said or done before is about what was over by then."""
    return any(entry.at > at for entry in incident.timeline if entry.change is Change.REOPENED)


def _obeyed(incident: Incident, command: Command, by: str) -> Incident:
    if command.verb is Verb.ACKNOWLEDGE:
        return replace(incident, acknowledged_at=command.at, acknowledged_by=by)
    if command.verb is Verb.MITIGATE:
        return replace(incident, mitigated_at=command.at)
    return replace(incident, closed_at=command.at, resolved_at=command.at, cancelled=command.verb is Verb.CANCEL)


def _told(decision: ActionDecision) -> str:
    return clean(": ".join(_pieces(decision)))


def _pieces(decision: ActionDecision) -> Iterator[str]:
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


def _with(watch: Watch, incident: Incident, step: Step) -> Decision:
    after, changes = advance(incident, (step,))
    incidents = tuple(after if one.id == after.id else one for one in watch.incidents)
    return Decision(watch=replace(watch, incidents=incidents), changes=changes, reason=step.reason)
