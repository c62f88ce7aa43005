"""Documents of actions and of their guard rails: the action runner changes them, the pages read them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from core.actions.guards import Guards
from core.actions.lifecycle import ActionRun
from core.events import Severity, Status
from core.settings.response import ActionName
from functions.adapters.ports import Data, Document, Metrics, Store
from functions.adapters.store import update

ACTIONS = "actions"
"""A document a request; its key is the request's id."""
GUARDS, GUARDS_KEY = "guards", "all"
"""One document for all actions: a place in the budget is taken by a conditional write of it."""
INCIDENTS = "incidents"
"""The incident router's copies to read."""
KEEP = timedelta(days=90)
"""Retention of a run: longer than any message is redelivered."""


def read_run(data: Data) -> ActionRun:
    """The run that a document holds."""
    return msgspec.convert(data, ActionRun, builtin_types=(datetime,))


def guards_from(data: Data | None) -> Guards:
    """The state of the guard rails in a document; an empty one if there is none."""
    return msgspec.convert(data or {}, Guards, builtin_types=(datetime,))


def run_data(run: ActionRun) -> Data:
    """The document of a run; the query for unfinished runs uses `waiting`."""
    data: Data = msgspec.to_builtins(run, builtin_types=(datetime,))
    return data | {"waiting": run.waiting, "expires_at": run.at + KEEP}


def find_run(store: Store, request_id: str) -> ActionRun | None:
    """The run of a request, or None."""
    document = store.get(ACTIONS, request_id)
    return read_run(document.data) if document else None


def change_run(
    store: Store, metrics: Metrics, key: str, step: Callable[[ActionRun | None], ActionRun | None]
) -> ActionRun:
    """Save the result of a step, and count its decisions.

    Args:
        store: has the runs.
        metrics: counts the decisions.
        key: the request's id.
        step: returns the next run from the current one, or None to leave it; it may be called several
            times, and one of the two is always a run.
    """
    decided = 0

    def turn(data: Data | None) -> Data | None:
        nonlocal decided
        before = read_run(data) if data else None
        after = step(before)
        changed = after is not None and after != before
        decided = after.sequence - (before.sequence if before else 0) if changed and after else 0
        return run_data(after) if changed and after else None

    run = read_run(update(store, ACTIONS, key, turn))
    for decision in run.pending[len(run.pending) - decided :]:
        action = decision.action if decision.action in tuple(ActionName) else "unknown"
        metrics.count("aia_actions_total", action=action, outcome=decision.stage)
    return run


def read_guards(store: Store) -> Guards:
    """The state of the guard rails."""
    document = store.get(GUARDS, GUARDS_KEY)
    return guards_from(document.data if document else None)


def change_guards(store: Store, step: Callable[[Guards], Guards]) -> None:
    """Save the result of a step over the state of the guard rails; the step may be called several times.

    Raises:
        ConflictError: concurrent writes won every time.
    """

    def turn(data: Data | None) -> Data | None:
        before = guards_from(data)
        after = step(before)
        kept: Data = msgspec.to_builtins(after, builtin_types=(datetime,))
        return None if after == before else kept

    update(store, GUARDS, GUARDS_KEY, turn)


def find_incident(store: Store, incident_id: str) -> Document | None:
    """The copy of an incident, or None."""
    return store.get(INCIDENTS, incident_id)


def is_open(store: Store, document: Document | None) -> bool:
    """Whether an incident, or the one that it was merged into, is not resolved.

    Args:
        store: has the one that it was merged into.
        document: the copy of the incident, or None.
    """
    survivor = _merged(store, document)
    return survivor is not None and bool(survivor.data["open"])


def recovered_since(store: Store, incident_id: str, since: datetime) -> bool | None:
    """Whether the conditions of an incident recovered after an instant, by the word of their sources.

    What expired, or a person resolved, has not recovered: nobody knows. An incident that expired may have lost the condition that did.

    Returns:
        False while one fires; None where none fires and none recovered since, or the incident is unknown.
    """
    document = _merged(store, find_incident(store, incident_id))
    conditions = document.data["conditions"] if document else []
    # An incident is open as long as anything fires, also what its copy does not show.
    if document and (document.data["open"] or any(one["status"] == Status.FIRING for one in conditions)):
        return False
    if document and document.data.get("expired"):
        return None
    over = [c for c in conditions if c["observed_at"] > since]
    return True if over and not any(c.get("expired_at") for c in over) else None


def severity_now(store: Store, incident_id: str) -> Severity | None:
    """The current severity of an incident; None if it is resolved or unknown."""
    document = find_incident(store, incident_id)
    return Severity(document.data["severity"]) if document and document.data["open"] else None


def _merged(store: Store, document: Document | None) -> Document | None:
    """The copy of the incident that one was merged into; itself where it was not, and where they were merged into each other."""
    seen = set[str]()
    while document and (into := document.data["merged_into"]) and document.key not in seen:
        seen.add(document.key)
        document = find_incident(store, into)
    return document
