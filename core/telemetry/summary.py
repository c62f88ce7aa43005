"""Metrics of services and of agents from some minutes of operations; no ratio or percentile of too few."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from core.telemetry.buckets import Buckets, merged, quantile

ALL = "all"
"""In the place of a name: all requests of a service."""
PERCENTILES: Mapping[str, float] = {"50": 0.5, "95": 0.95, "99": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Operations of one kind and name of a service.

    Attributes:
        service: the service.
        operation: the kind.
        name: the name.
        calls: their number.
        failures: those that failed.
        timeouts: those that timed out.
        buckets: their durations in seconds.
        other_services: services that these stand for, where they are those of `other`.
        other_names: names that these stand for.
    """

    service: str
    operation: str
    name: str
    calls: float
    failures: float
    timeouts: float
    buckets: Buckets = field(default_factory=dict)
    other_services: int = 0
    other_names: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTasks:
    """Tasks of an agent.

    Attributes:
        service: of the agent.
        agent: its name.
        tasks: their number.
        failures: those that failed.
        loops: those in which one tool was called too often.
        handoffs: calls of further agents.
        tokens: of all calls of models.
        priced: tasks whose cost is known.
        dollars: what those cost; None where there are none.
    """

    service: str
    agent: str
    tasks: int
    failures: int
    loops: int
    handoffs: int
    tokens: int
    priced: int
    dollars: float | None


class Reading(NamedTuple):
    """A value of a metric."""

    name: str
    value: float
    labels: Mapping[str, str]


def service_readings(rows: Sequence[Operations], *, seconds: float, minimum: int) -> Iterator[Reading]:
    """The metrics of operations, and of all requests of each service.

    Args:
        rows: each kind and name of a service once.
        seconds: how long they took place.
        minimum: operations that a ratio and a percentile need.

    Examples:
        >>> slow = Operations(service="shop", operation="request", name="/a", calls=60, failures=3, timeouts=0, buckets={7: 60})
        >>> [(one.name[12:], round(one.value, 3)) for one in service_readings([slow], seconds=60, minimum=20)][:3]
        [('requests_per_second', 1.0), ('error_ratio', 0.05), ('latency_seconds', 1.913)]
    """
    for one in (*rows, *_services(rows)):
        yield from _readings(one, seconds, minimum)


def agent_readings(rows: Iterable[AgentTasks], *, minimum: int) -> Iterator[Reading]:
    """The metrics of agents; ratios only of enough tasks, and no dollars where they are not known."""
    for one in rows:
        labels = {"service": one.service, "agent": one.agent}
        yield Reading("aia_agent_tasks", float(one.tasks), labels)
        yield Reading("aia_agent_looping_tasks", float(one.loops), labels)
        yield Reading("aia_agent_handoffs_per_task", one.handoffs / one.tasks, labels)
        yield Reading("aia_agent_tokens_per_task", one.tokens / one.tasks, labels)
        if one.tasks >= minimum:
            yield Reading("aia_agent_failure_ratio", one.failures / one.tasks, labels)
        if one.priced and one.dollars is not None:
            yield Reading("aia_agent_dollars_per_task", one.dollars / one.priced, labels)


def limit_readings(rows: Iterable[Operations]) -> Iterator[Reading]:
    """How many services and names are measured together as `other`."""
    known = list(rows)
    for limit, counts in (
        ("services", [one.other_services for one in known]),
        ("names", [one.other_names for one in known]),
    ):
        yield Reading("aia_telemetry_unnamed", float(max(counts, default=0)), {"limit": limit})


def _services(rows: Iterable[Operations]) -> Iterator[Operations]:
    """All requests of each service."""
    requests = sorted((one for one in rows if one.operation == "request"), key=lambda one: one.service)
    for service, group in groupby(requests, key=lambda one: one.service):
        parts = list(group)
        yield Operations(
            service=service,
            operation="request",
            name=ALL,
            calls=sum(one.calls for one in parts),
            failures=sum(one.failures for one in parts),
            timeouts=sum(one.timeouts for one in parts),
            buckets=merged(one.buckets for one in parts),
        )


def _readings(one: Operations, seconds: float, minimum: int) -> Iterator[Reading]:
    labels = {"service": one.service, "operation": one.operation, "detail": one.name}
    yield Reading("aia_service_requests_per_second", one.calls / seconds, labels)
    if one.calls < minimum:
        return
    yield Reading("aia_service_error_ratio", min(one.failures / one.calls, 1.0), labels)
    for percentile, share in PERCENTILES.items():
        found = quantile(one.buckets, share)
        if found is not None:
            yield Reading("aia_service_latency_seconds", found, labels | {"percentile": percentile})
    if one.operation == "database":
        yield Reading("aia_service_timeout_ratio", min(one.timeouts / one.calls, 1.0), labels)
