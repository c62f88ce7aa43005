"""One tick: the minutes of the look-back are written anew, and the newest ones become metrics.

Nothing is claimed: the same tick writes the same minutes, and sets the same gauges of the same instant, again. An item that comes
within the look-back is counted by the next tick, a later one never.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.events import Tick
from core.settings import OpenTelemetry
from core.telemetry.application_metrics import ApplicationMetric, application_readings
from core.telemetry.summary import (
    AgentTasks,
    Operations,
    Reading,
    agent_readings,
    limit_readings,
    service_readings,
)
from functions.adapters.ports import Data, Metrics, Warehouse

NAME = "service_rollup"
_FOLDER = Path(__file__).parent
WRITE = (_FOLDER / "write_service_minutes.sql").read_text()
RECENT = (_FOLDER / "recent_operations.sql").read_text()
TASKS = (_FOLDER / "agent_tasks.sql").read_text()
METRICS = (_FOLDER / "application_metrics.sql").read_text()
LOOK_BACK = timedelta(minutes=15)
"""How late an item may come."""
RUN = timedelta(minutes=10)
"""How far apart the points of a cumulative metric may be."""
LATE = timedelta(minutes=1)
"""How long items are waited for before they become a metric."""
WINDOW, TASK_WINDOW = timedelta(minutes=5), timedelta(minutes=15)
"""How much becomes a metric: of operations, and of tasks of agents."""
LONGEST_TASK = timedelta(hours=1)
"""How far back the spans of a task are searched."""
MOST, MOST_AGENTS, MOST_METRICS = 1000, 200, 500
"""Kinds and names of operations, agents, and metrics of applications that become metrics, the busiest first: each is some series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of the function."""

    warehouse: Warehouse
    metrics: Metrics
    policy: OpenTelemetry


def roll_up(tick: Tick, outside: Outside) -> None:
    """Write the minutes before a tick, and measure; idempotent, also for an old tick.

    Raises:
        UnavailableError: the warehouse does not answer.
        QueryError: a table is missing.
    """
    at = tick.scheduled_at
    write_minutes(outside.warehouse, outside.policy, at)
    publish(outside.metrics, _services(outside, at), at)
    publish(outside.metrics, _agents(outside, at), at)
    publish(outside.metrics, _applications(outside, at), at)


def write_minutes(warehouse: Warehouse, policy: OpenTelemetry, at: datetime) -> None:
    """Write the whole minutes before an instant into the mart."""
    until = at.replace(second=0, microsecond=0)
    since = until - LOOK_BACK
    warehouse.query(
        WRITE, since=since, until=until, before=since - RUN, most_services=policy.services, most_names=policy.names
    )


def recent(warehouse: Warehouse, at: datetime) -> list[Operations]:
    """Operations of the newest minutes, by the mart."""
    end = at.replace(second=0, microsecond=0) - LATE
    rows = warehouse.query(RECENT, start=end - WINDOW, end=end, most=MOST)
    return [Operations(**row | {"buckets": _buckets(row)}) for row in rows]


def tasks(warehouse: Warehouse, at: datetime, loop: int) -> list[AgentTasks]:
    """Tasks of agents that ended lately."""
    end = at - LATE
    start = end - TASK_WINDOW
    rows = warehouse.query(TASKS, since=start - LONGEST_TASK, start=start, end=end, loop=loop, most=MOST_AGENTS)
    return [AgentTasks(**row) for row in rows]


def application_metrics(warehouse: Warehouse, policy: OpenTelemetry, at: datetime) -> list[ApplicationMetric]:
    """What the other metrics of applications were in the newest minutes."""
    end = at.replace(second=0, microsecond=0) - LATE
    start = end - WINDOW
    rows = warehouse.query(
        METRICS,
        before=start - RUN,
        start=start,
        end=end,
        most_services=policy.services,
        most_names=policy.names,
        most=MOST_METRICS,
    )
    return [ApplicationMetric(**row) for row in rows]


def publish(metrics: Metrics, readings: Iterable[Reading], at: datetime) -> None:
    """Set gauges about an instant."""
    for name, value, labels in readings:
        metrics.gauge(name, value, at=at, **labels)


def _services(outside: Outside, at: datetime) -> Iterable[Reading]:
    rows = recent(outside.warehouse, at)
    minimum = outside.policy.minimum_operations
    yield from limit_readings(rows)
    yield from service_readings(rows, seconds=WINDOW.total_seconds(), minimum=minimum)


def _agents(outside: Outside, at: datetime) -> Iterable[Reading]:
    found = tasks(outside.warehouse, at, outside.policy.loop)
    yield from agent_readings(found, minimum=outside.policy.minimum_operations)


def _applications(outside: Outside, at: datetime) -> Iterable[Reading]:
    found = application_metrics(outside.warehouse, outside.policy, at)
    return application_readings(found, seconds=WINDOW.total_seconds())


def _buckets(row: Data) -> dict[int, float]:
    return {part["bucket"]: part["n"] for part in row["buckets"] or ()}
