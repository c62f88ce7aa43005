"""What each event that reaches the router means: a finding, what a person says, what was decided about an action."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import BusyError, PoisonError
from core.events import ActionDecision, Command, Finding, Verb
from core.incidents.commands import note, obey
from core.incidents.fold import fold
from core.incidents.model import Decision, Watch
from core.incidents.mute import LONGEST_SILENCE, Silence
from functions.adapters import events, logs
from functions.adapters.desks.desk import Decide, Desks, act
from functions.adapters.desks.documents import INCIDENTS
from functions.adapters.desks.silences import Silences
from functions.adapters.push import Message
from functions.adapters.redact import HIDDEN, is_secret, redact, redact_address

log = logging.getLogger(__name__)
NAME_LIMIT = 300
COPIED_WITHIN = timedelta(minutes=10)
"""For so long an incident that is not known may be known soon: what is said of it can overtake the copy of it."""
AHEAD = timedelta(minutes=5)
"""How far the clock of who says something may be ahead."""
Handled = Finding | Command | ActionDecision
_INCIDENT = frozenset({Verb.ACKNOWLEDGE, Verb.MITIGATE, Verb.RESOLVE, Verb.CANCEL})
_SILENCE = frozenset({Verb.SILENCE, Verb.UNSILENCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """What the handling of an event needs.

    Attributes:
        desks: where it is decided.
        silences: those that people made.
    """

    desks: Desks
    silences: Silences


@dataclass(frozen=True, slots=True)
class Received:
    """An event, and when it was published: no observation can be newer than that."""

    event: Handled
    published_at: datetime

    @property
    def event_at(self) -> datetime:
        """The instant that the event is about."""
        return self.event.observed_at if isinstance(self.event, Finding) else self.event.at


def read(message: Message) -> Received:
    """The event that a message carries, without secrets in what a finding says.

    Raises:
        PoisonError: it carries none, or one whose names cannot stand in a key or whose instants cannot be meant.
    """
    event: Handled = events.decode_any(message.data, Finding, Command, ActionDecision)
    match event:
        case Finding():
            _check("target", event.target)
            _check("kind", event.kind)
            event = _shown(event)
        case Command():
            _check_command(event, message.published_at)
        case ActionDecision():
            _check("incident_id", event.incident_id)
    return Received(event, message.published_at)


def handle(router: Router, received: Received) -> None:
    """Do what the event means, and all that is pending for the group; safe to call again.

    Raises:
        BusyError: somebody else is at the same group or effect.
        UnavailableError: something outside does not answer; whatever else was pending is done.
    """
    event = received.event
    if isinstance(event, Finding):
        _fold(router.desks, event, received.published_at)
    elif isinstance(event, ActionDecision):
        _about(router.desks, event.incident_id, lambda watch, _: note(watch, event), received)
    elif event.verb is Verb.SILENCE and event.until is not None:
        silence = Silence(pattern=event.subject, by=event.by, at=event.at, until=event.until, note=event.note)
        router.silences.add(silence)
    elif event.verb is Verb.UNSILENCE:
        router.silences.end(event.subject, event.at)
    else:
        _about(router.desks, event.subject, lambda watch, _: obey(watch, event), received)


def _fold(desks: Desks, finding: Finding, published_at: datetime) -> None:
    def decide(watch: Watch, _: datetime) -> Decision:
        # The instant of publishing is the same for every delivery, and so is what becomes of a clock that runs ahead.
        return fold(watch, finding, now=published_at, charter=desks.charter)

    act(desks, desks.charter.graph.group(finding.target), decide, at=min(finding.observed_at, published_at))


def _about(desks: Desks, incident_id: str, decide: Decide, received: Received) -> None:
    found = desks.store.get(INCIDENTS, incident_id)
    if found is not None:
        act(desks, found.data["group"], decide, at=min(received.event_at, received.published_at))
        return
    if desks.clock() - received.event_at < COPIED_WITHIN:
        raise BusyError(f"incident {incident_id}: not known yet")
    log.warning("no such incident: %s", incident_id, extra=logs.fields(incident=incident_id))


def _shown(finding: Finding) -> Finding:
    """The finding as people may see it: what is published directly has not been through the intake."""
    evidence = {name: HIDDEN if is_secret(name) else redact(text) for name, text in finding.evidence.items()}
    summary, runbook = redact(finding.summary), redact_address(finding.runbook)
    if (summary, runbook, evidence) == (finding.summary, finding.runbook, finding.evidence):
        return finding
    return replace(finding, summary=summary, runbook=runbook, evidence=evidence)


def _check_command(command: Command, published_at: datetime) -> None:
    if command.verb not in _INCIDENT | _SILENCE:
        allowed = ", ".join(sorted(_INCIDENT | _SILENCE))
        raise PoisonError(f"verb: must be one of {allowed}, got {command.verb.value!r}")
    _check("subject", command.subject)
    if command.at - published_at > AHEAD:
        latest = f"{AHEAD} after it was published ({published_at.isoformat()})"
        raise PoisonError(f"at: must be at most {latest}, got {command.at.isoformat()}")
    if command.verb is Verb.SILENCE:
        _check_until(command)


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
