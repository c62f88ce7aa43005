"""What probes measure besides the latency, and the limits of it: the keys of `expect` of the same name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from core.health.result import ProbeResult
from core.settings import Probe
from core.text import number


class Measure(NamedTuple):
    """One thing that is measured.

    Attributes:
        name: as in `expect`.
        metric: the metric that it becomes.
        unit: of the value.
        title: for people.
        minimum: whether the limit is the least value; else it is the greatest.
    """

    name: str
    metric: str
    unit: str
    title: str
    minimum: bool = False


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        one.name: one
        for one in (
            Measure("replication_lag", "aia_probe_replication_lag_seconds", "seconds", "replication lag"),
            Measure("connections", "aia_probe_connections_ratio", "ratio", "share of connections in use"),
            Measure("memory", "aia_probe_memory_ratio", "ratio", "share of memory in use"),
            Measure("hit_ratio", "aia_probe_hit_ratio", "ratio", "hit ratio", minimum=True),
            Measure("age", "aia_probe_age_seconds", "seconds", "age"),
            Measure("messages", "aia_probe_backlog_messages", "messages", "messages"),
        )
    }
)
"""All measures, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A value beside its limit."""

    measure: Measure
    value: float
    limit: float

    @property
    def exceeded(self) -> bool:
        """Whether it is beyond the limit."""
        return self.value < self.limit if self.measure.minimum else self.value > self.limit

    @property
    def excess(self) -> float:
        """How many times the limit the value is, or the value the limit where that is the least value."""
        above, below = (self.limit, self.value) if self.measure.minimum else (self.value, self.limit)
        return above / below if below else float("inf") if above else 0.0

    @property
    def text(self) -> str:
        """The value and the limit, for people."""
        bound = "at least" if self.measure.minimum else "at most"
        limit, value = (number(one, self.measure.unit) for one in (self.limit, self.value))
        return f"the {self.measure.title} must be {bound} {limit}, got {value}"


def compared(probe: Probe, result: ProbeResult) -> Iterator[Compared]:
    """What was measured and has a limit; a limit whose value is not known is left out."""
    for name, value in result.measures.items():
        limit = getattr(probe.expect, name, None)
        if isinstance(limit, timedelta):
            limit = limit.total_seconds()
        if limit is not None:
            yield Compared(measure=MEASURES[name], value=value, limit=limit)


def worst(probe: Probe, result: ProbeResult) -> Compared | None:
    """The value that is furthest beyond its limit, or nearest to it; None where none has a limit."""
    return max(compared(probe, result), key=lambda one: (one.exceeded, one.excess), default=None)


def is_good(probe: Probe, result: ProbeResult) -> bool:
    """Whether a check counts as good for the objective: the target is up, and within every limit of `expect`."""
    latency = probe.expect.latency
    in_time = latency is None or result.latency <= latency.total_seconds()
    return result.ok and in_time and not any(one.exceeded for one in compared(probe, result))
