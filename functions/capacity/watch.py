"""One tick: reads each resource and metric, counts the verdicts, appends the forecasts, saves what the page shows, and publishes.

In this order, so that a fault at any point is repaired by the next delivery: verdicts on an instant count once, rows have ids, and
the document of a resource, which is saved after its rows, says that the instant is done. An older tick changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from core.capacity.anomaly import Surprise
from core.capacity.judge import (
    SOURCE,
    Usage,
    anomaly_observation,
    excess_observation,
    limit_observation,
    share_of_limit,
)
from core.capacity.scaling import Proposal, propose
from core.events import Tick
from core.settings.capacity import CapacityResource, CapacitySettings
from functions.adapters.capacity import COLLECTION
from functions.adapters.ports import Bus, Data, Metrics, Store, Warehouse
from functions.adapters.store import update
from functions.capacity import records
from functions.capacity.read import OneTick, Ranges, replicas, surprises, usage
from functions.capacity.records import Before
from functions.services.detection import Tracker

NAME = "capacity"
TABLE = "ops.capacity_forecasts_raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports, and what is watched."""

    settings: CapacitySettings
    prometheus: Ranges
    warehouse: Warehouse
    store: Store
    bus: Bus
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is known of a resource: its document, and rows to append."""

    document: Data
    rows: tuple[Data, ...]


def watch(tick: Tick, outside: Outside) -> None:
    """Watch every resource and metric; idempotent, also for an old tick.

    A query that is refused or not answered is a verdict that is not known, and no fault of the tick.

    Raises:
        UnavailableError: the store, the warehouse or the bus does not answer.
        QueryError: the table is missing.
    """
    at = tick.scheduled_at
    outside = replace(outside, prometheus=OneTick(outside.prometheus))
    tracker = Tracker(outside.store, outside.bus)
    assessments = _assessments(outside, tracker, at)
    rows = [row for one in assessments for row in one.rows]
    if rows:
        outside.warehouse.append(TABLE, rows)
    for one in assessments:
        update(outside.store, COLLECTION, one.document["name"], partial(_newer, one.document))
    for name in outside.settings.anomalies:
        found, problem = surprises(outside.prometheus, name, at)
        _measure_anomaly(outside.metrics, name, found, at)
        tracker.record(anomaly_observation(name, found, at, problem))
    tracker.publish_unsent(SOURCE)


def _assessments(outside: Outside, tracker: Tracker, at: datetime) -> list[Assessment]:
    """Assess the resources of which neither this instant nor a later one is done."""
    resources = outside.settings.resources
    documents = outside.store.get_many(COLLECTION, [one.name for one in resources]) if resources else {}
    found = [(one, records.before(documents.get(one.name))) for one in resources]
    return [_assess(outside, tracker, one, before, at) for one, before in found if before.at is None or before.at < at]


def _assess(outside: Outside, tracker: Tracker, resource: CapacityResource, before: Before, at: datetime) -> Assessment:
    seen, values = usage(outside.prometheus, resource, at)
    observation = limit_observation(resource, seen, at)
    tracker.record(observation)
    forecast = records.made(resource, seen, at)
    scored = list(records.errors(before.forecasts, values, at))
    ended = [(one, error) for one, error in scored if error is not None]
    proposal = _proposal(outside.prometheus, resource, seen, before, at)
    if proposal and resource.scaling and resource.scaling.scale_in:
        tracker.record(excess_observation(resource, proposal, at))
    document = records.document(
        resource,
        observation.verdict,
        at,
        forecast=forecast,
        open_forecasts=tuple(one for one, error in scored if error is None),
        error=ended[-1][1] if ended else None,
        proposal=proposal,
    )
    _measure(outside.metrics, resource, document, proposal, at)
    new = [(forecast, None)] if forecast else []
    return Assessment(
        document=document, rows=tuple(records.row(resource, one, error, at) for one, error in [*ended, *new])
    )


def _proposal(
    prometheus: Ranges, resource: CapacityResource, seen: Usage, before: Before, at: datetime
) -> Proposal | None:
    if resource.scaling is None:
        return None
    peak = seen.forecast.peak if seen.forecast else None
    count = replicas(prometheus, resource.scaling, at)
    return propose(resource, resource.scaling, peak, count, at=at, scaled_at=before.scaled_at)


def _measure(
    metrics: Metrics, resource: CapacityResource, document: Data, proposal: Proposal | None, at: datetime
) -> None:
    """Set the gauges of a resource, of what is known."""
    if document["value"] is not None:
        used = share_of_limit(resource, document["value"])
        metrics.gauge("aia_capacity_usage_ratio", used, at=at, resource=resource.name)
    if forecast := document["forecast"]:
        for bound in ("low", "middle", "high"):
            used = share_of_limit(resource, forecast[bound][-1])
            metrics.gauge("aia_capacity_forecast_usage_ratio", used, at=at, resource=resource.name, bound=bound)
        probability = forecast["probability"]
        metrics.gauge("aia_capacity_crossing_probability_ratio", probability, at=at, resource=resource.name)
    if error := document["last_error"]:
        relative = error["error"] / resource.limit
        metrics.gauge("aia_capacity_forecast_error_ratio", relative, at=at, resource=resource.name)
    if proposal and proposal.replicas is not None and proposal.proposed is not None:
        metrics.gauge("aia_capacity_replicas", float(proposal.replicas), at=at, resource=resource.name)
        metrics.gauge("aia_capacity_proposed_replicas", float(proposal.proposed), at=at, resource=resource.name)


def _measure_anomaly(metrics: Metrics, name: str, found: Mapping[str, Surprise | None], at: datetime) -> None:
    digits = [one.digits for one in found.values() if one is not None]
    if digits:
        probability = 10.0 ** -min(max(digits), 300.0)
        metrics.gauge("aia_metric_tail_probability_ratio", probability, at=at, metric=name)


def _newer(document: Data, data: Data | None) -> Data | None:
    """The document, unless one of the same instant or a later one is there."""
    return None if data is not None and data["at"] >= document["at"] else document
