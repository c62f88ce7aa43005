"""Merging of an incident into another one, whose documents may be two: the other one first, so that nobody is without a pager.

before the other one counts it     nothing happened; the command is delivered again
before it is a part                it is an incident of its own; the other one counts what fires in it for an hour
before the circle is looked for    the command is delivered again, is recorded, and looks for it
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import BusyError, RefusedError
from core.events import Command
from core.incidents.lifecycle import find_incident
from core.incidents.merging import Whole, absorb, announce, counts, join, release, retract, why_not
from core.incidents.model import Incident, State
from core.incidents.outbox import IncidentGroup
from core.incidents.routing import incident_mute
from functions.adapters import logs
from functions.services.incidents.documents import INCIDENTS
from functions.services.incidents.records import about
from functions.services.incidents.service import IncidentService

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """An incident in the document of its group."""

    group: IncidentGroup
    incident: Incident

    @property
    def name(self) -> str:
        return self.group.state.name


def merge(service: IncidentService, command: Command, *, published_at: datetime) -> None:
    """Make an incident a part of another one; idempotent.

    An incident that is a part itself stands for the one that it is a part of.

    Args:
        service: decides, saves and dispatches.
        command: to merge `subject` into `to`; both are known.
        published_at: when the command was published.

    Raises:
        BusyError: another instance is working on the same group, or the receivers of the part were not notified of the other one yet.
        RefusedError: the other one is over, muted, or itself a part of this one.
        UnavailableError: a dependency does not answer.
    """
    part = _find(service, command.subject)
    refusal = why_not(part.incident if part else None, command)
    if part is not None:
        chain = list(_chain(service, command.to))
        try:
            if refusal is None:
                _count(service, part, _whole(service, part, command, chain), command, published_at)
            else:
                log.info("not merged: %s: %s", command.subject, refusal, extra=logs.fields(incident=command.subject))
        except RefusedError:
            _retract(service, part, chain, command)
            raise
        _retract(service, part, chain, command)
    _break_circle(service, command)


def _count(service: IncidentService, part: _Found, whole: _Found, command: Command, published_at: datetime) -> None:
    """Let the other one count the part, then make it one."""
    target, at = Whole(whole.incident.id, whole.incident.target), min(command.at, published_at)
    report = announce(part.group.state, part.incident.id, target, service.clock())
    service.execute(
        lambda state, now, policy: join(state, target, part.incident, report, command, now=now, policy=policy),
        at=at,
        about=about(command, whole.name, published_at),
    )
    _await_notification(service, part, whole)
    announced_at = report.observed_at if report else None
    service.execute(
        lambda state, *_: absorb(state, command, target, announced_at),
        at=at,
        about=about(command, part.name, published_at),
    )


def _await_notification(service: IncidentService, part: _Found, whole: _Found) -> None:
    """The part is given up only where its receivers know the other one.

    Raises:
        BusyError: a message about the other one is still pending.
    """
    receivers = {*part.incident.notified.channels, *part.incident.joining}
    for effect in service.load(whole.name).pending:
        if effect.message and effect.incident_id == whole.incident.id and effect.message.channel in receivers:
            raise BusyError(f"{part.incident.id}: {effect.message.channel} was not notified of {whole.incident.id} yet")


def _whole(service: IncidentService, part: _Found, command: Command, chain: Sequence[_Found]) -> _Found:
    """The incident that goes on: the one in the command, or the one that this is a part of.

    Raises:
        RefusedError: it is no such incident.
    """
    last = chain[-1] if chain else None
    if last is None or last.incident.merged_into:
        circle = last is not None and any(one.incident.id == last.incident.merged_into for one in chain)
        raise RefusedError(f"to: must be an incident that is known, {command.to} is {'a circle' if circle else 'not'}")
    if any(one.incident.id == part.incident.id for one in chain):
        raise RefusedError(f"to: must not be a part of {part.incident.id}, {command.to} is")
    if last.incident.state is State.RESOLVED:
        raise RefusedError(f"to: must not be over, {last.incident.id} is {last.incident.state}")
    mute = _mute(service, last)
    if mute and not _mute(service, part):
        raise RefusedError(f"to: must not be muted unless {part.incident.id} is, {last.incident.id} is ({mute})")
    return last


def _mute(service: IncidentService, one: _Found) -> str:
    mute = incident_mute(one.group.state, one.incident, service.clock(), service.policy.maintenance, service.silences())
    return mute.reason if mute else ""


def _retract(service: IncidentService, part: _Found, chain: Sequence[_Found], command: Command) -> None:
    """Let incidents no longer count what did not become a part of them, as after a kill before that."""
    part_id = part.incident.id
    incident = (_find(service, part_id) or part).incident
    for whole in chain:
        target = whole.incident.target
        is_part = incident.is_part and incident.merged_into == whole.incident.id
        if is_part or not counts(service.load(whole.name).state, part_id, target):
            continue
        service.execute(
            lambda state, now, policy, target=target: retract(state, part_id, target, now=now, policy=policy),  # type: ignore[misc] # bound now
            at=service.clock(),
            about=about(command, whole.name, service.clock()),
        )


def _break_circle(service: IncidentService, command: Command) -> None:
    """Where incidents were merged into each other at the same time, let the one with the lowest id go on."""
    chain = list(_chain(service, command.subject))
    if not chain or chain[-1].incident.merged_into != command.subject:
        return
    first = min(chain, key=lambda one: one.incident.id)
    name, into = first.incident.id, first.incident.merged_into
    kept = about(command, first.name, service.clock())
    service.execute(lambda state, *_: release(state, name, into), at=service.clock(), about=kept)


def _chain(service: IncidentService, incident_id: str) -> Iterator[_Found]:
    """The incident and those that it is a part of, by the documents of their groups, each once."""
    seen = set[str]()
    while incident_id and incident_id not in seen and (found := _find(service, incident_id)) is not None:
        seen.add(incident_id)
        yield found
        incident_id = found.incident.merged_into


def _find(service: IncidentService, incident_id: str) -> _Found | None:
    copy = service.store.get(INCIDENTS, incident_id)
    group = service.load(copy.data["group"]) if copy else None
    incident = find_incident(group.state, incident_id) if group else None
    return _Found(group, incident) if group and incident else None
