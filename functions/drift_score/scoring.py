"""The models at one tick: for each, read its windows, let core judge, carry out the effects."""

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.drift import ProfileError, Thresholds, score
from core.errors import QueryError, UnavailableError
from core.events import Tick, stamp
from core.settings import Model
from core.verdict import of_accuracy, of_drift, of_scoring
from functions.adapters.ledger import Ledger
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Metrics, Store, Warehouse
from functions.drift_score import effects, statements
from functions.drift_score.effects import Performance, Watch, Window
from functions.drift_score.reference import Profiles, read_window, reference_at

NAME = "drift_score"
LEASE = timedelta(minutes=2)
"""How long nobody else scores the same model at the same tick: well under the time until Pub/Sub gives a message up."""
_LEAST_ROWS = 2
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What scoring needs from outside."""

    warehouse: Warehouse
    store: Store
    bus: Bus
    metrics: Metrics
    ledger: Ledger
    profiles: Profiles


def score_models(tick: Tick, models: Iterable[Model], outside: Outside) -> None:
    """Score every model that is not yet scored at the tick; one that fails keeps none of the others from it.

    Raises:
        UnavailableError: something outside does not answer; the tick must come again for the models that are left.
        BusyError: another scores a model at the tick right now.
    """
    at = tick.scheduled_at
    faults = [fault for model in models if (fault := _attempt(model, at, outside))]
    if faults:
        raise next((fault for fault in faults if isinstance(fault, UnavailableError)), faults[0])
    outside.metrics.gauge("aia_heartbeat_timestamp_seconds", at.timestamp(), at=at, function=NAME)


def _attempt(model: Model, at: datetime, outside: Outside) -> Exception | None:
    """Score a model, once a tick; gives back what went wrong."""
    effect = functools.partial(score_model, model, at, outside)
    try:
        outside.ledger.once(f"{NAME}:{model.name}:{stamp(at)}", effect, lease=LEASE)
    except Exception as error:  # noqa: BLE001 - raised once the other models are scored
        log.warning("not scored: %s: %s", model.name, error, extra=fields(model=model.name))
        return error
    return None


def score_model(model: Model, at: datetime, outside: Outside) -> None:
    """Score a model at a tick; a model that cannot be scored becomes a finding, since a retry would not help.

    Raises:
        UnavailableError: something outside does not answer.
        ConflictError: another tick of the model was counted in the meantime.
    """
    refusal = None
    try:
        _score(model, at, outside)
    except (QueryError, ProfileError) as error:
        refusal = str(error)
    verdict = of_scoring(model.name, model.table, refusal)
    effects.tell(outside.store, outside.bus, model, watch=Watch(kind="scoring_failed"), verdict=verdict, at=at)


def _score(model: Model, at: datetime, outside: Outside) -> None:
    reference = reference_at(outside.warehouse, model, at)
    window = Window(model=model, version=reference.version, start=at - model.window, end=at)
    profile = outside.profiles.get(model, reference)
    columns = read_window(outside.warehouse, model, window.start, window.end)
    report = score(profile, columns, thresholds=_thresholds(model))
    effects.write_scores(outside.warehouse, window, report)
    effects.measure_drift(outside.metrics, window, report)
    watch = Watch(kind="drift", fire_after=model.fire_after, recover_after=model.recover_after)
    effects.tell(outside.store, outside.bus, model, watch=watch, verdict=of_drift(model.name, report), at=at)
    _check_accuracy(window, outside)


def _thresholds(model: Model) -> Thresholds:
    rows = max(model.minimum_rows, _LEAST_ROWS)
    return Thresholds(shift=model.drift.shift, false_alarms=model.drift.false_alarms, minimum_rows=rows)


def _check_accuracy(window: Window, outside: Outside) -> None:
    model = window.model
    if model.label is None:
        return
    [row] = outside.warehouse.query(statements.accuracy(model, model.label), **window.parameters)
    performance = Performance(accuracy=row["value"], labels=row["n_labels"], rows=row["n_current"])
    effects.write_performance(outside.warehouse, window, performance)
    effects.measure_performance(outside.metrics, window, performance)
    verdict = of_accuracy(
        model.name,
        accuracy=performance.accuracy,
        labels=performance.labels,
        floor=model.accuracy_floor,
        minimum=model.minimum_rows,
    )
    watch = Watch(kind="accuracy_below_floor", fire_after=model.fire_after, recover_after=model.recover_after)
    effects.tell(outside.store, outside.bus, model, watch=watch, verdict=verdict, at=window.end)
