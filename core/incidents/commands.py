"""Commands of people about incidents: what each does, in which states, and which of two that contradict each other counts.

Commands are delivered at least once and in any order. An acknowledgement, a take-over and the withdrawal of an
acknowledgement count by the instant at which the person gave them: the newest one says who has the incident.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core.events import Change, Command, Verb
from core.incidents.lifecycle import (
    Step,
    find_incident,
    is_recorded,
    is_reopened_after,
    merged_into,
    with_step,
)
from core.incidents.merging import split
from core.incidents.model import Decision, GroupState, Incident, IncidentReason, State, TimelineEntry
from core.incidents.target_owners import has_target, with_target_owner, withdrawn
from core.text import clean, duration, instant

_NAME_LIMIT = 80
_CHANGES = {
    Verb.ACKNOWLEDGE: Change.ACKNOWLEDGED,
    Verb.TAKE_OVER: Change.ACKNOWLEDGED,
    Verb.GIVE_BACK: Change.UNACKNOWLEDGED,
    Verb.MITIGATE: Change.MITIGATED,
    Verb.RESOLVE: Change.RESOLVED,
    Verb.CANCEL: Change.RESOLVED,
    Verb.REOPEN: Change.REOPENED,
    Verb.COMMENT: Change.UPDATED,
}
_LIVE = frozenset({State.OPEN, State.ACKNOWLEDGED, State.MITIGATED})
_ALLOWED_STATES = {
    Verb.ACKNOWLEDGE: frozenset({State.OPEN}),
    Verb.TAKE_OVER: _LIVE,
    # One that arrives before the acknowledgement that it withdraws is recorded as well.
    Verb.GIVE_BACK: frozenset({State.OPEN, State.ACKNOWLEDGED}),
    Verb.MITIGATE: frozenset({State.OPEN, State.ACKNOWLEDGED}),
    Verb.RESOLVE: _LIVE,
    Verb.CANCEL: _LIVE,
    Verb.REOPEN: frozenset({State.RESOLVED}),
    Verb.COMMENT: frozenset(State),
}
_ENDING = frozenset({Verb.RESOLVE, Verb.CANCEL})
EXPIRED_VERBS = _ENDING | {Verb.ACKNOWLEDGE}
"""What can still be done about an incident that only expired."""
VERBS = frozenset(_CHANGES) | {Verb.MERGE, Verb.SPLIT}
"""The verbs of commands about incidents."""
OWNING = frozenset({Verb.ACKNOWLEDGE, Verb.TAKE_OVER})
_ABOUT_OWNER = OWNING | {Verb.GIVE_BACK}


def is_allowed(verb: Verb, state: State, *, expired: bool = False) -> bool:
    """Whether a verb changes an incident that is in this state, and perhaps only expired."""
    return state in _ALLOWED_STATES.get(verb, ()) or (expired and verb in EXPIRED_VERBS)


def standing(state: State, *, merged_into: str = "", expired: bool = False) -> str:
    """What an incident is for whoever gave a command about it, to follow "the incident is".

    >>> standing(State.RESOLVED, merged_into="service-shop-1"), standing(State.OPEN)
    ('a part of service-shop-1', 'open')
    """
    if merged_into:
        return f"a part of {merged_into}"
    return "no longer reported; whether it recovered is not known" if expired else state.value


def apply_command(state: GroupState, command: Command) -> Decision:
    """Apply a person's command.

    A repeated command, or one about an incident that is resolved or was reopened after it, changes nothing; nor does one that
    a later command about the owner contradicts. Acknowledging or taking over an incident that was merged is about the one that
    it was merged into; what was merged cannot be reopened, only taken out. A comment is recorded in every state. Merging is
    about two incidents: see `core.incidents.merging`.

    Args:
        state: of the group.
        command: about one of its incidents.
    """
    if command.verb is Verb.SPLIT:
        return split(state, command)
    named = find_incident(state, command.subject)
    if named is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NO_SUCH_INCIDENT)
    incident = merged_into(state, named) if command.verb in OWNING else named
    if is_recorded(named, command.id) or is_recorded(incident, command.id):
        return Decision(state=state, changes=(), reason=IncidentReason.DUPLICATE)
    if not _changes(state, incident, command):
        return Decision(state=state, changes=(), reason=IncidentReason.UNCHANGED)
    if _is_late(incident, command):
        return Decision(state=state, changes=(), reason=IncidentReason.LATE)
    reason = IncidentReason.COMMENT if command.verb is Verb.COMMENT else IncidentReason.COMMAND
    change = Change.UPDATED if command.target else _CHANGES[command.verb]
    step = Step(change, reason, command.at, _summary(incident, command), command.id)
    return with_step(state, _commanded(incident, command), step)


def _changes(state: GroupState, incident: Incident, command: Command) -> bool:
    """Whether a command is one about incidents, and this one is in a state in which it changes something."""
    if command.verb not in _CHANGES or (command.verb is Verb.REOPEN and incident.merged_into):
        return False
    if command.target and (command.verb is not Verb.ACKNOWLEDGE or not has_target(state, incident, command.target)):
        return False
    if command.verb is Verb.ACKNOWLEDGE and incident.state is State.RESOLVED and incident.acknowledged_at:
        return False
    by_target = bool(command.target) and incident.by_target and incident.state is State.ACKNOWLEDGED
    return by_target or is_allowed(command.verb, incident.state, expired=incident.expired)


def timeout_due(incident: Incident, timeout: timedelta | None) -> datetime | None:
    """When the acknowledgement of an incident times out; None where it does not.

    Args:
        incident: at any time.
        timeout: from the settings, or None for never.
    """
    since = incident.owned_since if incident.state is State.ACKNOWLEDGED else None
    return None if timeout is None or since is None else since + timeout


def time_out(state: GroupState, incident: Incident, timeout: timedelta) -> Decision:
    """Withdraw the acknowledgement of an incident that its owner neither mitigated nor resolved in time.

    A take-over that was sent before the timeout and arrives after it still counts.

    Args:
        state: of the group.
        incident: acknowledged, at least so long ago.
        timeout: from the settings.
    """
    since = incident.owned_since or incident.last_opened_at
    text = f"{incident.acknowledged_by} has had it since {instant(since)}; not resolved within {duration(timeout)}"
    step = Step(Change.UNACKNOWLEDGED, IncidentReason.ACKNOWLEDGEMENT_TIMED_OUT, since + timeout, text)
    return with_step(state, replace(_without_owner(incident, since), released_at=since), step)


def _is_late(incident: Incident, command: Command) -> bool:
    """Whether the incident was reopened after the command, or a later one has decided who has it.

    Whoever ends an incident speaks of what fired by then: what fired first, or got worse, since then reopens it in whatever order both
    arrive.
    """
    at, released, since = command.at, incident.released_at, incident.owned_since
    if command.verb is Verb.COMMENT:
        return False
    if is_reopened_after(incident, at):
        return True
    if command.verb in _ENDING and any(_is_news(entry) and entry.at > at for entry in incident.timeline):
        return True
    if command.verb in _ABOUT_OWNER and released is not None and at <= released:
        return True
    return command.verb in (Verb.TAKE_OVER, Verb.GIVE_BACK) and since is not None and at < since


def _is_news(entry: TimelineEntry) -> bool:
    """Whether it would have reopened the incident, had a person ended it before."""
    return entry.change is Change.ESCALATED or entry.reason is IncidentReason.JOINED


def _commanded(incident: Incident, command: Command) -> Incident:
    match command.verb:
        case Verb.ACKNOWLEDGE | Verb.TAKE_OVER:
            return _owned(incident, command)
        case Verb.GIVE_BACK:
            return replace(_without_owner(incident, command.at), released_at=command.at)
        case Verb.MITIGATE:
            return replace(incident, mitigated_at=command.at)
        case Verb.REOPEN:
            return replace(incident, resolved_at=None)
        case Verb.COMMENT:
            return incident
    return replace(incident, closed_at=command.at, resolved_at=command.at, cancelled=command.verb is Verb.CANCEL)


def _owned(incident: Incident, command: Command) -> Incident:
    """With its owner, or that of one target; the time to acknowledge is that of the first one."""
    if command.target:
        return with_target_owner(incident, command.target, _by(command), command.at)
    first = incident.acknowledged_at
    return replace(
        incident,
        acknowledged_at=first or command.at,
        acknowledged_by=_owner(command),
        taken_over_at=command.at if first else None,
        by_target=False,
    )


def _without_owner(incident: Incident, until: datetime) -> Incident:
    """The incident that nobody has, nor a target of it by an acknowledgement until then."""
    owners = tuple(owner for owner in incident.target_owners if owner.at > until)
    return replace(withdrawn(incident), target_owners=owners)


def _owner(command: Command) -> str:
    handed_on = clean(command.to, _NAME_LIMIT) if command.verb is Verb.TAKE_OVER else ""
    return handed_on or _by(command)


def _by(command: Command) -> str:
    return clean(command.by, _NAME_LIMIT) or "somebody"


def _summary(incident: Incident, command: Command) -> str:
    """Who did what, and why, in one line."""
    by, note, before, owner = _by(command), clean(command.note), incident.acknowledged_by, _owner(command)
    who = f"{by} has {command.target}" if command.target else by
    if command.verb is Verb.GIVE_BACK:
        who = f"{by} gave it back" if before in ("", by) else f"{by} took it back from {before}"
    elif command.verb is Verb.TAKE_OVER and owner != by:
        who = f"{by} handed it on to {owner}"
    elif command.verb is Verb.TAKE_OVER and before not in ("", by):
        who = f"{by} took it over from {before}"
    return f"{who}: {note}" if note else who
