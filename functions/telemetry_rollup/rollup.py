"""One tick: metrics from the browser reports of the last hour.

Nothing is claimed or stored: the same tick sets the same gauges of the same instant again, and late reports are part of the next
tick's hour.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from core.events import Tick
from core.experience import ExperienceSummary, experience_metrics
from functions.adapters.ports import Metrics, Warehouse

SUMMARIES = (Path(__file__).parent / "summaries.sql").read_text()
log = logging.getLogger(__name__)
NAME = "telemetry_rollup"
WINDOW = timedelta(hours=1)
LONGEST_SESSION = timedelta(hours=6)
"""How far back the first report of a session is searched."""
MOST = 200
"""Services by devices, those with the most sessions first: a client can invent services, and each is a series."""


class Reports(Protocol):
    """Browser reports."""

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by service and kind of device, those with the most sessions first.

        Args:
            since: how far back the first report of a session is searched.
            start: first instant of the reports that count.
            end: first instant after them.
            most: number of summaries.

        Raises:
            QueryError: the table is missing.
            UnavailableError: the warehouse does not answer.
        """
        ...


class BigQueryReports:
    """The port over the warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by service and kind of device."""
        rows = self._warehouse.query(SUMMARIES, since=since, start=start, end=end, most=most)
        return [ExperienceSummary(**row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of the function."""

    reports: Reports
    metrics: Metrics


def roll_up(tick: Tick, outside: Outside) -> None:
    """Measure the hour before a tick; idempotent, also for an old tick.

    Raises:
        UnavailableError: the warehouse does not answer.
        QueryError: the table is missing.
    """
    at = tick.scheduled_at
    for summary in summaries(outside.reports, at):
        _publish(outside.metrics, summary, at)


def summaries(reports: Reports, at: datetime) -> list[ExperienceSummary]:
    """Summaries of the hour before an instant, by service and kind of device."""
    return reports.summaries(at - LONGEST_SESSION, at - WINDOW, at, MOST)


def _publish(metrics: Metrics, summary: ExperienceSummary, at: datetime) -> None:
    for metric in experience_metrics(summary):
        if metric.value is not None:
            metrics.gauge(metric.name, metric.value, at=at, service=summary.service, device=summary.device)
        elif metric.count:
            log.info("%s of %s on %s: only %d reports", metric.name, summary.service, summary.device, metric.count)
