"""One tick: what browsers reported in the hour before it, as metrics.

Nothing is claimed and nothing kept: the same tick again sets the same gauges about the same instant, and what came late is in
the hour of the next one.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Tick
from core.experience import Seen, measures
from functions.adapters.ports import Metrics
from functions.telemetry_rollup.reports import Reports

log = logging.getLogger(__name__)
NAME = "telemetry_rollup"
WINDOW = timedelta(hours=1)
LONGEST_SESSION = timedelta(hours=6)
"""How far back a session's first report is looked for."""
MOST = 200
"""Services by devices, those with the most sessions first: whoever may report can invent more, and each is a series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the function needs from outside."""

    reports: Reports
    metrics: Metrics


def roll_up(tick: Tick, outside: Outside) -> None:
    """Measure the hour before a tick; safe to call again with the same tick, or an old one.

    Raises:
        UnavailableError: the warehouse does not answer.
        QueryError: the table is missing.
    """
    at = tick.scheduled_at
    for seen in look(outside.reports, at):
        _set(outside.metrics, seen, at)
    outside.metrics.gauge("aia_heartbeat_timestamp_seconds", at.timestamp(), at=at, function=NAME)


def look(reports: Reports, at: datetime) -> list[Seen]:
    """What was seen in the hour before an instant, by service and kind of device."""
    return reports.seen(at - LONGEST_SESSION, at - WINDOW, at, MOST)


def _set(metrics: Metrics, seen: Seen, at: datetime) -> None:
    for one in measures(seen):
        if one.value is not None:
            metrics.gauge(one.name, one.value, at=at, service=seen.service, device=seen.device)
        elif one.count:
            log.info("%s of %s on %s: %s: %d", one.name, seen.service, seen.device, one.reason, one.count)
