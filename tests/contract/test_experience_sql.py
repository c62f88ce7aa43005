"""What telemetry_rollup reads of reports, on BigQuery's emulator and in memory: each once, late ones too, percentiles, sessions, limits."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.experience import Seen
from functions.adapters.ports import Data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.telemetry_rollup.reports import BigQueryReports
from functions.telemetry_rollup.rollup import MOST, look
from infra.local.past.experience import MemoryReports, Report

pytest_plugins = ["tests.support.servers.warehouse"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count()


def row(minutes: float, kind: str = "view", **fields: Any) -> Data:
    """A report of some minutes before the tick."""
    return {
        "event_id": f"e{next(_numbers)}",
        "observed_at": AT - timedelta(minutes=minutes),
        "service": "shop",
        "session_id": "s",
        "device": "desktop",
        "kind": kind,
        "value": None,
        "failed": None,
    } | fields


@dataclass(kw_only=True)
class Browsers:
    """Browsers that report, and what is read of it."""

    warehouse: BigQueryWarehouse | None
    rows: list[Data] = field(default_factory=list)

    def report(self, *rows: Data) -> None:
        self.rows += rows
        if self.warehouse:
            self.warehouse.append("telemetry.experience", rows)

    def look(self, at: datetime = AT) -> list[Seen]:
        if self.warehouse:
            return look(BigQueryReports(self.warehouse), at)
        return look(MemoryReports(Report(**row) for row in self.rows), at)

    def seen(self, at: datetime = AT) -> Seen:
        [one] = self.look(at)
        return one


@pytest.fixture(params=["warehouse", "memory"])
def browsers(request: pytest.FixtureRequest) -> Browsers:
    return Browsers(warehouse=request.getfixturevalue("warehouse") if request.param == "warehouse" else None)


def test_a_report_counts_once_however_often_it_comes(browsers: Browsers) -> None:
    requests = [row(30, "request", failed=index < 3) for index in range(40)]
    browsers.report(*requests)
    browsers.report(*requests[:25])
    found = browsers.seen()
    assert (found.requests, found.failures, found.sessions) == (40, 3, 1)


def test_only_the_hour_before_the_tick_counts(browsers: Browsers) -> None:
    browsers.report(*(row(minutes, "request", failed=False) for minutes in (60.01, 60, 30, 0.01, 0, -5)))
    assert browsers.seen().requests == 3


def test_what_comes_late_is_in_the_next_tick(browsers: Browsers) -> None:
    browsers.report(row(30, "request", failed=False))
    assert browsers.seen().requests == 1
    browsers.report(row(40, "request", failed=True))
    found = browsers.seen(AT + timedelta(minutes=5))
    assert (found.requests, found.failures) == (2, 1)


def test_percentiles_are_those_of_the_values(browsers: Browsers) -> None:
    rng = np.random.default_rng(5)
    frames, loads = rng.gamma(2, 0.01, 900), rng.gamma(2, 0.8, 300)
    browsers.report(*(row(20, "frame", value=float(value)) for value in frames))
    browsers.report(*(row(20, "load", value=float(value)) for value in loads))
    browsers.report(row(20, "frame"), row(20, "load"))
    found = browsers.seen()
    assert (found.frames, found.loads) == (900, 300)
    assert found.frame_seconds == pytest.approx(np.percentile(frames, 95), rel=1e-9)
    assert found.load_seconds == pytest.approx(np.percentile(loads, 75), rel=1e-9)


def test_a_session_has_its_whole_length_and_once_seen_none(browsers: Browsers) -> None:
    browsers.report(row(100, session_id="long"), row(70, session_id="long"), row(10, session_id="long"))
    browsers.report(row(50, session_id="short"), row(49, session_id="short"))
    browsers.report(row(45, session_id="once"))
    browsers.report(row(200, session_id="over"), row(61, session_id="over"))
    found = browsers.seen()
    assert (found.sessions, found.timed) == (3, 2)
    assert found.session_seconds == (60 + 90 * 60) / 2


def test_a_length_is_the_one_in_the_middle(browsers: Browsers) -> None:
    for number, minutes in enumerate((1, 2, 5, 20, 40)):
        browsers.report(row(minutes, session_id=f"s{number}"), row(0.5, session_id=f"s{number}"))
    assert browsers.seen().session_seconds == 270.0


def test_services_and_devices_are_told_apart_and_the_busiest_come_first(browsers: Browsers) -> None:
    browsers.report(
        row(5, service="a", device="mobile", session_id="1"), row(5, service="a", device="mobile", session_id="2")
    )
    browsers.report(row(5, service="a", device="desktop"), row(5, service="b", device="desktop"))
    assert [(one.service, one.device, one.sessions) for one in browsers.look()] == [
        ("a", "mobile", 2),
        ("a", "desktop", 1),
        ("b", "desktop", 1),
    ]


def test_who_invents_services_does_not_crowd_out_those_there_are(browsers: Browsers) -> None:
    browsers.report(*(row(5, service=f"x{number}") for number in range(MOST + 50)))
    browsers.report(*(row(5, service="shop", session_id=f"s{number}") for number in range(3)))
    found = browsers.look()
    assert (len(found), found[0].service) == (MOST, "shop")


def test_an_empty_table_is_nothing_seen(browsers: Browsers) -> None:
    assert browsers.look() == []
