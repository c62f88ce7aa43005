"""Acknowledgements of single targets of an incident: of a storm, each person has the targets that they look at.

The incident counts as acknowledged as soon as each target that fires is, and no longer as soon as another target fires: so escalation goes
on for the others, and begins again for a new one. What an acknowledgement of the whole incident is does not depend on targets.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core.events import Change, IncidentChange, Status
from core.incidents.acknowledgement import TargetOwner
from core.incidents.capacity import digest, hidden_of
from core.incidents.conditions import last_episode
from core.incidents.grouping import subject
from core.incidents.lifecycle import Step, advance, remember_acknowledgement
from core.incidents.model import (
    GroupState,
    Incident,
    IncidentCondition,
    IncidentReason,
    State,
)
from core.text import clean_utf8

_NAMES_LIMIT = 80
_NAME_BYTES = 60
"""Of a person; there may be one for each target."""
_LIVE = frozenset({State.OPEN, State.ACKNOWLEDGED})


def target_of(condition: IncidentCondition) -> str:
    """The target that a condition is about; of a group, not the group."""
    return subject(condition.target, condition.kind)[0]


def has_target(state: GroupState, incident: Incident, target: str) -> bool:
    """Whether a condition of the incident that is kept in detail is about this target."""
    return any(target_of(member) == target for member in state.members(incident))


def owner_of(incident: Incident, condition: IncidentCondition) -> TargetOwner | None:
    """Who acknowledged the target of a condition; None where nobody did, or only the whole incident."""
    name = digest(target_of(condition)) if incident.target_owners else ""
    return next((owner for owner in incident.target_owners if owner.target == name), None)


def with_target_owner(incident: Incident, target: str, by: str, at: datetime) -> Incident:
    """The incident with one target acknowledged; of two people the one who said so last has it."""
    name = digest(target)
    before = next((owner for owner in incident.target_owners if owner.target == name), None)
    if before is not None and before.at >= at:
        return incident
    others = [owner for owner in incident.target_owners if owner.target != name]
    owners = sorted(
        [*others, TargetOwner(name, clean_utf8(by, _NAME_BYTES), at)], key=lambda owner: (owner.at, owner.target)
    )
    return replace(incident, target_owners=tuple(owners))


def withdrawn(incident: Incident) -> Incident:
    """The incident that nobody has as a whole."""
    return replace(
        incident,
        acknowledged_at=None,
        acknowledged_by="",
        taken_over_at=None,
        by_target=False,
        acknowledgements=remember_acknowledgement(incident),
    )


def settle_owners(
    state: GroupState, *, at: datetime, reopen_within: timedelta
) -> tuple[GroupState, tuple[IncidentChange, ...]]:
    """Acknowledge what is acknowledged target by target, and withdraw that where another target fires.

    Args:
        state: after a decision.
        at: the instant of the decision.
        reopen_within: an acknowledgement holds through a pause of its target that is no longer than this.
    """
    if not any(one.state in _LIVE and (one.target_owners or one.by_target) for one in state.incidents):
        return state, ()
    settled = [_settled(state, incident, at, reopen_within) for incident in state.incidents]
    after = tuple(incident for incident, _ in settled)
    changes = tuple(change for _, made in settled for change in made)
    return (state if after == state.incidents else replace(state, incidents=after)), changes


def _settled(
    state: GroupState, incident: Incident, at: datetime, reopen_within: timedelta
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    if incident.state not in _LIVE or not (incident.target_owners or incident.by_target):
        return incident, ()
    members = state.members(incident)
    incident = _without_ended(incident, members, reopen_within)
    owned = {owner.target for owner in incident.target_owners}
    firing = sorted({target_of(member) for member in members if member.status is Status.FIRING})
    nobodys = [target for target in firing if digest(target) not in owned]
    more = state.overflowed or bool(hidden_of(state, incident.targets))
    if incident.state is State.OPEN and firing and not nobodys and not more:
        names = clean_utf8(", ".join(dict.fromkeys(owner.by for owner in incident.target_owners)), _NAMES_LIMIT)
        whole = replace(incident, acknowledged_at=at, acknowledged_by=names, by_target=True)
        text = f"every target that fires is acknowledged: {names}"
        return advance(whole, (Step(Change.ACKNOWLEDGED, IncidentReason.COMMAND, at, text),))
    if incident.state is State.ACKNOWLEDGED and incident.by_target and (nobodys or more):
        rest = len(nobodys) - 1
        text = f"{nobodys[0] if nobodys else 'more'} fires, and nobody has it{f'; nor {rest} more' if rest > 0 else ''}"
        return advance(withdrawn(incident), (Step(Change.UNACKNOWLEDGED, IncidentReason.JOINED, at, text),))
    return incident, ()


def _without_ended(incident: Incident, members: tuple[IncidentCondition, ...], reopen_within: timedelta) -> Incident:
    """The incident without acknowledgements of targets that have fired anew since, or that it does not have any more."""
    by_target: dict[str, list[IncidentCondition]] = {}
    for member in members:
        by_target.setdefault(target_of(member), []).append(member)
    began: dict[str, datetime] = {}
    for target, own in by_target.items():
        if (episode := last_episode(own, reopen_within)) is not None:
            began[digest(target)] = episode.opened_at
    owners = tuple(one for one in incident.target_owners if one.target in began and one.at >= began[one.target])
    return incident if owners == incident.target_owners else replace(incident, target_owners=owners)
