"""Written descriptors and time series, in memory."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.metrics import RESOURCE_LABELS
from infra.local.monitoring import rules
from infra.local.monitoring.pb import MetricDescriptor, Pb
from infra.local.monitoring.rules import Interval

STALE = timedelta(minutes=5)
"""How long a value stands: PromQL's look-back."""

_POINTS_KEPT = 2000
_NEVER = timedelta(days=1)

Key = tuple[Any, ...]
T = TypeVar("T")


@dataclass(slots=True)
class Series:
    """One time series and its newest points.

    Attributes:
        project: that it belongs to.
        pb: metric, resource, kind and type, as they were written.
        points: oldest first; the newest 2,000.
        last: the interval of the newest point.
        value: of the newest point.
        is_late: whether the newest point was out of sight already when it was written, or before anybody read it.
        seen: whether the newest point has been read while it was in sight.
        first_read_at: when the series was first read since it came (back) into sight, or since a late point; None
            before.
        before: the value of a counter before its first point here: 0 for a new one.
    """

    project: str
    pb: Pb
    last: Interval
    value: float
    before: float = 0.0
    is_late: bool = False
    seen: bool = False
    first_read_at: datetime | None = None
    points: deque[Pb] = field(default_factory=lambda: deque(maxlen=_POINTS_KEPT))

    def add(self, point: Pb, now: datetime) -> None:
        """Keep the newest point."""
        given, value = rules.interval(point), number(point)
        self.is_late, self.seen = now - given.end > STALE, False
        if given.start != self.last.start and self.is_counter:
            self.before, self.first_read_at = 0.0, None
        elif now - self.last.end > STALE or self.is_late:
            self.before, self.first_read_at = self.value, None
        self.last, self.value = given, value
        self.points.append(point)

    def is_in_sight(self, now: datetime) -> bool:
        """Whether a reading shows the newest point, which counts as read then.

        A gauge that nobody read in time is shown for five minutes from its first reading on.
        """
        if now - self.last.end <= STALE:
            self.seen = True
            return True
        if self.is_counter:
            return False
        if not (self.seen or self.is_late):
            self.is_late, self.first_read_at = True, None
        return self.is_late and self.read_for(now) < STALE

    def read_for(self, now: datetime) -> timedelta:
        """How long the series has been read, now included, since it came into sight."""
        self.first_read_at = self.first_read_at or now
        return now - self.first_read_at

    @property
    def is_counter(self) -> bool:
        """Whether values accumulate."""
        return bool(rules.metric_kind(self.pb) == MetricDescriptor.MetricKind.CUMULATIVE)

    @property
    def name(self) -> str:
        """The Prometheus name of the metric."""
        return str(self.pb.metric.type).split("/")[1]

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the resource and of the metric, as PromQL sees them: an empty one is absent."""
        own = {"project_id": self.project, **self.pb.resource.labels, **self.pb.metric.labels}
        return {key: value for key, value in own.items() if value}


def number(point: Pb) -> float:
    """The value of a point as a float."""
    return float(getattr(point.value, point.value.WhichOneof("value")))


class Written:
    """Everything that has been written; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[Key, Series] = {}
        self._descriptors: dict[tuple[str, str], Pb] = {}

    def write(self, project: str, request: list[Pb], now: datetime) -> list[str]:
        """Write the series that may be written.

        Returns:
            For each series of the request why it was refused, or nothing.
        """
        seen: set[Key] = set()
        with self._lock:
            return [self._write(project, index, given, now, seen) for index, given in enumerate(request)]

    def _write(self, project: str, index: int, given: Pb, now: datetime, seen: set[Key]) -> str:
        key = _key(project, given)
        if key in seen:
            why = "Duplicate TimeSeries encountered. Only one point can be written per TimeSeries per request."
            return f"Field timeSeries[{index}] had an invalid value: {why}"
        seen.add(key)
        kept, known = self._series.get(key), self._descriptors.get((project, given.metric.type))
        why = rules.refusal(given, project, now, known, kept.last if kept else None)
        if not why:
            self._describe(project, given)
            self._keep(key, project, given, now)
        return why

    def _keep(self, key: Key, project: str, given: Pb, now: datetime) -> None:
        point = given.points[0]
        if key not in self._series:
            head = type(given)(metric=given.metric, resource=given.resource)
            head.metric_kind, head.value_type = rules.metric_kind(given), rules.value_type(given)
            head.resource.labels["project_id"] = project
            nothing_yet = Interval(rules.interval(point).start, now - _NEVER)
            self._series[key] = Series(project, head, nothing_yet, 0.0)
        self._series[key].add(point, now)

    def _describe(self, project: str, given: Pb) -> None:
        name = f"projects/{project}/metricDescriptors/{given.metric.type}"
        fresh = MetricDescriptor(name=name, type=given.metric.type, display_name=given.metric.type.split("/")[1])
        known = self._descriptors.setdefault((project, given.metric.type), fresh)
        known.metric_kind = rules.metric_kind(given)
        known.value_type = rules.value_type(given)
        known.unit = known.unit or given.unit
        known.description = known.description or given.description
        have = {label.key for label in known.labels}
        for label in sorted(set(given.metric.labels) - have):
            known.labels.add(key=label)

    def descriptors(self, project: str) -> list[Pb]:
        """The descriptors of a project, by type."""
        with self._lock:
            keys = sorted(key for key in self._descriptors if key[0] == project)
            return [_copy(self._descriptors[key]) for key in keys]

    def read(self, look: Callable[[Iterable[Series]], T]) -> T:
        """What `look` finds in the series, by name and labels; nothing is written while it looks."""
        with self._lock:
            return look([self._series[key] for key in sorted(self._series)])


def _copy(descriptor: Pb) -> Pb:
    copy = MetricDescriptor()
    copy.CopyFrom(descriptor)
    return copy


def _key(project: str, given: Pb) -> Key:
    resource = tuple(given.resource.labels.get(label, "") for label in RESOURCE_LABELS if label != "project_id")
    return (project, given.metric.type, resource, tuple(sorted(given.metric.labels.items())))
