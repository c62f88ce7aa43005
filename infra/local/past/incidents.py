"""The incidents of the history: the findings of past ticks, folded by the incident service.

They have no notifications, actions or acknowledgements. Incidents that are open at the end of the past are left out:
the newest ticks find them again, and then they are notified and escalated from the first minute on.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

import msgspec
import pyarrow as pa

from core.events import Event, Finding, IncidentChange, Tick
from core.incidents.policy import IncidentPolicy, incident_policy
from core.settings import Settings
from core.settings.people import People
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.incident_router.router import Received, handle
from functions.incident_sweep.sweep import NAME, Sweeper, sweep
from functions.services.incidents.channel_tests import ChannelTests
from functions.services.incidents.delivery import Dispatcher, failing_channels
from functions.services.incidents.documents import INCIDENTS, Silences, usual_revenues
from functions.services.incidents.service import IncidentService
from infra.local.past.metrics import PastMetrics
from infra.local.past.tables import table_of
from infra.local.prometheus import HistoryPoint

CHANGES = "ops.incident_changes"
_SWEPT_AFTER = (timedelta(minutes=5), timedelta(hours=1))
"""When groups are swept after the findings of an instant, to expire conditions."""


_OF_PEOPLE = frozenset({"aia_incident_waiting_seconds", "aia_incidents_unacknowledged"})
"""Metrics of response times: nobody was on call in the history, so they are unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIncidents:
    """The incidents, as documents, rows and points.

    Attributes:
        documents: a copy of each incident, by collection and key, as the pages read them.
        changes: the audit trail.
        points: for the charts: open incidents, their impact per hour, and the time to recovery.
    """

    documents: dict[tuple[str, str], Data]
    changes: pa.Table
    points: list[HistoryPoint]


@dataclass(slots=True)
class _Changes:
    """A bus that records the changes of incidents and drops everything else."""

    kept: list[IncidentChange] = field(default_factory=list)

    def publish(self, topic: str, event: Event, **attributes: str) -> None:  # noqa: ARG002 - the port's signature
        if isinstance(event, IncidentChange):
            self.kept.append(event)

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Records of decisions are not kept: nobody was notified of the past."""


@dataclass(slots=True)
class _Clock:
    """The instant that is being computed."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def past_incidents(findings: Iterable[Finding], settings: Settings, *, start: datetime, end: datetime) -> PastIncidents:
    """Fold findings into incidents.

    Args:
        findings: of the span and of some days around it, so that incidents are complete.
        settings: the settings; people and playbooks are ignored.
        start: incidents that were opened at or after it are included, and points from it on,
        end: and before it, if they are over.
    """
    ordered = sorted(findings, key=lambda finding: finding.observed_at)
    if not ordered:
        return PastIncidents(documents={}, changes=pa.table({}), points=[])
    clock, bus = _Clock(ordered[0].observed_at), _Changes()
    metrics = PastMetrics(clock)
    service = _service(settings, clock, bus, metrics)
    for at, findings_at in groupby(ordered, key=lambda finding: finding.observed_at):
        clock.now = at
        for finding in findings_at:
            handle(service, Received(finding, at))
        for after in _SWEPT_AFTER:
            clock.now = at + after
            sweep(Sweeper(service=service), Tick(job=NAME, scheduled_at=clock.now))
    copies = {document.key: document.data for document in service.store.find(INCIDENTS)}
    kept = {key: data for key, data in copies.items() if not data["open"] and start <= data["opened_at"] < end}
    changes = [_row(change) for change in bus.kept if change.incident_id in kept]
    return PastIncidents(
        documents={(INCIDENTS, key): data for key, data in kept.items()},
        changes=table_of(CHANGES, changes),
        points=[point for point in metrics.take() if start <= point.at < end and point.name not in _OF_PEOPLE],
    )


def _service(settings: Settings, clock: _Clock, bus: _Changes, metrics: PastMetrics) -> IncidentService:
    store = SqliteStore(":memory:")
    ledger = Ledger(store, clock, NAME)
    return IncidentService(
        store=store,
        dispatcher=Dispatcher(store=store, bus=bus, channels={}, metrics=metrics, clock=clock),
        metrics=metrics,
        clock=clock,
        policy=_policy(settings),
        failing=failing_channels(store, clock),
        silences=Silences(store, clock),
        usual=usual_revenues(store, clock),
        channel_tests=ChannelTests(store=store, ledger=ledger, channels={}, kinds={}, url="", clock=clock),
        run_all=lambda deliveries: ([deliver()] for deliver in deliveries),
    )


def _policy(settings: Settings) -> IncidentPolicy:
    policy = incident_policy(settings, os.environ.get("AIA_API_URL", ""), os.environ.get("AIA_RUNBOOKS_URL", ""))
    return replace(policy, people=People(), playbooks=())


def _row(change: IncidentChange) -> Data:
    row: Data = msgspec.to_builtins(change, builtin_types=(datetime,))
    return {"type": change.TYPE, "version": change.VERSION, "id": change.id, **row}
