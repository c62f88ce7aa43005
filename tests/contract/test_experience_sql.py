"""Summaries of browser reports by telemetry_rollup, on the emulator of BigQuery and in memory: deduplication, late reports, percentiles, sessions, limits."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.experience import ExperienceSummary
from core.settings.probes import BigqueryProbe, ExpectFresh
from functions.adapters.ports import Data
from functions.adapters.probes import bigquery
from functions.adapters.probes.sources import Sources
from functions.adapters.warehouse import BigQueryWarehouse
from functions.telemetry_rollup.rollup import MOST, BigQueryReports, summaries
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
    """Browsers that report, and the summaries of their reports."""

    warehouse: BigQueryWarehouse | None
    rows: list[Data] = field(default_factory=list)

    def report(self, *rows: Data) -> None:
        self.rows += rows
        if self.warehouse:
            self.warehouse.append("telemetry.experience", rows)

    def summaries(self, at: datetime = AT) -> list[ExperienceSummary]:
        if self.warehouse:
            return summaries(BigQueryReports(self.warehouse), at)
        return summaries(MemoryReports(Report(**row) for row in self.rows), at)

    def summary(self, at: datetime = AT) -> ExperienceSummary:
        [only] = self.summaries(at)
        return only


@pytest.fixture(params=["warehouse", "memory"])
def browsers(request: pytest.FixtureRequest) -> Browsers:
    return Browsers(warehouse=request.getfixturevalue("warehouse") if request.param == "warehouse" else None)


def test_a_report_counts_once_however_often_it_comes(browsers: Browsers) -> None:
    requests = [row(30, "request", failed=index < 3) for index in range(40)]
    browsers.report(*requests)
    browsers.report(*requests[:25])
    found = browsers.summary()
    assert (found.requests, found.failures, found.sessions) == (40, 3, 1)


def test_only_the_hour_before_the_tick_counts(browsers: Browsers) -> None:
    browsers.report(*(row(minutes, "request", failed=False) for minutes in (60.01, 60, 30, 0.01, 0, -5)))
    assert browsers.summary().requests == 3


def test_a_late_report_counts_at_the_next_tick(browsers: Browsers) -> None:
    browsers.report(row(30, "request", failed=False))
    assert browsers.summary().requests == 1
    browsers.report(row(40, "request", failed=True))
    found = browsers.summary(AT + timedelta(minutes=5))
    assert (found.requests, found.failures) == (2, 1)


def test_percentiles_are_those_of_the_values(browsers: Browsers) -> None:
    rng = np.random.default_rng(5)
    frames, loads = rng.gamma(2, 0.01, 900), rng.gamma(2, 0.8, 300)
    browsers.report(*(row(20, "frame", value=float(value)) for value in frames))
    browsers.report(*(row(20, "load", value=float(value)) for value in loads))
    browsers.report(row(20, "frame"), row(20, "load"))
    found = browsers.summary()
    assert (found.frames, found.loads) == (900, 300)
    assert found.frame_seconds == pytest.approx(np.percentile(frames, 95), rel=1e-9)
    assert found.load_seconds == pytest.approx(np.percentile(loads, 75), rel=1e-9)


def test_a_session_has_its_whole_duration_and_with_one_report_none(browsers: Browsers) -> None:
    browsers.report(row(100, session_id="long"), row(70, session_id="long"), row(10, session_id="long"))
    browsers.report(row(50, session_id="short"), row(49, session_id="short"))
    browsers.report(row(45, session_id="once"))
    browsers.report(row(200, session_id="over"), row(61, session_id="over"))
    found = browsers.summary()
    assert (found.sessions, found.timed) == (3, 2)
    assert found.session_seconds == (60 + 90 * 60) / 2


def test_the_session_duration_is_the_median(browsers: Browsers) -> None:
    for number, minutes in enumerate((1, 2, 5, 20, 40)):
        browsers.report(row(minutes, session_id=f"s{number}"), row(0.5, session_id=f"s{number}"))
    assert browsers.summary().session_seconds == 270.0


def test_services_and_devices_are_told_apart_and_the_busiest_come_first(browsers: Browsers) -> None:
    browsers.report(
        row(5, service="a", device="mobile", session_id="1"), row(5, service="a", device="mobile", session_id="2")
    )
    browsers.report(row(5, service="a", device="desktop"), row(5, service="b", device="desktop"))
    assert [(one.service, one.device, one.sessions) for one in browsers.summaries()] == [
        ("a", "mobile", 2),
        ("a", "desktop", 1),
        ("b", "desktop", 1),
    ]


def test_invented_services_do_not_displace_real_ones(browsers: Browsers) -> None:
    browsers.report(*(row(5, service=f"x{number}") for number in range(MOST + 50)))
    browsers.report(*(row(5, service="shop", session_id=f"s{number}") for number in range(3)))
    found = browsers.summaries()
    assert (len(found), found[0].service) == (MOST, "shop")


def test_an_empty_table_has_no_summaries(browsers: Browsers) -> None:
    assert browsers.summaries() == []


def test_the_probe_of_the_table_finds_its_newest_row(warehouse: BigQueryWarehouse) -> None:
    probe = BigqueryProbe(
        name="fresh",
        every=timedelta(minutes=5),
        table="telemetry.experience",
        timestamp="observed_at",
        expect=ExpectFresh(age=timedelta(hours=1)),
    )
    unused: Any = None
    sources = Sources(query=warehouse.query, instant=unused, clock=lambda: AT)
    assert bigquery.check(probe, sources).measures == {"age": 7200.0}
    warehouse.append("telemetry.experience", [row(7), row(90)])
    assert bigquery.check(probe, sources).measures == {"age": 420.0}
    missing = bigquery.check(replace(probe, table="telemetry.nothing"), sources)
    assert (missing.ok, missing.reason) == (False, "query_failed")
