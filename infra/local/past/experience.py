"""The history of user experience: ticks of telemetry_rollup for past hours, over a web log in memory.

The web log repeats (see `replay.weblog`), so an hour is computed once for all hours at the same place of a cycle.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import numpy as np

from core.events import Tick
from core.experience import ExperienceSummary
from functions.bi_rollup.satisfaction import ExperienceTotals
from functions.telemetry_rollup.rollup import NAME, Outside, roll_up
from infra.local.past.metrics import PastMetrics
from infra.local.prometheus import HistoryPoint
from infra.local.replay.weblog import FIRST, HOURS, Weblog

_CYCLE = timedelta(hours=HOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of a browser, as a row of `telemetry.experience`."""

    event_id: str
    observed_at: datetime
    service: str
    session_id: str
    device: str
    kind: str
    value: float | None = None
    failed: bool | None = None


class MemoryReports:
    """The port `Reports` over rows in memory, by the rules of `summaries.sql`.

    Args:
        reports: in any order, with duplicates.
    """

    def __init__(self, reports: Iterable[Report]) -> None:
        self._reports = sorted(reports, key=lambda report: report.observed_at)

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by service and kind of device, those with the most sessions first."""
        first: dict[str, Report] = {}
        for report in self._reports:
            if since <= report.observed_at < end:
                first.setdefault(report.event_id, report)
        groups: Mapping[tuple[str, str], list[Report]] = defaultdict(list)
        for report in first.values():
            groups[report.service, report.device].append(report)
        summaries = [_summary(*key, rows, start) for key, rows in groups.items() if rows[-1].observed_at >= start]
        return sorted(summaries, key=lambda row: (-row.sessions, row.service, row.device))[:most]


class WeblogReports:
    """The port `Reports` over a repeating web log."""

    def __init__(self, weblog: Weblog) -> None:
        self._weblog = weblog
        self._failed = np.concatenate([[0], np.cumsum(weblog.failed)])
        self._summaries: dict[tuple[timedelta, ...], list[ExperienceSummary]] = {}

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by kind of device, those with the most sessions first."""
        place = ((end - FIRST) % _CYCLE, end - start, end - since)
        if place not in self._summaries:
            messages = self._weblog.messages(since, end)
            reports = MemoryReports(msgspec.json.decode(message.data, type=Report) for message in messages)
            self._summaries[place] = reports.summaries(since, start, end, len(self._weblog.devices))
        return self._summaries[place][:most]

    def totals(self, since: datetime, until: datetime) -> list[ExperienceTotals]:
        """Reports after `since` and up to `until`; the log has requests only."""
        (requests, failures), (earlier, failed) = self._until(until), self._until(since)
        totals = ExperienceTotals(requests=requests - earlier, failures=failures - failed, loads=0, load_seconds=None)
        return [totals]

    def _until(self, at: datetime) -> tuple[int, int]:
        """Requests, and those that failed, from the first cycle up to an instant."""
        cycles, within = divmod(at - FIRST, _CYCLE)
        count = int(np.searchsorted(self._weblog.seconds, within.total_seconds(), side="right"))
        return cycles * len(self._weblog.failed) + count, int(cycles * self._failed[-1] + self._failed[count])


def experience_points(weblog: Weblog, instants: Iterable[datetime]) -> list[HistoryPoint]:
    """The points of ticks of telemetry_rollup.

    Args:
        weblog: the web log.
        instants: of the ticks; each measures the hour before it.
    """
    metrics = PastMetrics()
    outside = Outside(reports=WeblogReports(weblog), metrics=metrics)
    for at in instants:
        roll_up(Tick(job=NAME, scheduled_at=at), outside)
    return metrics.take()


def _summary(service: str, device: str, reports: Sequence[Report], start: datetime) -> ExperienceSummary:
    """The summary of one service on one kind of device; sessions with their whole duration."""
    sessions: Mapping[str, list[datetime]] = defaultdict(list)
    for report in reports:
        sessions[report.session_id].append(report.observed_at)
    active = [times for times in sessions.values() if times[-1] >= start]
    durations = [_milliseconds(times[-1] - times[0]) / 1000 for times in active if len(times) > 1]
    recent = [report for report in reports if report.observed_at >= start]
    frames, loads = (_values(recent, kind) for kind in ("frame", "load"))
    requests = [report.failed for report in recent if report.kind == "request" and report.failed is not None]
    return ExperienceSummary(
        service=service,
        device=device,
        sessions=len(active),
        timed=len(durations),
        session_seconds=_percentile(durations, 50),
        frames=len(frames),
        frame_seconds=_percentile(frames, 95),
        loads=len(loads),
        load_seconds=_percentile(loads, 75),
        requests=len(requests),
        failures=sum(requests),
    )


def _values(reports: Iterable[Report], kind: str) -> list[float]:
    return [report.value for report in reports if report.kind == kind and report.value is not None]


def _percentile(values: Collection[float], share: float) -> float | None:
    return float(np.percentile(np.array([*values]), share)) if values else None


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
