"""One tick: judges the calls of each partner in the last hour, sets metrics, and publishes findings.

The hour ends some minutes before the tick, so that calls that are reported late still count. A tick that is delivered again judges the
same hour, and a verdict on an instant counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.events import Tick
from core.partners import SOURCE, PartnerCalls, observations
from core.settings import Partner
from functions.adapters.ports import Bus, Metrics, Store, Warehouse
from functions.services.detection import Tracker

CALLS = (Path(__file__).parent / "partner_calls.sql").read_text()
WINDOW = timedelta(hours=1)
LATE = timedelta(minutes=5)
"""How late calls may be reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerOutside:
    """The ports, and the partners."""

    partners: Sequence[Partner]
    warehouse: Warehouse
    store: Store
    bus: Bus
    metrics: Metrics


def watch(tick: Tick, outside: PartnerOutside) -> None:
    """Judge every partner; idempotent, also for an old tick.

    Raises:
        UnavailableError: the warehouse, the store or the bus does not answer.
        QueryError: the table is missing.
    """
    at = tick.scheduled_at
    names = [partner.name for partner in outside.partners]
    rows = outside.warehouse.query(CALLS, since=at - LATE - WINDOW, until=at - LATE, partners=names)
    found = {row["partner"]: PartnerCalls(**row) for row in rows}
    tracker = Tracker(outside.store, outside.bus)
    for partner in outside.partners:
        calls = found.get(partner.name, PartnerCalls(partner=partner.name, calls=0, failures=0, seconds=None))
        if found:
            _measure(outside.metrics, calls, at)
        for observation in observations(partner, calls, at, any_calls=bool(found)):
            tracker.record(observation)
    tracker.publish_unsent(SOURCE)


def _measure(metrics: Metrics, calls: PartnerCalls, at: datetime) -> None:
    """Set the metrics of a partner; those of its calls only where there are some."""
    metrics.gauge("aia_partner_calls", float(calls.calls), at=at, partner=calls.partner)
    if calls.success_ratio is not None:
        metrics.gauge("aia_partner_success_ratio", calls.success_ratio, at=at, partner=calls.partner)
    if calls.seconds is not None:
        metrics.gauge("aia_partner_latency_seconds", calls.seconds, at=at, partner=calls.partner)
