"""Metrics of the history: gauges that the functions set at past ticks, as points."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from core.metrics import MetricKind, check
from functions.adapters.ports import Clock
from infra.local.prometheus import HistoryPoint


@dataclass(slots=True)
class PastMetrics:
    """The port `Metrics`, which records every gauge with an instant.

    Counters are left out: in the past that is computed, no function ran. That is why there are no heartbeats either:
    they come from the runtime of the functions.

    Attributes:
        clock: the instant of gauges that name none; without it such a gauge is refused.
        points: in the order in which they were set.
    """

    clock: Clock | None = None
    points: list[HistoryPoint] = field(default_factory=list)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        """Keep a value; one that is no number is dropped, as by the metrics of now.

        Raises:
            ValueError: the catalogue has no such gauge, or it is not known what instant it is about.
        """
        check(name, MetricKind.GAUGE, labels)
        at = at or (self.clock() if self.clock else None)
        if at is None:
            raise ValueError(f"{name}: at must be given for a point of the past, got nothing")
        if math.isfinite(value):
            self.points.append(HistoryPoint(name=name, labels=labels, at=at, value=float(value)))

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:  # noqa: ARG002 - the port's signature
        """Keep nothing."""
        check(name, MetricKind.COUNTER, labels)

    def flush(self) -> None:
        """Send nothing."""

    def take(self) -> list[HistoryPoint]:
        """The points recorded since the last call."""
        taken, self.points = self.points, []
        return taken
