"""Losses of incidents: what their orders usually bring less what is booked, while they last and until no more orders are waited for."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from core.business.losses import Exposure, OrderHistory, measured_losses
from core.incidents.impact import loss_period
from core.incidents.measured import MeasuredLoss
from core.incidents.model import Incident, State
from core.settings.people import Category
from functions.adapters.ports import Data, Store
from functions.adapters.store import update
from functions.bi_rollup import incidents
from functions.bi_rollup.local_days import local
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR, floor
from functions.bi_rollup.usual_revenue import is_measured, last_day, read_booked
from functions.services.incidents.documents import LOSSES, USUAL, USUAL_KEY, loss_data, read_losses

EVERY = timedelta(minutes=5)
LONGEST = 90 * DAY
"""How far back the loss of an incident is measured."""
WINDOW = 30 * DAY
"""The time over which losses are summed up."""
LISTED = 50
"""Open incidents whose loss so far messages know, those with the largest ones."""


def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Measure the losses of the incidents that are open, or over since less than orders may be late."""
    final_after = outside.orders.late + DAY
    found = list(incidents.with_parts(outside.store, due - final_after - DAY, due))
    exposures = [exposure for one in found if _counts(one) for exposure in _exposures(one, due)]
    losses: dict[str, MeasuredLoss] = {}
    if exposures:
        losses = measured_losses(exposures, _histories(outside, exposures, due), due, late=final_after)
    _store(outside.store, found, losses)
    _list(outside.store, found, losses, due)
    if previous is not None and floor(previous.due, HOUR) == floor(due, HOUR):
        return RollupResult(due=due, metrics=previous.metrics)  # many documents are read for them
    return RollupResult(due=due, metrics=_metrics(outside.store, due))


JOB = RollupJob(name="losses", every=EVERY, max_age=3 * EVERY, enabled=is_measured, run=run)


def _histories(outside: Outside, exposures: Sequence[Exposure], due: datetime) -> Callable[[Exposure], OrderHistory]:
    """What was usual before an incident began, by its orders: its own hours are not."""
    sources, since = sorted({one.orders for one in exposures}), min(one.since for one in exposures)
    booked = read_booked(outside, sources, min(since, due - outside.orders.late), due)
    known, zone = last_day(outside, due), outside.settings.business.time_zone
    history = lru_cache(maxsize=None)(booked.history)
    return lambda one: history(one.orders, min(known, floor(local(one.since, zone), DAY)))


def _counts(incident: Incident) -> bool:
    """Whether it is reckoned by itself: not where it is in another one's loss, or was a false alarm."""
    return not incident.cancelled and (not incident.merged_into or incident.is_part)


def _exposures(incident: Incident, due: datetime) -> Iterator[Exposure]:
    since, until = loss_period(incident, due)
    for one in incident.impact.orders if incident.impact else ():
        yield Exposure(
            incident_id=incident.id,
            orders=one.orders,
            share=one.share,
            since=max(since, due - LONGEST),
            until=until,
            is_outage=incident.category == Category.AVAILABILITY and one.share >= 1.0,
        )


def _store(store: Store, found: Collection[Incident], losses: Mapping[str, MeasuredLoss]) -> None:
    """Store what changed; the loss of an incident that does not count any more is deleted, and a final one stays."""
    documents = store.get_many(LOSSES, [one.id for one in found])
    for one in found:
        document, loss = documents.get(one.id), losses.get(one.id)
        if loss is None:
            if document is not None and not _counts(one):
                store.delete(document, LOSSES)
            continue
        data = loss_data(loss)
        if document is None or document.data != data:
            update(store, LOSSES, one.id, lambda _, data=data: data)  # type: ignore[misc] # bound now


def _list(store: Store, found: Collection[Incident], losses: Mapping[str, MeasuredLoss], due: datetime) -> None:
    """Let messages know what open incidents lost so far."""
    live = {one.id for one in found if one.lasts or one.state is not State.RESOLVED or _ended_lately(one, due)}
    largest = sorted((key for key in losses if key in live), key=lambda key: (-losses[key].dollars, key))[:LISTED]
    text = msgspec.json.encode({key: losses[key] for key in sorted(largest)}).decode()

    def change(data: Data | None) -> Data | None:
        return None if data is not None and data.get("losses") == text else {**(data or {}), "losses": text}

    update(store, USUAL, USUAL_KEY, change)


def _ended_lately(incident: Incident, due: datetime) -> bool:
    """Whether people may not have been notified of its end yet."""
    return incident.ended_at is not None and incident.ended_at > due - HOUR


def _metrics(store: Store, due: datetime) -> tuple[MetricValue, ...]:
    """The sum of the losses of incidents that ended in the window, or last, and how many are measured."""
    losses = read_losses(store, due - WINDOW, due)
    known = [loss for loss in losses if not loss.unknown]
    dollars = math.fsum(loss.dollars for loss in known)
    bounds = {
        "low": dollars - math.hypot(*(loss.dollars - loss.low for loss in known)),
        "middle": dollars,
        "high": dollars + math.hypot(*(loss.high - loss.dollars for loss in known)),
    }
    counts = {"measured": len(known), "not_known": len(losses) - len(known)}
    return (
        *(MetricValue("aia_incident_losses", float(count), {"state": state}) for state, count in counts.items()),
        *(
            MetricValue("aia_incident_loss_dollars", value, {"bound": bound})
            for bound, value in bounds.items()
            if known or not losses
        ),
    )
