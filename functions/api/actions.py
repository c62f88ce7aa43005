"""Automated actions as the page shows them: pending and recent ones, and the switches."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from core.actions.guards import EVERY
from core.actions.lifecycle import ActionRun, decided
from core.actions.two_people import WITHIN
from core.errors import AiaError
from core.events import ActionDecision, Stage
from core.incidents.model import IncidentReason
from core.settings.response import ActionName, Automation
from functions.adapters.ports import Clock, Data, Store, Warehouse
from functions.api.cache import Cache
from functions.api.freshness import Start
from functions.services.actions import ACTIONS, GUARDS, GUARDS_KEY, guards_from, read_run

log = logging.getLogger(__name__)
RECENT = timedelta(days=7)
MOST = 50
"""The most recent actions that are shown."""
SUBJECTS = (EVERY, *ActionName)
"""The subjects of a halt."""
_TRAINS = ActionName.RETRAIN_MODEL.value
_RECENT_SECONDS = 60.0
_DECISIONS_SECONDS = 1.0
PATIENCE = 3.0
"""Seconds that the pending actions and the switches wait for the history: a page must show them while the warehouse hangs."""
_ANSWERED = "recent"
"""The endpoint under which `Start` records that the history of actions has answered."""
_OVER_LIMIT = 1000
"""The most cached runs that cannot change any more."""
_SQL = {name: (Path(__file__).parent / f"{name}.sql").read_text() for name in ("recent_actions", "actions_of_incident")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """Reads the documents of the action runner, which is their only writer."""

    store: Store
    warehouse: Warehouse
    automation: Automation
    clock: Clock
    start: Start
    _cache: Cache = field(default_factory=Cache)
    _over: dict[str, ActionRun] = field(default_factory=dict)

    def all(self) -> Data:
        """Pending actions, the soonest to expire first; recent decisions; and the switches.

        While the warehouse does not answer, `recent` is None, and pending actions are shown nevertheless. `starting`:
        it has not answered yet.
        """
        documents = self.store.find(ACTIONS, where={"waiting": True})
        waiting = [run for run in (read_run(document.data) for document in documents) if not run.over]
        waiting.sort(key=lambda run: (run.stage is not Stage.AWAITING, run.answer_by or run.at))
        recent = self._recent()
        return {
            "waiting": [shown(run) for run in waiting],
            "recent": recent,
            "starting": recent is None and self.start.is_starting(_ANSWERED),
            "automation": self.switches(),
        }

    def switches(self) -> Data:
        """Whether actions are allowed: by the settings, and by the last commands."""
        document = self.store.get(GUARDS, GUARDS_KEY)
        guards = guards_from(document.data if document else None)
        return {
            "enabled": self.automation.enabled,
            "halted": [switch for switch in guards.switches if switch.halted],
            "resuming": guards.resuming,
            "actions": list(ActionName),
        }

    def halts(self) -> dict[str, str]:
        """The ids of the halts that hold, by the action they are of, or `*`."""
        return {switch.action: switch.halt_id for switch in self.switches()["halted"]}

    def resuming(self) -> str:
        """Who was the first to want all actions resumed, for as long as that holds; empty where nobody was."""
        document = self.store.get(GUARDS, GUARDS_KEY)
        first = guards_from(document.data if document else None).resuming
        return first.by if first and self.clock() - first.at <= WITHIN else ""

    def run(self, request_id: str) -> ActionRun:
        """The run of a request; `LookupError` if there is none."""
        document = self.store.get(ACTIONS, request_id)
        if document is None:
            raise LookupError(f"action: none has the id {request_id[:80]!r}")
        return read_run(document.data)

    def of(self, incident: Data) -> list[Data]:
        """The actions in the timeline of an incident, as they are now."""
        return [shown(run) for run in self._runs(incident)]

    def training_runs(self, incident: Data) -> set[str]:
        """The pipeline runs that the actions of an incident have requested, or would."""
        planned = (run.plan.state.get("run_id", "") for run in self._runs(incident) if run.request.action == _TRAINS)
        return {run_id for run_id in planned if run_id}

    def decisions(self, incident: Data) -> list[ActionDecision]:
        """All known decisions about the actions of an incident.

        The history has every step, but some seconds late, and not while the warehouse is down; the documents
        of the requests have the last step.
        """
        known = {decision.id: decision for run in self._runs(incident) for decision in _last(run)}
        since = incident["opened_at"] - timedelta(days=1)

        def read() -> list[Data]:
            return self.warehouse.query(_SQL["actions_of_incident"], since=since, incident=incident["id"])

        try:
            rows = self._cache.within(PATIENCE, ("decisions", incident["id"]), read, seconds=_DECISIONS_SECONDS)
        except AiaError as error:
            log.warning("report without the history of actions: %s", error)
            rows = []
        told = (msgspec.convert(_event_fields(row), ActionDecision, builtin_types=(datetime,)) for row in rows)
        return list((known | {decision.id: decision for decision in told}).values())

    def _recent(self) -> list[Data] | None:
        since = self.clock() - RECENT

        def read() -> list[Data]:
            return self.warehouse.query(_SQL["recent_actions"], since=since, most=MOST)

        try:
            recent = self._cache.within(PATIENCE, ("recent",), read, seconds=_RECENT_SECONDS)
        except AiaError as error:
            log.warning("actions without their history: %s", error)
            return None
        self.start.answered.add(_ANSWERED)
        return recent

    def _runs(self, incident: Data) -> Iterator[ActionRun]:
        told = [entry["finding_id"] for entry in incident["timeline"] if entry["reason"] == IncidentReason.ACTION]
        for request_id in dict.fromkeys(cause.rpartition(":")[0] for cause in told):
            run = self._run(request_id) if request_id else None
            if run is not None:
                yield run

    def _run(self, request_id: str) -> ActionRun | None:
        """The run; one that cannot change any more is cached."""
        if request_id in self._over:
            return self._over[request_id]
        document = self.store.get(ACTIONS, request_id)
        run = read_run(document.data) if document else None
        if run is not None and not run.waiting:
            if len(self._over) >= _OVER_LIMIT:
                self._over.clear()
            self._over[request_id] = run
        return run


def shown(run: ActionRun) -> Data:
    """A run for the page, without the internal state of the action."""
    request = run.request
    return {
        **{
            name: getattr(request, name)
            for name in ("id", "incident_id", "action", "target", "mode", "playbook", "rung")
        },
        "asked_because": request.reason,
        "requested_at": request.requested_at,
        "severity": request.severity,
        "stage": run.stage,
        "reason": run.reason,
        "at": run.at,
        "answer_by": run.answer_by,
        "first_approver": run.first_approver,
        "summary": run.plan.summary,
        "steps": run.plan.steps,
        "touched": run.plan.touched,
        "undoing": run.undoing.detail if run.undoing else "",
        "run_id": run.plan.state.get("run_id", ""),
    }


def _last(run: ActionRun) -> tuple[ActionDecision, ...]:
    """The decisions in a run: the newest, and those not yet published."""
    return (decided(run), *run.pending)


def _event_fields(row: Data) -> Data:
    """A row as the event has it: text that is missing is empty, and instants are in UTC."""
    return {name: "" if value is None else value for name, value in row.items()} | {"at": row["at"].astimezone(UTC)}
