"""The past of what people see: telemetry_rollup's own ticks for past hours, over a web log in memory.

The web log comes round again and again (see `replay.weblog`), every time the same, so that an hour is measured once for all
hours at the same place of a turn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import numpy as np

from core.events import Tick
from core.experience import Seen
from functions.bi_rollup.ports import PeopleSaw
from functions.telemetry_rollup.rollup import NAME, Outside, roll_up
from infra.local.past.metrics import PastMetrics
from infra.local.prometheus import HistoryPoint
from infra.local.replay.weblog import FIRST, HOURS, Weblog

_TURN = timedelta(hours=HOURS)


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
    """The port `Reports` over rows that are there, by the rules of `seen.sql`.

    Args:
        reports: in any order, any of them more than once.
    """

    def __init__(self, reports: Iterable[Report]) -> None:
        self._reports = sorted(reports, key=lambda report: report.observed_at)

    def seen(self, since: datetime, start: datetime, end: datetime, most: int) -> list[Seen]:
        """What was seen before `end`, by service and kind of device, those with the most sessions first."""
        first: dict[str, Report] = {}
        for one in self._reports:
            if since <= one.observed_at < end:
                first.setdefault(one.event_id, one)
        groups: Mapping[tuple[str, str], list[Report]] = defaultdict(list)
        for one in first.values():
            groups[one.service, one.device].append(one)
        found = [_seen(*key, reports, start) for key, reports in groups.items() if reports[-1].observed_at >= start]
        return sorted(found, key=lambda one: (-one.sessions, one.service, one.device))[:most]


class WeblogReports:
    """The port `Reports` over a web log that comes round again and again."""

    def __init__(self, weblog: Weblog) -> None:
        self._weblog = weblog
        self._failed = np.concatenate([[0], np.cumsum(weblog.failed)])
        self._seen: dict[tuple[timedelta, ...], list[Seen]] = {}

    def seen(self, since: datetime, start: datetime, end: datetime, most: int) -> list[Seen]:
        """What was seen before `end`, by kind of device, those with the most sessions first."""
        place = ((end - FIRST) % _TURN, end - start, end - since)
        if place not in self._seen:
            reports = (msgspec.json.decode(one.data, type=Report) for one in self._weblog.messages(since, end))
            self._seen[place] = MemoryReports(reports).seen(since, start, end, len(self._weblog.devices))
        return self._seen[place][:most]

    def people(self, since: datetime, until: datetime) -> PeopleSaw:
        """What people saw after `since` and up to `until`: the log knows requests only."""
        (requests, failures), (earlier, failed) = self._until(until), self._until(since)
        return PeopleSaw(requests=requests - earlier, failures=failures - failed, loads=0, load_seconds=None)

    def _until(self, at: datetime) -> tuple[int, int]:
        """Requests, and those that failed, from the first turn up to an instant."""
        turns, within = divmod(at - FIRST, _TURN)
        count = int(np.searchsorted(self._weblog.seconds, within.total_seconds(), side="right"))
        return turns * len(self._weblog.failed) + count, int(turns * self._failed[-1] + self._failed[count])


def experience_points(weblog: Weblog, instants: Iterable[datetime]) -> list[HistoryPoint]:
    """The points of ticks of telemetry_rollup.

    Args:
        weblog: that was there all the time.
        instants: of the ticks; each measures the hour before it.
    """
    metrics = PastMetrics()
    outside = Outside(reports=WeblogReports(weblog), metrics=metrics)
    for at in instants:
        roll_up(Tick(job=NAME, scheduled_at=at), outside)
    return metrics.take()


def _seen(service: str, device: str, reports: Sequence[Report], start: datetime) -> Seen:
    """What was seen of one service on one kind of device; sessions with their whole length."""
    sessions: Mapping[str, list[datetime]] = defaultdict(list)
    for one in reports:
        sessions[one.session_id].append(one.observed_at)
    there = [times for times in sessions.values() if times[-1] >= start]
    lengths = [_milliseconds(times[-1] - times[0]) / 1000 for times in there if len(times) > 1]
    recent = [one for one in reports if one.observed_at >= start]
    frames, loads = (_values(recent, kind) for kind in ("frame", "load"))
    requests = [one.failed for one in recent if one.kind == "request" and one.failed is not None]
    return Seen(
        service=service,
        device=device,
        sessions=len(there),
        timed=len(lengths),
        session_seconds=_percentile(lengths, 50),
        frames=len(frames),
        frame_seconds=_percentile(frames, 95),
        loads=len(loads),
        load_seconds=_percentile(loads, 75),
        requests=len(requests),
        failures=sum(requests),
    )


def _values(reports: Iterable[Report], kind: str) -> list[float]:
    return [one.value for one in reports if one.kind == kind and one.value is not None]


def _percentile(values: Collection[float], share: float) -> float | None:
    return float(np.percentile(np.array([*values]), share)) if values else None


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
