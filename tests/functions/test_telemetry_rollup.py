"""telemetry_rollup by push requests: what it sets, again and late, and what faults do to it."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import QueryError, UnavailableError
from core.events import Tick
from core.metrics import MetricKind, check
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.telemetry_rollup.main import build
from functions.telemetry_rollup.rollup import LONGEST_SESSION, MOST, NAME
from tests.support.crash.breaking import KilledError
from tests.support.fakes.ports import MemoryPorts, posted, push

AT = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
ROW: Data = {
    "service": "shop",
    "device": "mobile",
    "sessions": 12,
    "timed": 9,
    "session_seconds": 61.5,
    "frames": 400,
    "frame_seconds": 0.02,
    "loads": 3,
    "load_seconds": 1.5,
    "requests": 50,
    "failures": 1,
}
HEARTBEAT = ("aia_heartbeat_timestamp_seconds", NAME)


@dataclass
class World:
    """A warehouse with an answer, and metrics of the catalogue; either fails or ends where a test wants it."""

    rows: list[Data] = field(default_factory=lambda: [ROW])
    asked: list[Data] = field(default_factory=list)
    gauges: dict[tuple[str, ...], tuple[float, datetime | None]] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)
    fault: Exception | None = None
    killed_after: int = 1000

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        assert "telemetry.experience" in sql
        if self.fault:
            raise self.fault
        self.asked.append(parameters)
        return self.rows

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise AssertionError(f"must not write, wrote {table}: {rows}")

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        check(name, MetricKind.GAUGE, labels)
        if len(self.gauges) >= self.killed_after:
            raise KilledError
        self.gauges[name, *labels.values()] = (value, at)

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        check(name, MetricKind.COUNTER, labels)
        self.outcomes.append(labels["outcome"])

    def flush(self) -> None:
        pass

    def send(self, data: bytes) -> int:
        """Deliver a message; the status of the answer."""
        ports = MemoryPorts(function=NAME, warehouse=self, metrics=self, cron="*/5 * * * *")
        return build(ports)(posted(push(data, "2026-01-02T03:07:12Z")))[1]

    def tick(self, at: datetime = AT) -> int:
        return self.send(encode(Tick(job=NAME, scheduled_at=at)))

    def measured(self) -> dict[tuple[str, ...], tuple[float, datetime | None]]:
        """The gauges but how long the request took, which differs each time."""
        return {key: value for key, value in self.gauges.items() if key[0] != "aia_function_seconds"}


def test_the_hour_before_a_tick_becomes_metrics_about_the_tick() -> None:
    world = World()
    assert world.tick() == 204
    assert world.asked == [
        {"since": AT - LONGEST_SESSION, "start": AT - timedelta(hours=1), "end": AT, "most": MOST},
    ]
    assert world.measured() == {
        ("aia_experience_sessions", "shop", "mobile"): (12.0, AT),
        ("aia_experience_session_seconds", "shop", "mobile"): (61.5, AT),
        ("aia_experience_frame_seconds", "shop", "mobile"): (0.02, AT),
        ("aia_experience_error_ratio", "shop", "mobile"): (0.02, AT),
        HEARTBEAT: (AT.timestamp(), AT),
    }


def test_a_metric_with_too_few_reports_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    World().tick()
    assert "aia_experience_load_seconds of shop on mobile: only 3 reports" in caplog.messages


def test_the_same_tick_again_changes_nothing() -> None:
    world = World()
    world.tick()
    before = world.measured()
    assert world.tick() == 204
    assert world.measured() == before
    assert world.asked[0] == world.asked[1]


def test_a_late_tick_asks_for_its_own_hour() -> None:
    world = World()
    world.tick()
    world.tick(AT - timedelta(minutes=5))
    assert [asked["end"] for asked in world.asked] == [AT, AT - timedelta(minutes=5)]


def test_where_nothing_is_reported_it_is_alive_all_the_same() -> None:
    world = World(rows=[])
    assert world.tick() == 204
    assert world.measured() == {HEARTBEAT: (AT.timestamp(), AT)}


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [
        (UnavailableError("BigQuery does not answer"), 503, "unavailable"),
        (QueryError("BigQuery refused the statement: no such table"), 500, "failed"),
    ],
)
def test_without_the_warehouse_the_tick_comes_again_and_no_heartbeat_is_given(
    fault: Exception, status: int, outcome: str
) -> None:
    world = World(fault=fault)
    assert world.tick() == status
    assert (world.measured(), world.outcomes) == ({}, [outcome])
    world.fault = None
    assert world.tick() == 204
    assert HEARTBEAT in world.gauges


def test_killed_in_the_middle_it_says_everything_when_the_tick_comes_again() -> None:
    whole = World()
    whole.tick()
    for after in range(len(whole.measured())):
        world = World(killed_after=after)
        with pytest.raises(KilledError):
            world.tick()
        assert HEARTBEAT not in world.gauges
        world.killed_after = 1000
        world.tick()
        assert world.measured() == whole.measured()
