"""Ports that remember what they were given, and fail when they are told to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import UnavailableError
from core.events import Event, Finding
from core.metrics import MetricKind, check


@dataclass
class RecordingBus:
    """Keeps events instead of publishing them."""

    events: list[Event] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, event: Event, **_: str) -> None:
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        self.events.append(event)

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        for event in events:
            self.publish(topic, event)

    def findings(self, kind: str) -> list[Finding]:
        """The findings of that kind, in the order they were published."""
        return [event for event in self.events if isinstance(event, Finding) and event.kind == kind]


@dataclass
class RecordingMetrics:
    """Keeps the newest value of every series, and refuses what the catalogue does not have."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        check(name, MetricKind.GAUGE, labels)
        self.values[name, *(labels[key] for key in sorted(labels))] = value

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        check(name, MetricKind.COUNTER, labels)
        key = (name, *(labels[key] for key in sorted(labels)))
        self.values[key] = self.values.get(key, 0.0) + by

    def flush(self) -> None: ...
