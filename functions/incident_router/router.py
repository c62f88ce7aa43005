"""Routing of events to decisions: findings, commands of people, and decisions about actions."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import BusyError, PoisonError
from core.events import ActionDecision, Command, Finding, Verb
from core.incidents.commands import OWNING, VERBS, apply_command
from core.incidents.fold import fold
from core.incidents.grouping import grouped
from core.incidents.model import Decision, GroupState
from core.incidents.policy import IncidentPolicy
from core.incidents.response import record_decision
from core.incidents.routing import LONGEST_SILENCE
from functions.adapters import events, logs
from functions.adapters.ports import Document
from functions.adapters.redact import redact, redact_address, redact_named
from functions.runtime.push import Message
from functions.services.incidents.documents import INCIDENTS
from functions.services.incidents.merging import merge
from functions.services.incidents.records import about
from functions.services.incidents.service import IncidentService

log = logging.getLogger(__name__)
NAME_LIMIT = 300
COPIED_WITHIN = timedelta(minutes=10)
"""For this time an unknown incident may still appear: a command can overtake the copy of its incident."""
AHEAD = timedelta(minutes=5)
"""How far the clock of a command's sender may be ahead."""
RoutedEvent = Finding | Command | ActionDecision
_SILENCE = frozenset({Verb.SILENCE, Verb.UNSILENCE})
_VERBS = VERBS | _SILENCE | {Verb.TEST_CHANNEL}


@dataclass(frozen=True, slots=True)
class Received:
    """An event, and when it was published: no observation can be newer than that."""

    event: RoutedEvent
    published_at: datetime


def read(message: Message) -> Received:
    """The event in a message, without secrets in the texts of a finding.

    Raises:
        PoisonError: there is none, or it has names that cannot be keys or instants that cannot be meant.
    """
    event: RoutedEvent = events.decode_any(message.data, Finding, Command, ActionDecision)
    match event:
        case Finding():
            _check("target", event.target)
            _check("kind", event.kind)
            event = _redacted(event)
        case Command():
            _check_command(event, message.published_at)
        case ActionDecision():
            _check("incident_id", event.incident_id)
    return Received(event, message.published_at)


def handle(service: IncidentService, received: Received) -> None:
    """Apply the event, and dispatch all pending effects of its group; idempotent.

    Raises:
        BusyError: another instance is working on the same group or effect.
        UnavailableError: a dependency does not answer; all other pending effects are performed.
    """
    event = received.event
    if isinstance(event, Finding):
        _fold(service, event, received.published_at)
    elif isinstance(event, ActionDecision):
        _update(service, event, received.published_at)
    elif event.verb is Verb.TEST_CHANNEL:
        service.channel_tests.run(event)
    elif event.verb in _SILENCE:
        service.silences.change(event)
        service.record(replace(about(event, "", received.published_at), decided_at=service.clock()))
    elif event.verb is Verb.MERGE:
        if all(_known(service, name, event.at) for name in (event.subject, event.to)):
            merge(service, event, published_at=received.published_at)
    else:
        _apply(service, event, received.published_at)


def _fold(service: IncidentService, found: Finding, published_at: datetime) -> None:
    finding = grouped(found, service.policy.people.routes)

    def decide(state: GroupState, _: datetime, policy: IncidentPolicy) -> Decision:
        # The instant of publishing is the same for every delivery, and so is the limit for a clock that runs ahead.
        return fold(state, finding, now=published_at, policy=policy)

    kept = about(found, service.policy.graph.group(finding.target), published_at)
    service.execute(decide, at=min(finding.observed_at, published_at), about=kept)


def _update(service: IncidentService, decision: ActionDecision, published_at: datetime) -> None:
    if copy := _known(service, decision.incident_id, decision.at):
        kept = about(decision, copy.data["group"], published_at)
        service.execute(
            lambda state, *_: record_decision(state, decision), at=min(decision.at, published_at), about=kept
        )


def _apply(service: IncidentService, command: Command, published_at: datetime) -> None:
    """Apply a command; whoever acknowledges a part or takes it over has the incident that it is a part of, in whatever group."""
    copy, seen = _known(service, command.subject, command.at), set[str]()
    while copy and command.verb in OWNING and (into := copy.data["merged_into"]) and into not in seen:
        seen.add(into)
        copy = service.store.get(INCIDENTS, into) or copy
    if copy:
        told = replace(command, subject=copy.key)
        kept = about(command, copy.data["group"], published_at)
        service.execute(lambda state, *_: apply_command(state, told), at=min(command.at, published_at), about=kept)


def _known(service: IncidentService, incident_id: str, at: datetime) -> Document | None:
    """The copy of an incident; None where there is none, and none will appear.

    Raises:
        BusyError: it may still appear.
    """
    copy = service.store.get(INCIDENTS, incident_id)
    if copy is not None:
        return copy
    if service.clock() - at < COPIED_WITHIN:
        raise BusyError(f"incident {incident_id}: not known yet")
    log.warning("no such incident: %s", incident_id, extra=logs.fields(incident=incident_id))
    return None


def _redacted(finding: Finding) -> Finding:
    """The finding without secrets: one that is published directly has not passed the intake."""
    evidence, labels = (
        {name: _shown(name, text) for name, text in texts.items()} for texts in (finding.evidence, finding.labels)
    )
    summary, runbook = redact(finding.summary), redact_address(finding.runbook)
    if (summary, runbook, evidence, labels) == (finding.summary, finding.runbook, finding.evidence, finding.labels):
        return finding
    return replace(finding, summary=summary, runbook=runbook, evidence=evidence, labels=labels)


def _shown(name: str, text: str) -> str:
    """A text of evidence; a link keeps its ids, without which it would lead nowhere."""
    return redact_address(text) if name == "link" else redact_named(name, text)


def _check_command(command: Command, published_at: datetime) -> None:
    if command.verb not in _VERBS:
        allowed = ", ".join(sorted(_VERBS))
        raise PoisonError(f"verb: must be one of {allowed}, got {command.verb.value!r}")
    _check("subject", command.subject)
    if command.at - published_at > AHEAD:
        latest = f"{AHEAD} after it was published ({published_at.isoformat()})"
        raise PoisonError(f"at: must be at most {latest}, got {command.at.isoformat()}")
    if command.verb is Verb.SILENCE:
        _check_until(command)
    if command.verb is Verb.MERGE:
        _check("to", command.to)
        if command.to == command.subject:
            raise PoisonError(f"to: must be another incident than subject to merge, got {command.to[:80]!r}")
    if command.target:
        _check("target", command.target)
        if command.verb is not Verb.ACKNOWLEDGE:
            raise PoisonError(f"target: must be given to acknowledge only, got {command.target[:80]!r}")
    if command.verb is Verb.COMMENT and not command.note.strip():
        raise PoisonError(f"note: must be given to comment, got {command.note[:80]!r}")


def _check_until(command: Command) -> None:
    if command.until is None or command.until <= command.at:
        raise PoisonError(f"until: must be after at ({command.at.isoformat()}), got {command.until}")
    if command.until - command.at > LONGEST_SILENCE:
        allowed = f"at most {LONGEST_SILENCE.days} days after at ({command.at.isoformat()})"
        raise PoisonError(f"until: must be {allowed}, got {command.until.isoformat()}")


def _check(name: str, given: str) -> None:
    if not given.strip() or not given.isprintable() or given.startswith("__") or len(given.encode()) > NAME_LIMIT:
        allowed = f"1 to {NAME_LIMIT} bytes of printable text, not starting with '__'"
        raise PoisonError(f"{name}: must be {allowed}, got {given[:80]!r}")
