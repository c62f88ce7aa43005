"""What people tell the system to do: checked, and published as a command; others carry it out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import flask
from werkzeug.exceptions import Conflict

from core.actions import lifecycle
from core.events import Command, Stage, Verb
from core.incidents.model import State
from functions.adapters.ports import Bus, Clock, Data
from functions.api.actions import SUBJECTS, Actions
from functions.api.body import Fields, read
from functions.api.incidents import Incidents

TOPIC = "commands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Publishes commands.

    Attributes:
        incidents: what there is to command.
        actions: the same.
        bus: opens the bus, or gives the open one: only who commands pays for it.
        clock: now.
    """

    incidents: Incidents
    actions: Actions
    bus: Callable[[], Bus]
    clock: Clock

    def about_incident(self, request: flask.Request, incident_id: str, verb: str) -> str:
        """Tell that somebody takes care of an incident, that it hurts no more, is over, or was none.

        Returns:
            The id of the command; of every method here.

        Raises:
            LookupError: there is no such incident; of the others, no such action or silence.
            Conflict: it is over.
            BodyError: what was sent is wrong, as of every method here.
            UnavailableError: the bus does not take the command, as of every method here.
        """
        fields = _command_fields(request)
        incident = self.incidents.state(incident_id)
        if incident["state"] == State.RESOLVED:
            _refuse_resolved(incident)
        return self._publish(fields, Verb(verb), incident_id, self.clock())

    def about_action(self, request: flask.Request, request_id: str, verb: str) -> str:
        """Approve or reject an action that awaits it."""
        fields, now = _command_fields(request), self.clock()
        case = self.actions.case(request_id)
        if case.stage is not Stage.AWAITING:
            raise Conflict(f"action: must await approval, is {case.stage} ({case.reason})")
        if lifecycle.is_late(case, now):
            raise Conflict(f"action: must be answered by {case.answer_by}, it is {now}")
        return self._publish(fields, Verb(verb), request_id, now)

    def silence(self, request: flask.Request) -> str:
        """Let nobody be told of some targets for a time."""
        now = self.clock()
        fields = read(request)
        fields.only("by", "note", "pattern", "minutes", "until")
        pattern, until = fields.pattern(), fields.end(now)
        return self._publish(fields, Verb.SILENCE, pattern, now, until)

    def unsilence(self, request: flask.Request) -> str:
        """End the silences of a pattern."""
        fields = read(request)
        fields.only("by", "note", "pattern")
        pattern = fields.pattern()
        _check_author(fields)
        if pattern not in {silence.pattern for silence in self.incidents.silences()}:
            raise LookupError(f"pattern: nothing is silenced by {pattern[:80]!r}")
        return self._publish(fields, Verb.UNSILENCE, pattern, self.clock())

    def switch(self, request: flask.Request, verb: str) -> str:
        """Let no action be applied, one by its name or all, or let them be again."""
        fields = read(request)
        fields.only("by", "note", "action")
        action = fields.choice("action", SUBJECTS)
        return self._publish(fields, Verb(verb), action, self.clock())

    def _publish(self, fields: Fields, verb: Verb, subject: str, at: datetime, until: datetime | None = None) -> str:
        by, note = fields.by(), fields.note()
        fields.check()
        command = Command(verb=verb, subject=subject, by=by, at=at, note=note, until=until)
        self.bus().publish(TOPIC, command, verb=verb.value)
        return command.id


def _command_fields(request: flask.Request) -> Fields:
    """The fields of a command that says no more than who and why."""
    fields = read(request)
    fields.only("by", "note")
    _check_author(fields)
    return fields


def _check_author(fields: Fields) -> None:
    """Tell everything that is wrong before anything is looked up."""
    fields.by()
    fields.note()
    fields.check()


def _refuse_resolved(incident: Data) -> NoReturn:
    into = f", as a part of {incident['merged_into']}" if incident["merged_into"] else ""
    raise Conflict(f"incident: must not be over, is {incident['state']} since {incident['resolved_at']}{into}")
