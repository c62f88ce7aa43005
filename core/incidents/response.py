"""Automated response to incidents: which actions the playbooks request, and whether a request was made."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.events import ActionDecision, ActionRequest, Mode, stamp
from core.incidents.ladder import LADDERS_LIMIT, ActionLadder, LadderState, climb, digest, heard
from core.incidents.lifecycle import record_action
from core.incidents.model import Decision, GroupState, Incident, IncidentReason, State
from core.incidents.routing import applies, routing_facts
from core.settings.response import Playbook
from core.text import duration

MAX_AGE = timedelta(minutes=30)
"""How long after it was made a request may be begun; a later one is refused, and made again while the incident is open."""

UNHEARD = timedelta(hours=2)
"""A request of which nothing was heard for so long is lost, as Pub/Sub has given it up by then: it is made again."""

_FIRED = frozenset(
    {
        IncidentReason.FIRST_FIRING,
        IncidentReason.FIRED_AGAIN,
        IncidentReason.WORSENED,
        IncidentReason.JOINED,
        IncidentReason.STILL_FIRING,
    }
)
"""The reasons of entries in the timeline that name a finding that fires."""


def request_actions(
    state: GroupState, playbooks: Iterable[Playbook], *, now: datetime, is_muted: Callable[[Incident], bool]
) -> tuple[GroupState, tuple[ActionRequest, ...]]:
    """The actions that the playbooks request: when an incident opens, is reopened or gets worse, and when the one before did not help.

    Each playbook requests its actions one after the other (see `core.incidents.ladder`). What is under way goes on when the incident
    gets worse; when it is reopened, all begin again. Nothing is requested while the incident is muted: what is in maintenance is left
    alone. An action on a target is requested once, by the first playbook that names it.

    Args:
        state: after the decision and its notifications.
        playbooks: from the settings.
        now: for the hours of a playbook, and as the instant of the requests.
        is_muted: whether an incident is muted.

    Returns:
        The next state, and the requests.
    """
    named = {playbook.name: playbook for playbook in playbooks}
    room = LADDERS_LIMIT - sum(len(incident.ladders) for incident in state.incidents)
    requests: list[ActionRequest] = []
    incidents = []
    for incident in state.incidents:
        after = _missed(incident, now)
        if named and after.state is not State.RESOLVED and _has_news(after) and not is_muted(after):
            after = _begun(after, named, now, room)
            room -= len(after.ladders) - len(incident.ladders)
            after, more = _climbed(after, named, now)
            requests += more
        incidents.append(after)
    same = all(after is other for after, other in zip(incidents, state.incidents, strict=True))
    return state if same else replace(state, incidents=tuple(incidents)), tuple(requests)


def record_decision(state: GroupState, decision: ActionDecision) -> Decision:
    """Record a decision about an action in the timeline of its incident, and in the ladder that waits for it.

    Args:
        state: of the group.
        decision: about a request of one of its incidents; delivered twice or out of order, it has the effect of once.
    """
    recorded = record_action(state, decision)
    incidents = tuple(
        _heard(incident, decision) if incident.id == decision.incident_id else incident
        for incident in recorded.state.incidents
    )
    return replace(recorded, state=replace(recorded.state, incidents=incidents))


def mismatch(request: ActionRequest, ladders: Iterable[ActionLadder], playbooks: Mapping[str, Playbook]) -> str:
    """What a request says that no playbook requested, in one line; empty where one did.

    Args:
        request: as it arrived.
        ladders: those of its incident, as the store has them.
        playbooks: of the settings, by name.
    """
    ladder = next((ladder for ladder in ladders if ladder.playbook == request.playbook), None)
    if ladder is None:
        return f"playbook: must be one that responds to {request.incident_id[:200]}, got {request.playbook[:80]!r}"
    key = digest(request.id)
    if key not in ladder.asked:
        return f"id: must be of a request of playbook {request.playbook}, got {request.id[:200]!r}"
    newest = key == ladder.asked[-1]
    if request.requested_at > ladder.at or (newest and request.requested_at < ladder.at):
        return f"requested_at: must be {stamp(ladder.at)}, got {stamp(request.requested_at)}"
    playbook = playbooks.get(request.playbook)
    if playbook and playbook.mode is Mode.DRY_RUN and request.mode is not Mode.DRY_RUN:
        return f"mode: must be {playbook.mode} as in playbook {request.playbook}, got {request.mode}"
    return ""


def overdue(request: ActionRequest, now: datetime) -> str:
    """Why a request is too old to begin, in one line; empty where it is not. At exactly `MAX_AGE` it is."""
    old = now - request.requested_at >= MAX_AGE
    return f"requested at {stamp(request.requested_at)}, {duration(MAX_AGE)} ago or more" if old else ""


def is_last(request: ActionRequest) -> bool:
    """Whether no further action of its playbook waits for this one, by its rung, as in `2 of 2`."""
    number, _, count = request.rung.partition(" of ")
    return not count or number == count


def withdrawn(request: ActionRequest, playbooks: Mapping[str, Playbook]) -> str:
    """Why a playbook does not name an action any more, in one line; empty where it does."""
    playbook = playbooks.get(request.playbook)
    deeds = playbook.do if playbook else ()
    if any(deed.action == request.action and deed.target in ("", request.target) for deed in deeds):
        return ""
    return f"playbook {request.playbook} does not name {request.action} on {request.target} any more"


def _missed(incident: Incident, now: datetime) -> Incident:
    """The incident with the ladders whose request was lost about to make it again, under a step of its own."""
    late = [one for one in incident.ladders if now - one.at >= UNHEARD and incident.sequence > one.sequence]
    if not late:
        return incident
    steps = (entry.finding_id for entry in incident.timeline if entry.reason is IncidentReason.ACTION)
    known = {"", *(digest(step.rpartition(":")[0]) for step in steps)}
    ladders = tuple(
        replace(one, state=LadderState.AGAIN, sequence=incident.sequence)
        if one in late and one.waits_for not in known
        else one
        for one in incident.ladders
    )
    return incident if ladders == incident.ladders else replace(incident, ladders=ladders)


def _has_news(incident: Incident) -> bool:
    return _is_due(incident) or any(ladder.goes_on for ladder in incident.ladders)


def _is_due(incident: Incident) -> bool:
    return incident.requested_severity is None or incident.severity.rank > incident.requested_severity.rank


def _begun(incident: Incident, playbooks: Mapping[str, Playbook], now: datetime, room: int) -> Incident:
    """The incident with a ladder of each playbook that is to begin; unchanged where they find no room."""
    if not _is_due(incident):
        return incident
    facts = routing_facts(incident)
    goes_on = incident.requested_severity is not None
    held = [one for one in incident.ladders if goes_on and one.state is not LadderState.OVER]
    new = [
        ActionLadder(playbook=name, sequence=incident.sequence, at=now)
        for name, playbook in playbooks.items()
        if name not in {one.playbook for one in held} and applies(playbook.when, facts, now)
    ]
    if len(held) + len(new) > len(incident.ladders) + room:
        return incident
    return replace(incident, ladders=(*held, *new), requested_severity=incident.severity)


def _climbed(
    incident: Incident, playbooks: Mapping[str, Playbook], now: datetime
) -> tuple[Incident, list[ActionRequest]]:
    """The incident with the next request of each ladder that goes on."""
    root = _root(incident, now)
    requests: list[ActionRequest] = []
    ladders = list(incident.ladders)
    for place, ladder in enumerate(ladders):
        if ladder.goes_on:
            playbook = playbooks.get(ladder.playbook)
            others = (*ladders[:place], *ladders[place + 1 :])
            ladders[place], more = climb(ladder, playbook, root, others) if playbook else (_ended(ladder), ())
            requests += more
    return replace(incident, ladders=tuple(ladders)), requests


def _ended(ladder: ActionLadder) -> ActionLadder:
    """The ladder of a playbook that the settings do not have any more."""
    return replace(ladder, state=LadderState.OVER)


def _root(incident: Incident, now: datetime) -> ActionRequest:
    """What the requests of an incident say, but for the action and its playbook."""
    return ActionRequest(
        incident_id=incident.id,
        sequence=incident.sequence,
        action="",
        target=incident.target,
        requested_at=now,
        mode=Mode.DRY_RUN,
        playbook="",
        reason=f"{incident.target} is {incident.severity} ({incident.category})",
        severity=incident.severity,
        finding_id=_finding(incident),
    )


def _finding(incident: Incident) -> str:
    """The id of the newest finding about its target that made it fire; of another one where there is none, or empty."""
    told = [entry.finding_id for entry in reversed(incident.timeline) if entry.reason in _FIRED and entry.finding_id]
    own = [finding for finding in told if finding.startswith(f"{incident.target}:")]
    return next(iter([*own, *told]), "")


def _heard(incident: Incident, decision: ActionDecision) -> Incident:
    ladders = tuple(heard(ladder, decision, incident.sequence) for ladder in incident.ladders)
    return incident if ladders == incident.ladders else replace(incident, ladders=ladders)
