"""Metrics of the past: what a function sets about an instant becomes a point of the history."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from core.metrics import Kind, check
from infra.local.prometheus import HistoryPoint


@dataclass(slots=True)
class PointMetrics:
    """The `Metrics` port that keeps every gauge as a point; counters are about now, and have no past.

    Attributes:
        points: in the order in which they were set.
    """

    points: list[HistoryPoint] = field(default_factory=list)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        """Keep a point; a value that is no number is dropped, as by the metrics of now.

        Raises:
            ValueError: the catalogue has no such gauge, or no instant is given.
        """
        check(name, Kind.GAUGE, labels)
        if at is None:
            raise ValueError(f"{name}: at must be given for a point of the past, got nothing")
        if math.isfinite(value):
            self.points.append(HistoryPoint(name=name, labels=labels, at=at, value=float(value)))

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:  # noqa: ARG002 - the port's
        """Refuse what the catalogue does not have; nothing is kept."""
        check(name, Kind.COUNTER, labels)

    def flush(self) -> None:
        """Nothing waits to be sent."""
