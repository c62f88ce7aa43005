"""The incidents of the past: the findings of past ticks, folded by the incident router's own code.

Nobody is told of them, nothing is done about them and nobody acknowledges them. What is still open at the end of the past is
left out: the newest ticks find it again, and then it is told and escalated from the first minute on.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

import msgspec
import pyarrow as pa

from core.events import Event, Finding, IncidentChange, Tick
from core.incidents.charter import Charter, charter
from core.settings import Settings
from core.settings.people import People
from functions.adapters.desks.channels import FailingChannels
from functions.adapters.desks.desk import Desks
from functions.adapters.desks.documents import INCIDENTS
from functions.adapters.desks.perform import Performer
from functions.adapters.desks.silences import Silences
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.incident_router.router import Received, Router, handle
from functions.incident_sweep.sweep import NAME, Sweeper, sweep
from infra.local.past.metrics import PastMetrics
from infra.local.past.tables import table_of
from infra.local.prometheus import HistoryPoint

CHANGES = "ops.incident_changes"
_SWEPT_AFTER = (timedelta(minutes=5), timedelta(hours=1))
"""When it is looked, after the findings of an instant, what is over by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIncidents:
    """What became of the findings.

    Attributes:
        documents: a copy of each incident, by collection and key, as the pages read them.
        changes: the audit trail.
        points: for the charts: what was open, and how long it took to resolve.
    """

    documents: dict[tuple[str, str], Data]
    changes: pa.Table
    points: list[HistoryPoint]


@dataclass(slots=True)
class _Changes:
    """A bus that keeps the changes of incidents and drops everything else."""

    kept: list[IncidentChange] = field(default_factory=list)

    def publish(self, topic: str, event: Event, **attributes: str) -> None:  # noqa: ARG002 - the port's signature
        if isinstance(event, IncidentChange):
            self.kept.append(event)


@dataclass(slots=True)
class _Clock:
    """The instant that is being computed."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def past_incidents(findings: Iterable[Finding], settings: Settings, *, start: datetime, end: datetime) -> PastIncidents:
    """Fold findings into incidents.

    Args:
        findings: of the span and of some days around it, so that an incident is whole.
        settings: what decisions go by, but for people and playbooks.
        start: incidents that were opened at or after it are kept, and points from it on,
        end: and before it, if they are over.
    """
    ordered = sorted(findings, key=lambda finding: finding.observed_at)
    if not ordered:
        return PastIncidents(documents={}, changes=pa.table({}), points=[])
    clock, bus = _Clock(ordered[0].observed_at), _Changes()
    metrics = PastMetrics(clock)
    router = _router(settings, clock, bus, metrics)
    for at, group in groupby(ordered, key=lambda finding: finding.observed_at):
        clock.now = at
        for finding in group:
            handle(router, Received(finding, at))
        for after in _SWEPT_AFTER:
            clock.now = at + after
            sweep(Sweeper(desks=router.desks), Tick(job=NAME, scheduled_at=clock.now))
    found = {one.key: one.data for one in router.desks.store.find(INCIDENTS)}
    kept = {key: data for key, data in found.items() if not data["open"] and start <= data["opened_at"] < end}
    changes = [_row(change) for change in bus.kept if change.incident_id in kept]
    return PastIncidents(
        documents={(INCIDENTS, key): data for key, data in kept.items()},
        changes=table_of(CHANGES, changes),
        points=[point for point in metrics.take() if start <= point.at < end],
    )


def _router(settings: Settings, clock: _Clock, bus: _Changes, metrics: PastMetrics) -> Router:
    store = SqliteStore(":memory:")
    performer = Performer(store=store, bus=bus, channels={}, ledger=Ledger(store, clock, NAME), metrics=metrics)
    desks = Desks(
        store=store,
        performer=performer,
        metrics=metrics,
        clock=clock,
        charter=_charter(settings),
        failing=FailingChannels(store, clock),
        spread=lambda lanes: [lane() for lane in lanes],
    )
    return Router(desks=desks, silences=Silences(store, clock))


def _charter(settings: Settings) -> Charter:
    found = charter(settings, os.environ.get("AIA_API_URL", ""), os.environ.get("AIA_RUNBOOKS_URL", ""))
    return replace(found, people=People(), playbooks=())


def _row(change: IncidentChange) -> Data:
    row: Data = msgspec.to_builtins(change, builtin_types=(datetime,))
    return {"type": change.TYPE, "version": change.VERSION, "id": change.id, **row}
