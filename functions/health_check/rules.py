"""Alert rules whose metric is absent: asked of Prometheus every few minutes, counted, and saved for the page."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from core.alert_rules import (
    EVERY,
    SEEN_WITHIN,
    SOURCE,
    AlertRule,
    Need,
    RuleState,
    met,
    observations,
    of_answer,
    queries,
    states,
    watched,
)
from core.detection import Outcome
from core.errors import QueryError, UnavailableError
from core.events import Tick
from core.health import due
from core.settings import AlertRuleSettings
from functions.adapters.ports import Data
from functions.adapters.store import update
from functions.services.alert_rules import COLLECTION, FOLDER, KEY
from functions.services.detection import Snapshot, Tracker, state_of

RULES = Path(__file__).resolve().parents[2] / FOLDER
"""The rules of this archive, or the sources."""
log = logging.getLogger(__name__)
Ask = Callable[[str, int], Sequence[Mapping[str, str]]]
"""The labels of the series that a query gives at an instant, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """What the check of rules needs.

    Attributes:
        settings: when it becomes a finding that a rule has no data.
        rules: gives the deployed rules.
        ask: asks Prometheus.
    """

    settings: AlertRuleSettings
    rules: Callable[[], Sequence[AlertRule]]
    ask: Ask


def check_rules(check: RuleCheck, tick: Tick, tracker: Tracker) -> None:
    """Look at every rule at the ticks at which that is due; idempotent, also for an old tick.

    Prometheus that does not answer is no fault of the tick: probes must not wait for it. It is a verdict that is not known.

    Raises:
        UnavailableError: the store or the bus does not answer.
    """
    at = tick.scheduled_at
    if not due(EVERY, at):
        return
    known = tracker.read(SOURCE)
    try:
        found = _found(check, int(at.timestamp()))
    except (UnavailableError, QueryError) as error:
        log.warning("alert rules not checked: %s", error)
        tracker.record(of_answer(error, at, check.settings), known)
    else:
        answered = of_answer(None, at, check.settings)
        counted = observations(found, known.keys() - {answered.spec.key}, at, check.settings)
        for observation in (answered, *counted):
            tracker.record(observation, known)
        update(tracker.store, COLLECTION, KEY, partial(_shown, found, at))
        _forget(tracker, [one.spec.key for one in counted if one.verdict.outcome is Outcome.GOOD], known)
    tracker.publish_unsent(SOURCE)


def _found(check: RuleCheck, at: int) -> tuple[RuleState, ...]:
    """What is known of each rule; only of metrics that are not there it is asked whether they were before."""
    deployed = check.rules()
    if not deployed:
        raise UnavailableError(f"there is no rule in {RULES}")
    rules, ask = watched(deployed, check.settings), check.ask
    needs = {need for rule in rules for need in rule.needs}
    there = _met(ask, needs, at)
    missing = {Need(need.metric, need.within + SEEN_WITHIN) for need in needs - there}
    return states(rules, there, {need.metric for need in _met(ask, missing, at)})


def _met(ask: Ask, needs: Iterable[Need], at: int) -> frozenset[Need]:
    return met(labels for query in queries(frozenset(needs)) for labels in ask(query, at))


def _shown(found: Sequence[RuleState], at: datetime, data: Data | None) -> Data | None:
    """The document for the page; an older tick does not replace a newer one."""
    if data is not None and data["checked_at"] >= at:
        return None
    absent = [
        {"name": one.rule.name, "area": one.rule.area, "metrics": list(one.absent), "missed": bool(one.missed)}
        for one in found
        if one.absent
    ]
    return {"checked_at": at, "rules": len(found), "absent": absent}


def _forget(tracker: Tracker, keys: Iterable[str], known: Snapshot) -> None:
    """Delete the conditions of rules that have data and had it before."""
    tracker.forget((key for key in keys if state_of(known[key].data).unknown_since is None), known)
