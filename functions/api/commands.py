"""Commands of people: validated and published; the functions that own incidents and actions execute them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from werkzeug.exceptions import Conflict, Forbidden

from core.actions import lifecycle, two_people
from core.actions.guards import EVERY
from core.errors import Fault
from core.events import Command, Stage, Status, Verb
from core.incidents.commands import EXPIRED_VERBS, OWNING, standing
from core.incidents.grouping import subject
from core.incidents.model import State
from core.text import instant
from functions.adapters.ports import Bus, Clock, Data
from functions.api.actions import SUBJECTS, Actions
from functions.api.body import BodyError, Fields, read
from functions.api.channels import Channels
from functions.api.incidents import Incidents
from functions.api.reports import Reports
from functions.api.request import Request
from functions.api.silences import Silences

TOPIC = "commands"
_MORE = {Verb.TAKE_OVER: ("to",), Verb.MERGE: ("to",), Verb.ACKNOWLEDGE: ("target",)}
"""Further fields that a verb takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Publishes commands.

    Attributes:
        incidents: the subjects of commands.
        actions: the subjects of commands.
        channels: the subjects of commands.
        silences: those that people made.
        reports: the subjects of commands.
        bus: opens the bus at its first use: only commands pay for it.
        clock: now.
    """

    incidents: Incidents
    actions: Actions
    channels: Channels
    silences: Silences
    reports: Reports
    bus: Callable[[], Bus]
    clock: Clock

    def about_incident(self, request: Request, incident_id: str, verb: str) -> str:
        """Acknowledge, take over, give back, mitigate, resolve, cancel, reopen, merge or split an incident, or comment on it.

        Returns:
            The id of the command; the same for every method here.

        Raises:
            LookupError: there is no such incident; for other methods, no such action or silence.
            Conflict: it is over or a part of another one, the target that is acknowledged is none of its firing ones, or to give it
                back, not acknowledged; to reopen it: it is not over; to split it: no person merged it; to merge it: the other
                one is over, or a part of it. Whoever acknowledges a part or takes it over has the incident that it is a part of.
            BodyError: the body is invalid; the same for every method here.
            UnavailableError: the bus does not accept the command; the same for every method here.
        """
        fields = _command_fields(request, *_MORE.get(Verb(verb), ()))
        to = fields.other_incident(incident_id) if verb == Verb.MERGE else fields.recipient()
        if verb == Verb.COMMENT:
            fields.comment()
        fields.check()
        target = fields.target()
        fields.check()
        incident = self.incidents.state(incident_id)
        if target:
            _check_target(incident, target)
        elif verb in OWNING:
            _check_state(self._chain(incident)[-1], Verb(verb))
        else:
            _check_state(incident, Verb(verb))
        if verb == Verb.MERGE:
            self._check_other(incident_id, to)
        return self._publish(fields, Verb(verb), incident_id, self.clock(), to=to, target=target)

    def _check_other(self, incident_id: str, to: str) -> None:
        """Raise `Conflict` where an incident cannot become a part of another one, as far as the copies know."""
        chain = self._chain(self.incidents.state(to))
        if any(one["id"] == incident_id for one in chain):
            raise Conflict(f"to: must not be a part of the incident itself, {to} is")
        if chain[-1]["state"] == State.RESOLVED:
            raise Conflict(f"to: must not be over, {chain[-1]['id']} is {_standing(chain[-1])}")

    def _chain(self, incident: Data) -> list[Data]:
        """The copies of an incident, of the one that it is a part of, and so on; each once."""
        chain, seen = [incident], {incident["id"]}
        while (into := chain[-1]["merged_into"]) and into not in seen:
            seen.add(into)
            chain.append(self.incidents.state(into))
        return chain

    def about_action(self, request: Request, request_id: str, verb: str) -> str:
        """Approve or reject an action that awaits it."""
        fields, now = _command_fields(request), self.clock()
        run = self.actions.run(request_id)
        if run.stage is not Stage.AWAITING:
            raise Conflict(f"action: must await approval, is {run.stage} ({run.reason})")
        if verb == Verb.APPROVE and run.request.action in two_people.ACTIONS:
            _check_proven(request)
        if verb == Verb.APPROVE and run.first_approver and run.first_approver.lower() == fields.by().lower():
            raise Conflict(f"by: must be another person than {run.first_approver}, who approved it first")
        if lifecycle.is_late(run, now):
            raise Conflict(f"action: must be answered by {run.answer_by}, it is {now}")
        return self._publish(fields, Verb(verb), request_id, now)

    def silence(self, request: Request) -> tuple[str, str]:
        """Silence some targets for a time.

        Returns:
            The id of the command, and a warning where the pattern matches no known target and is silenced anyway.

        Raises:
            BodyError: the body is invalid, or the pattern matches no known target, and `anyway` is not given.
            Conflict: as many silences as are allowed hold already.
        """
        now = self.clock()
        fields = read(request)
        fields.only("by", "note", "pattern", "minutes", "until", "anyway")
        pattern, until, anyway = fields.pattern(), fields.end(now), fields.flag("anyway")
        _check_author(fields)
        if refusal := self.silences.refusal():
            raise Conflict(refusal)
        warning = self.silences.warning(pattern)
        if warning and not anyway:
            allowed = f"must match a known target ({warning}), or be given with anyway"
            raise BodyError([Fault("pattern", allowed, pattern)], near=self.silences.nearest(pattern))
        return self._publish(fields, Verb.SILENCE, pattern, now, until=until), warning

    def unsilence(self, request: Request) -> str:
        """End the silences of a pattern."""
        fields = read(request)
        fields.only("by", "note", "pattern")
        pattern = fields.pattern()
        _check_author(fields)
        if pattern not in {silence.pattern for silence in self.silences.held()}:
            raise LookupError(f"pattern: nothing is silenced by {pattern[:80]!r}")
        return self._publish(fields, Verb.UNSILENCE, pattern, self.clock())

    def switch(self, request: Request, verb: str) -> str:
        """Halt or resume one action by name, or all; a resume lifts the halt that holds now.

        Raises:
            Conflict: it is to be resumed, and is not halted.
        """
        fields = read(request)
        fields.only("by", "note", "action")
        action = fields.choice("action", SUBJECTS)
        if verb == Verb.HALT:
            return self._publish(fields, Verb.HALT, action, self.clock())
        _check_author(fields)
        lifts = self.actions.halts().get(action)
        if not lifts:
            raise Conflict(f"action: must be halted to be resumed, {action!r} is not")
        if action == EVERY:
            _check_proven(request)
        first = self.actions.resuming() if action == EVERY else ""
        if fields.verified and first.lower() == fields.by().lower():
            raise Conflict(f"by: must be another person than {first}, who wants all actions resumed")
        return self._publish(fields, Verb.RESUME, action, self.clock(), lifts=lifts)

    def test_channel(self, request: Request, name: str) -> str:
        """Send a test message through a channel; the answer is shown with the channel."""
        fields = _command_fields(request)
        self.channels.check(name)
        return self._publish(fields, Verb.TEST_CHANNEL, name, self.clock())

    def send_report(self, request: Request, name: str, week: str) -> str:
        """Send a weekly report to the channels of the settings; who got it is shown with the report."""
        fields = _command_fields(request)
        return self._publish(fields, Verb.SEND_REPORT, self.reports.subject(name, week), self.clock())

    def _publish(
        self,
        fields: Fields,
        verb: Verb,
        subject: str,
        at: datetime,
        *,
        until: datetime | None = None,
        lifts: str = "",
        to: str = "",
        target: str = "",
    ) -> str:
        by, note = fields.by(), fields.note()
        fields.check()
        command = Command(
            verb=verb,
            subject=subject,
            by=by,
            at=at,
            note=note,
            until=until,
            lifts=lifts,
            to=to,
            target=target,
            verified=fields.verified,
        )
        self.bus().publish(TOPIC, command, verb=verb.value)
        return command.id


def _command_fields(request: Request, *more: str) -> Fields:
    """The fields of a command that has only an author, a note and perhaps some more."""
    fields = read(request)
    fields.only("by", "note", *more)
    _check_author(fields)
    return fields


def _check_proven(request: Request) -> None:
    """Raise `Forbidden` where two people decide whose identities are verified, and that of this one was not."""
    if request.unproven:
        raise Forbidden(
            "identity: must be verified, since two people decide; sign in, or use a token that was made by who had"
        )


def _check_author(fields: Fields) -> None:
    """Raise all faults before anything is looked up."""
    fields.by()
    fields.note()
    fields.check()


def _check_state(incident: Data, verb: Verb) -> None:
    """Raise `Conflict` where the command would change nothing."""
    is_over = incident["state"] == State.RESOLVED
    is_owned = verb is Verb.ACKNOWLEDGE and incident["acknowledged_at"]
    if incident.get("expired") and verb in EXPIRED_VERBS and not is_owned:
        return
    match verb:
        case Verb.COMMENT:
            return
        case Verb.REOPEN:
            if not is_over or incident["merged_into"]:
                _refuse(incident, "be over")
        case Verb.SPLIT:
            if not incident.get("part") or not incident["merged_into"]:
                _refuse(incident, "be merged by a person")
        case Verb.GIVE_BACK:
            if incident["state"] != State.ACKNOWLEDGED:
                _refuse(incident, "be acknowledged")
        case _:
            if is_over:
                _refuse(incident, "not be over")


def _check_target(incident: Data, target: str) -> None:
    """Raise `Conflict` where acknowledging one target would change nothing."""
    if incident["state"] != State.OPEN and not (incident["state"] == State.ACKNOWLEDGED and incident.get("by_target")):
        _refuse(incident, "be open")
    firing = {
        subject(one["target"], one["kind"])[0] for one in incident["conditions"] if one["status"] == Status.FIRING
    }
    if target not in firing:
        known = ", ".join(sorted(firing)[:5]) or "none of them"
        raise Conflict(f"target: must be one of the incident that fires ({known}), got {target[:80]!r}")


def _refuse(incident: Data, wanted: str) -> NoReturn:
    raise Conflict(f"incident: must {wanted}, is {_standing(incident)}")


def _standing(incident: Data) -> str:
    """The state in the words of every answer to a command; of what is resolved also since when."""
    merged_into, expired = incident["merged_into"], incident.get("expired", False)
    text = standing(State(incident["state"]), merged_into=merged_into, expired=expired)
    ended = incident["resolved_at"]
    return f"{text} since {instant(ended)}" if ended and not merged_into and not expired else text
