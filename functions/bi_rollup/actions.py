"""What automated actions are worth, over 90 days: from the decisions in the warehouse and the incidents in the store."""

from collections.abc import Iterator
from datetime import datetime

from core.actions.effectiveness import ActionStep, Effectiveness, effectiveness
from core.settings import Settings
from functions.bi_rollup import incidents
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

WINDOW = 90 * DAY
BEFORE = 30 * DAY
"""How much older the decisions may be that tell which incidents of the window had an action."""
EVERY = 6 * HOUR
"""Each run reads the incidents of the whole window, and a quarter of a day changes little of it."""
ACTION_STEPS = Query("action_steps", ActionStep)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """The worth of each action that was applied, or that a playbook names."""
    since = due - WINDOW
    steps = outside.tables.read(ACTION_STEPS, since=since - BEFORE, until=due)
    ended = incidents.ended(outside.store, since, due)
    found = effectiveness(steps, ended, _named(outside.settings), since=since)
    return RollupResult(
        due=due, metrics=tuple(value for action, one in found.items() for value in _metrics(action, one))
    )


JOB = RollupJob(
    name="actions", every=EVERY, max_age=2 * EVERY + HOUR, enabled=lambda settings: bool(settings.playbooks), run=run
)


def _named(settings: Settings) -> set[str]:
    return {deed.action.value for playbook in settings.playbooks for deed in playbook.do}


def _metrics(action: str, worth: Effectiveness) -> Iterator[MetricValue]:
    """What is known of an action; of what is not known there is no value."""
    for result, count in worth.results.items():
        yield MetricValue("aia_action_results", float(count), {"action": action, "result": result.value})
    if worth.recovery is not None:
        yield MetricValue("aia_action_recovery_seconds", worth.recovery.total_seconds(), {"action": action})
    if worth.saved is None:
        return
    for side, count in (("with", worth.saved.n_with), ("without", worth.saved.n_without)):
        yield MetricValue("aia_action_compared_incidents", float(count), {"action": action, "side": side})
    bounds = {"low": worth.saved.low, "middle": worth.saved.seconds, "high": worth.saved.high}
    for bound, seconds in bounds.items():
        if seconds is not None:
            yield MetricValue("aia_action_saved_seconds", seconds, {"action": action, "bound": bound})
