"""One tick: runs the rollups that are due, in order, and publishes their metrics.

A rollup is due at whole multiples of its interval; the daily ones at midnight (UTC), run by the first tick after it. Its result
is stored, and published at every tick until there is a newer one or it is older than its maximum age.

The stored result says how far a rollup is; nothing is computed for an earlier instant. A rollup with much to do works in steps and
stores a result after each, so that a crash loses one step, and goes on at the next tick where it has to.
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.checks import EstimateError
from core.business.recommendations import Recommendation
from core.errors import BusyError, ConflictError, QueryError, UnavailableError
from core.events import Tick
from core.incidents.model import Incident
from core.settings import Model, Orders, Settings
from functions.adapters.job_labels import job_labels
from functions.adapters.ledger import Ledger
from functions.adapters.logs import fields
from functions.adapters.ports import Metrics, Store
from functions.bi_rollup.machines import Utilisation, unmeasured_machines
from functions.bi_rollup.predictions import PredictionCounter, uncounted
from functions.bi_rollup.queries import Tables
from functions.bi_rollup.result import RollupResult, load, publish, save
from functions.bi_rollup.spans import floor
from functions.runtime.endpoint import TickResult
from functions.services.table_scans import BytesOf, unmeasured

NAME = "bi_rollup"
LEASE = timedelta(minutes=5)
"""How long a rollup is locked for one instance: the acknowledgement deadline of the subscription."""
STEPS = 12
"""Steps of a rollup in one tick: enough for most first runs, within the acknowledgement deadline."""
_PERMANENT = (QueryError, EstimateError)
"""Errors that a retry does not fix."""
log = logging.getLogger(__name__)

RecommenderReader = Callable[[str, Sequence[str]], list[Recommendation]]
"""The active recommendations of Google's Recommender for a project, in some locations."""
IncidentReader = Callable[[datetime, datetime], list[Incident] | None]
"""The incidents that were open at some time in a period; None where none are stored."""


def no_recommender(project: str, locations: Sequence[str]) -> list[Recommendation]:  # noqa: ARG001 - the signature of `RecommenderReader`
    """Nobody is asked."""
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The settings, and the ports of the rollups."""

    settings: Settings
    models: Callable[[], Mapping[str, Model]]
    tables: Tables
    incidents: IncidentReader
    store: Store
    metrics: Metrics
    ledger: Ledger
    predictions: PredictionCounter = uncounted
    bytes_of: BytesOf = unmeasured
    utilisation: Utilisation = unmeasured_machines
    recommender: RecommenderReader = no_recommender

    @property
    def orders(self) -> Orders:
        """Where orders are.

        Raises:
            ValueError: the settings do not say.
        """
        if self.settings.business.orders is None:
            raise ValueError("business.orders: must be given, got nothing")
        return self.settings.business.orders


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupJob:
    """A rollup.

    Attributes:
        name: key of its result in the store.
        every: its interval.
        max_age: how old its result may be and still be published.
        enabled: whether the settings ask for it.
        run: computes the result of an instant, or of one step towards it, from the newest result; `due` of the result it
            returns says how far it is.
    """

    name: str
    every: timedelta
    max_age: timedelta
    enabled: Callable[[Settings], bool]
    run: Callable[[Outside, datetime, RollupResult | None], RollupResult]

    def due(self, at: datetime) -> datetime:
        """The newest instant that it is due for, not after `at`."""
        return floor(at, self.every)


def has_orders(settings: Settings) -> bool:
    """Whether the settings name a table of orders."""
    return settings.business.orders is not None


def roll_up(tick: Tick, outside: Outside, jobs: Sequence[RollupJob]) -> TickResult:
    """Run the rollups that are due and publish their metrics; idempotent.

    Metrics are published after each rollup, so that a crash or timeout of one does not affect those before it. A permanent error
    skips the rollup, as a retry would not help, and there is no heartbeat then. After a transient error, or while a rollup has
    more steps to do, those after it wait for the next tick.

    Raises:
        UnavailableError: a service does not answer; the tick must be redelivered.
        BusyError: another instance is running the rollup.
    """
    at = tick.scheduled_at
    errors: list[Exception] = []
    blocked = False
    for job in jobs:
        if job.enabled(outside.settings):
            blocked = blocked or not _run(job, at, outside, errors)
            _publish(job, at, outside)
    for error in errors:
        if not isinstance(error, _PERMANENT):
            raise error
    return TickResult(complete=not errors)


def _run(job: RollupJob, at: datetime, outside: Outside, errors: list[Exception]) -> bool:
    """Run a rollup if it is due; whether those after it may run."""
    try:
        return _advance(job, job.due(at), outside)
    except (UnavailableError, BusyError, ConflictError) as error:
        log.warning("rollup %s: %s", job.name, error, extra=fields(rollup=job.name))
        errors.insert(0, error)
        return False
    except Exception as error:
        log.exception("rollup %s failed", job.name, extra=fields(rollup=job.name))
        errors.append(error)
        return True


def _advance(job: RollupJob, due: datetime, outside: Outside) -> bool:
    """Run the steps of a rollup up to an instant; whether it is complete then."""
    if not _is_behind(job, due, outside):
        return True
    outside.ledger.alone(f"{NAME}:{job.name}", functools.partial(_steps, job, due, outside), lease=LEASE)
    complete = not _is_behind(job, due, outside)
    if not complete:
        log.info("rollup %s continues at the next tick", job.name, extra=fields(rollup=job.name))
    return complete


def _is_behind(job: RollupJob, due: datetime, outside: Outside) -> bool:
    result = load(outside.store, job.name)
    return result is None or result.due < due


def _steps(job: RollupJob, due: datetime, outside: Outside) -> None:
    for _ in range(STEPS):
        previous = load(outside.store, job.name)
        if previous is not None and previous.due >= due:
            return
        with job_labels(rollup=job.name):
            result = job.run(outside, due, previous)
        save(outside.store, job.name, result)


def _publish(job: RollupJob, at: datetime, outside: Outside) -> None:
    """Publish the newest result; one of a later instant was published by a later tick."""
    result = load(outside.store, job.name)
    if result is None or result.due > at:
        return
    publish(outside.metrics, result.freshness, at)  # at any age
    if at - result.due <= job.max_age:
        publish(outside.metrics, result.metrics, at)
