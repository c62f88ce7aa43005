"""Upkeep and dead letters: what the function `maintenance` did and does next, and the command to send a dead letter again."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from werkzeug.exceptions import Conflict

from core.errors import Fault, QueryError, UnavailableError
from core.events import Command, Verb
from core.ledger import ClaimState
from core.maintenance import configuration
from core.maintenance.backup import OWN
from core.maintenance.checks import Check, CheckReason
from core.maintenance.dead_letters import SENT_WITHIN, claim_key
from core.maintenance.schedules import SCHEDULES
from core.security import scan
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ports import Bus, Clock, Data, Document, Store, Warehouse
from functions.adapters.store import every, is_key
from functions.api.body import BodyError, read
from functions.api.cache import Cache
from functions.api.commands import TOPIC
from functions.api.listing import Place, cut
from functions.api.request import Request
from functions.services import dead_letters
from functions.services.backups import manifests
from functions.services.backups.manifests import Backup
from functions.services.dead_letters import DeadLetter
from functions.services.detection import COLLECTION as CONDITIONS
from functions.services.detection import state_of
from functions.services.maintenance import ADVICE, TASK, read_progress

log = logging.getLogger(__name__)
LOOKED_BACK = timedelta(days=30)
"""Of runs that are shown."""
MOST = 200
"""Dead letters that are listed: the newest."""
CHECKS: Mapping[str, tuple[Check, ...]] = {
    "security-scan": tuple(scan.CHECKS.values()),
    "configuration": tuple(configuration.CHECKS.values()),
}
"""The checks of the tasks that have some."""
_RUNS = (Path(__file__).parent / "maintenance_runs.sql").read_text()
_RUNS_OF_A_TASK = 20
_FRESH_SECONDS = 60.0
_OUTCOMES: Mapping[str, str] = {CheckReason.NONE_FOUND: "good", CheckReason.FOUND: "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Reads what upkeep did, and publishes commands about dead letters.

    Attributes:
        store: has the progress of the tasks, the conditions of the checks, and which dead letters were sent again.
        warehouse: has the runs, the backups and the dead letters.
        bus: opens the bus at its first use.
        clock: now.
    """

    store: Store
    warehouse: Warehouse
    bus: Callable[[], Bus]
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def forget(self) -> None:
        """Ask anew, since what was answered has changed."""
        self._cache.forget()

    def all(self) -> Data:
        """Each task with its newest runs, the backups, the checks, and the newest advice.

        Runs and backups are None where the warehouse does not answer.
        """
        found = {one.key: one.data for one in every(self.store, OWN)}
        runs = self._asked("runs", self._runs)
        return {
            "tasks": [self._task(name, found.get(TASK + name), runs) for name in SCHEDULES],
            "backups": self._asked("backups", lambda: [*map(_backup, manifests.read(self.warehouse))]),
            "checks": [
                one for task, checks in CHECKS.items() for one in self._checks(task, checks, found.get(TASK + task))
            ],
            "advice": found.get(ADVICE),
        }

    def dead_letters(self) -> list[Data]:
        """The newest dead letters, without what they say.

        Raises:
            UnavailableError: the warehouse or the store does not answer; the same for the others.
        """
        found = dead_letters.newest(self.warehouse, self.clock() - SENT_WITHIN, MOST)
        claims = self.store.get_many(LEDGER, [claim_key(one.id) for one in found])
        return [_summary(one, sent=_is_done(claims.get(claim_key(one.id)))) for one in found]

    def listed(self, values: Mapping[str, Any]) -> Data:
        """The page of the dead letters that the parameters `cursor`, `limit`, `since` and `until` ask for."""
        shown, following = cut(self.dead_letters(), lambda one: Place(one["received_at"], one["id"]), values)
        return {"dead_letters": shown, "next": following}

    def dead_letter(self, identifier: str) -> Data:
        """A dead letter with what it says; `confirm` is an address where it asks a person to confirm a subscription.

        Raises:
            LookupError: there is none.
        """
        found = self._find(identifier)
        said = {"attributes": found.attributes, "data": found.text, "confirm": dead_letters.confirmation(found)}
        return _summary(found, sent=self._is_sent(found)) | said

    def send_again(self, request: Request, identifier: str) -> str:
        """Send a dead letter again to the topic that it came from, as it was, or with what `data` says instead.

        Returns:
            The id of the command.

        Raises:
            BodyError: the body is invalid.
            Conflict: it was sent again, or is too old.
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
        if self.clock() - found.received_at > SENT_WITHIN:
            raise Conflict(f"{identifier}: must not be older than {SENT_WITHIN.days} days to be sent again")
        verb = Verb.SEND_AGAIN
        command = Command(verb=verb, subject=identifier, by=by, at=self.clock(), note=note, body=data)
        self.bus().publish(TOPIC, command, verb=verb.value)
        return command.id

    def _asked(self, name: str, query: Callable[[], list[Data]]) -> list[Data] | None:
        try:
            return self._cache((name,), query, seconds=_FRESH_SECONDS)
        except (QueryError, UnavailableError) as error:
            log.warning("%s of upkeep are not known: %s", name, error)
            return None

    def _runs(self) -> list[Data]:
        return self.warehouse.query(_RUNS, since=self.clock() - LOOKED_BACK, most=_RUNS_OF_A_TASK)

    def _task(self, name: str, data: Data | None, runs: list[Data] | None) -> Data:
        progress = read_progress(data) if data else None
        own = None if runs is None else [{**run, "fault": run["fault"] or ""} for run in runs if run["task"] == name]
        return {
            "task": name,
            "due": progress.due if progress else None,
            "next": SCHEDULES[name].next(self.clock(), progress),
            "outcome": progress.outcome.value if progress else None,
            "finished_at": progress.finished_at if progress else None,
            "succeeded_at": progress.succeeded_at if progress else None,
            "success_ratio": progress.success_ratio if progress else None,
            "seconds": progress.seconds if progress else None,
            "detail": progress.detail if progress else "",
            "runs": own,
        }

    def _checks(self, task: str, checks: Sequence[Check], data: Data | None) -> list[Data]:
        """The checks of a task that belong to this deployment: once it has run, those that it does."""
        progress = read_progress(data) if data else None
        notes = dict(zip(progress.done, progress.notes, strict=True)) if progress else {}
        keys = {check.kind: f"{check.target}:{check.kind}" for check in checks}
        found = self.store.get_many(CONDITIONS, [*keys.values()])
        shown = [check for check in checks if not notes or check.kind in notes or keys[check.kind] in found]
        return [
            {"task": task, **_check(check, found.get(keys[check.kind]), notes.get(check.kind, ""))} for check in shown
        ]

    def _find(self, identifier: str) -> DeadLetter:
        found = dead_letters.find(self.warehouse, identifier) if is_key(identifier) else None
        if found is None:
            raise LookupError(f"dead letter: there is none with the id {identifier[:80]!r}")
        return found

    def _is_sent(self, found: DeadLetter) -> bool:
        return _is_done(self.store.get(LEDGER, claim_key(found.id)))


def _is_done(claim: Document | None) -> bool:
    """Whether it was sent; one that is claimed only may have been left by a process that ended before it sent it."""
    return claim is not None and claim.data["state"] == ClaimState.DONE


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


def _backup(backup: Backup) -> Data:
    manifest = backup.manifest
    return {
        "id": manifest.id,
        "at": manifest.at,
        "status": backup.status.value,
        "detail": backup.detail or "",
        "tables": len(manifest.tables),
        "rows": sum(table.rows for table in manifest.tables),
        "documents": manifest.documents,
    }


def _check(check: Check, document: Document | None, detail: str) -> Data:
    """What the newest run of a check says; not known where there was none, or it could not read."""
    state = state_of(document.data if document else {})
    return {
        "check": check.what,
        "runbook": f"{check.runbook}#{check.kind}",
        "kind": check.kind,
        "target": check.target,
        "outcome": _OUTCOMES.get(state.reason, "not_known"),
        "severity": state.severity.value if state.reason == CheckReason.FOUND else None,
        "at": state.at,
        "detail": detail,
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
