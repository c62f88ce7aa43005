"""Upkeep and dead letters: what the function `maintenance` did, and the command to send a dead letter again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import flask
from werkzeug.exceptions import Conflict

from core.errors import Fault
from core.events import Command, Verb
from core.maintenance.backup import OWN
from core.maintenance.dead_letters import claim_key
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ports import Bus, Clock, Data, Store, Warehouse
from functions.adapters.store import every, is_key
from functions.api import maintenance_page
from functions.api.body import BodyError, read
from functions.api.commands import TOPIC
from functions.services import dead_letters
from functions.services.dead_letters import DeadLetter
from functions.services.maintenance import ADVICE, TASK, read_progress

LOOKED_BACK = timedelta(days=30)
MOST = 200
"""Dead letters that are listed: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Reads what upkeep did, and publishes commands about dead letters.

    Attributes:
        store: has the progress of the tasks, and which dead letters were sent again.
        warehouse: has the dead letters.
        bus: opens the bus at its first use.
        clock: now.
    """

    store: Store
    warehouse: Warehouse
    bus: Callable[[], Bus]
    clock: Clock

    def tasks(self) -> Data:
        """The newest run of each task, and the newest advice."""
        found = {one.key: one.data for one in every(self.store, OWN)}
        tasks = [_task(key.removeprefix(TASK), data) for key, data in found.items() if key.startswith(TASK)]
        return {"tasks": tasks, "advice": found.get(ADVICE)}

    def dead_letters(self) -> list[Data]:
        """The newest dead letters, without what they say.

        Raises:
            UnavailableError: the warehouse or the store does not answer; the same for the others.
        """
        found = dead_letters.newest(self.warehouse, self.clock() - LOOKED_BACK, MOST)
        claims = self.store.get_many(LEDGER, [claim_key(one.id) for one in found])
        return [_summary(one, sent=claim_key(one.id) in claims) for one in found]

    def dead_letter(self, identifier: str) -> Data:
        """A dead letter with what it says.

        Raises:
            LookupError: there is none.
        """
        found = self._find(identifier)
        return _summary(found, sent=self._is_sent(found)) | {"attributes": found.attributes, "data": found.text}

    def send_again(self, request: flask.Request, identifier: str) -> str:
        """Send a dead letter again to the topic that it came from, as it was, or with what `data` says instead.

        Returns:
            The id of the command.

        Raises:
            BodyError: the body is invalid.
            Conflict: it was sent again.
            LookupError: there is none.
        """
        fields = read(request)
        fields.only("by", "note", "data")
        by, note = fields.by(), fields.reason()
        fields.check()
        data = _edited(fields.body.get("data"))
        found = self._find(identifier)
        if self._is_sent(found):
            raise Conflict(f"{identifier}: was sent again; what came of it is another dead letter, if anything")
        verb = Verb.SEND_AGAIN
        command = Command(verb=verb, subject=identifier, by=by, at=self.clock(), note=note, body=data)
        self.bus().publish(TOPIC, command, verb=verb.value)
        return command.id

    def page(self) -> str:
        """The tasks, the newest advice and the dead letters as a page."""
        return maintenance_page.page(self.tasks(), self.dead_letters())

    def _find(self, identifier: str) -> DeadLetter:
        found = dead_letters.find(self.warehouse, identifier) if is_key(identifier) else None
        if found is None:
            raise LookupError(f"dead letter: there is none with the id {identifier[:80]!r}")
        return found

    def _is_sent(self, found: DeadLetter) -> bool:
        return self.store.get(LEDGER, claim_key(found.id)) is not None


def _edited(given: object) -> str:
    """What is sent instead, as it was given; empty for what the message said."""
    if given is None:
        return ""
    try:
        if isinstance(given, str) and isinstance(json.loads(given), dict):
            return given
    except (ValueError, RecursionError):
        pass
    raise BodyError([Fault("data", "must be a JSON object, as text", str(given)[:80])])


def _task(name: str, data: Data) -> Data:
    progress = read_progress(data)
    return {
        "task": name,
        "due": progress.due,
        "outcome": progress.outcome.value,
        "finished_at": progress.finished_at,
        "succeeded_at": progress.succeeded_at,
        "success_ratio": progress.success_ratio,
        "seconds": progress.seconds,
        "detail": progress.detail,
    }


def _summary(found: DeadLetter, *, sent: bool) -> Data:
    return {
        "id": found.id,
        "received_at": found.received_at,
        "n_parked": found.n_parked,
        "function": found.function,
        "subscription": found.subscription,
        "message_id": found.message_id,
        "reason": found.reason,
        "sent_again": sent,
    }
