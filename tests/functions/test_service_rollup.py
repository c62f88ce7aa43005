"""service_rollup by ticks: what it writes and sets, again and late; and the metrics of operations and agents."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import UnavailableError
from core.events import Tick
from core.settings import OpenTelemetry, Settings
from core.telemetry.application_metrics import ApplicationMetric, application_readings
from core.telemetry.summary import AgentTasks, Operations, agent_readings, limit_readings, service_readings
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.service_rollup.main import build
from functions.service_rollup.rollup import METRICS, NAME, RECENT, TASKS, WRITE
from tests.support.fakes.ports import MemoryPorts, posted, push
from tests.support.fakes.recorders import RecordingMetrics

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROW: Data = {
    "service": "shop",
    "operation": "request",
    "name": "/a",
    "calls": 300.0,
    "failures": 30.0,
    "timeouts": 0.0,
    "other_services": 0,
    "other_names": 7,
    "buckets": [{"bucket": 0, "n": 290.0}, {"bucket": 8, "n": 10.0}],
}
TASK: Data = {
    "service": "travel",
    "agent": "planner",
    "tasks": 40,
    "failures": 4,
    "loops": 2,
    "handoffs": 60,
    "tokens": 8000,
    "priced": 10,
    "dollars": 2.5,
}

MEMORY: Data = {
    "service": "shop",
    "metric": "process.memory.usage",
    "is_counter": False,
    "series": 2,
    "total": 6.0,
    "highest": 4.0,
    "known": 7,
}
RISES: Data = MEMORY | {"metric": "jobs", "is_counter": True, "total": 150.0, "highest": None}


@dataclass
class World:
    """A warehouse with answers."""

    asked: list[tuple[str, Data]] = field(default_factory=list)
    fault: Exception | None = None
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        if self.fault:
            raise self.fault
        self.asked.append((sql, parameters))
        return {WRITE: [], RECENT: [ROW], TASKS: [TASK], METRICS: [MEMORY, RISES]}[sql]

    def tick(self, at: datetime = AT) -> int:
        settings = Settings(jobs={}, opentelemetry=OpenTelemetry(services=3, names=2, loop=5))
        ports = MemoryPorts(function=NAME, warehouse=self, metrics=self.metrics, settings=settings)  # type: ignore[arg-type] # no appends
        return build(ports)(posted(push(encode(Tick(job=NAME, scheduled_at=at)))))[1]

    def measured(self) -> dict[tuple[str, ...], float]:
        return {key: one for key, one in self.metrics.values.items() if not key[0].startswith("aia_function_")}


def test_a_tick_writes_the_look_back_and_measures_the_minutes_that_are_complete() -> None:
    world = World()
    assert world.tick() == 204
    (_, written), (_, recent), (_, tasks), (_, metrics) = world.asked
    assert written == {
        "since": AT - 15 * MINUTE,
        "until": AT,
        "before": AT - 25 * MINUTE,
        "most_services": 3,
        "most_names": 2,
    }
    assert recent == {"start": AT - 6 * MINUTE, "end": AT - MINUTE, "most": 1000}
    assert tasks == {
        "since": AT - 76 * MINUTE,
        "start": AT - 16 * MINUTE,
        "end": AT - MINUTE,
        "loop": 5,
        "most": 200,
    }
    assert metrics == {
        "before": AT - 16 * MINUTE,
        "start": AT - 6 * MINUTE,
        "end": AT - MINUTE,
        "most_services": 3,
        "most_names": 2,
        "most": 500,
    }
    found = world.measured()
    assert found["aia_service_metric_value", "process.memory.usage", "shop", "mean"] == 3.0
    assert found["aia_service_metric_per_second", "jobs", "shop"] == 0.5
    assert found["aia_telemetry_unnamed", "metrics"] == 5
    assert found["aia_service_requests_per_second", "/a", "request", "shop"] == 1.0
    assert found["aia_service_error_ratio", "all", "request", "shop"] == 0.1
    assert found["aia_telemetry_unnamed", "names"] == 7
    assert found["aia_agent_dollars_per_task", "planner", "travel"] == 0.25
    assert found["aia_heartbeat_timestamp_seconds", NAME] == AT.timestamp()


def test_the_same_tick_again_and_an_older_one_ask_for_their_own_minutes() -> None:
    world = World()
    world.tick()
    before = world.measured()
    world.tick()
    assert world.measured() == before
    assert world.asked[:4] == world.asked[4:]
    world.tick(AT - MINUTE)
    assert world.asked[8][1]["until"] == AT - MINUTE


def test_without_the_warehouse_the_tick_comes_again() -> None:
    world = World(fault=UnavailableError("BigQuery does not answer"))
    assert world.tick() == 503
    assert world.measured() == {}


@pytest.mark.parametrize("total", [float("nan"), float("inf")])
def test_a_level_that_is_no_number_is_not_measured(total: float) -> None:
    found = application_readings([ApplicationMetric(**MEMORY | {"total": total})], seconds=300)
    assert {(name, labels.get("statistic")): value for name, value, labels in found} == {
        ("aia_telemetry_unnamed", None): 6,
        ("aia_service_metric_value", "max"): 4,
    }


def readings(*rows: Operations, minimum: int = 20) -> dict[tuple[str, ...], float]:
    found = service_readings(rows, seconds=300, minimum=minimum)
    return {(name, *labels.values()): value for name, value, labels in found}


def operations(calls: float, failures: float = 0, **given: Any) -> Operations:
    values = {"service": "shop", "operation": "request", "name": "/a", "timeouts": 0.0, "buckets": {0: calls}}
    return Operations(**values | given, calls=calls, failures=failures)


def test_routes_of_a_service_are_merged() -> None:
    fast, slow = operations(96, 4), operations(4, 1, name="/b", buckets={40: 4})
    found = readings(fast, slow)
    assert found["aia_service_error_ratio", "shop", "request", "all"] == 0.05
    assert found["aia_service_latency_seconds", "shop", "request", "all", "95"] == pytest.approx(1.043, rel=0.001)
    assert found["aia_service_latency_seconds", "shop", "request", "all", "99"] == pytest.approx(33.4, rel=0.001)
    assert ("aia_service_error_ratio", "shop", "request", "/b") not in found


def test_of_few_operations_only_their_rate_is_known() -> None:
    assert set(readings(operations(19, 19))) == {
        ("aia_service_requests_per_second", "shop", "request", "/a"),
        ("aia_service_requests_per_second", "shop", "request", "all"),
    }


def test_queries_have_a_share_of_timeouts() -> None:
    found = readings(operations(100, 5, operation="database", name="neo4j/MATCH", timeouts=4.0))
    assert found["aia_service_timeout_ratio", "shop", "database", "neo4j/MATCH"] == 0.04
    assert not any("all" in key for key in found)


def test_of_few_tasks_and_of_tasks_without_a_price_what_is_not_known_is_not_said() -> None:
    few = AgentTasks(**TASK | {"tasks": 4, "priced": 0, "dollars": None})
    found = {name: value for name, value, _ in agent_readings([few], minimum=20)}
    assert found == {
        "aia_agent_tasks": 4,
        "aia_agent_looping_tasks": 2,
        "aia_agent_handoffs_per_task": 15,
        "aia_agent_tokens_per_task": 2000,
    }


def test_without_operations_nothing_is_beyond_a_limit() -> None:
    assert [value for _, value, _ in limit_readings([])] == [0, 0]
