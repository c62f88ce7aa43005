"""What telemetry_rollup reads of reports, on BigQuery's emulator: each once, late ones too, percentiles, sessions, limits."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from google.cloud import bigquery

from core.experience import Seen
from functions.adapters.ports import Data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.telemetry_rollup.reports import BigQueryReports
from functions.telemetry_rollup.rollup import MOST, look
from infra.local.experience_points import experience_points

pytest_plugins = ["tests.support.warehouse"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count()
Report = Callable[..., None]


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


@pytest.fixture
def report(warehouse: BigQueryWarehouse) -> Report:
    def add(*rows: Data) -> None:
        warehouse.append("telemetry.experience", rows)

    return add


def seen(warehouse: BigQueryWarehouse, at: datetime = AT) -> Seen:
    [one] = look(BigQueryReports(warehouse), at)
    return one


def test_a_report_counts_once_however_often_it_comes(warehouse: BigQueryWarehouse, report: Report) -> None:
    requests = [row(30, "request", failed=index < 3) for index in range(40)]
    report(*requests)
    report(*requests[:25])
    found = seen(warehouse)
    assert (found.requests, found.failures, found.sessions) == (40, 3, 1)


def test_only_the_hour_before_the_tick_counts(warehouse: BigQueryWarehouse, report: Report) -> None:
    report(*(row(minutes, "request", failed=False) for minutes in (60.01, 60, 30, 0.01, 0, -5)))
    assert seen(warehouse).requests == 3


def test_what_comes_late_is_in_the_next_tick(warehouse: BigQueryWarehouse, report: Report) -> None:
    report(row(30, "request", failed=False))
    assert seen(warehouse).requests == 1
    report(row(40, "request", failed=True))
    found = seen(warehouse, AT + timedelta(minutes=5))
    assert (found.requests, found.failures) == (2, 1)


def test_percentiles_are_those_of_the_values(warehouse: BigQueryWarehouse, report: Report) -> None:
    rng = np.random.default_rng(5)
    frames, loads = rng.gamma(2, 0.01, 900), rng.gamma(2, 0.8, 300)
    report(*(row(20, "frame", value=float(value)) for value in frames))
    report(*(row(20, "load", value=float(value)) for value in loads))
    report(row(20, "frame"), row(20, "load"))
    found = seen(warehouse)
    assert (found.frames, found.loads) == (900, 300)
    assert found.frame_seconds == pytest.approx(np.percentile(frames, 95), rel=1e-9)
    assert found.load_seconds == pytest.approx(np.percentile(loads, 75), rel=1e-9)


def test_a_session_has_its_whole_length_and_once_seen_none(warehouse: BigQueryWarehouse, report: Report) -> None:
    report(row(100, session_id="long"), row(70, session_id="long"), row(10, session_id="long"))
    report(row(50, session_id="short"), row(49, session_id="short"))
    report(row(45, session_id="once"))
    report(row(200, session_id="over"), row(61, session_id="over"))
    found = seen(warehouse)
    assert (found.sessions, found.timed) == (3, 2)
    assert found.session_seconds == (60 + 90 * 60) / 2


def test_a_length_is_the_one_in_the_middle(warehouse: BigQueryWarehouse, report: Report) -> None:
    for number, minutes in enumerate((1, 2, 5, 20, 40)):
        report(row(minutes, session_id=f"s{number}"), row(0.5, session_id=f"s{number}"))
    assert seen(warehouse).session_seconds == 270.0


def test_services_and_devices_are_told_apart_and_the_busiest_come_first(
    warehouse: BigQueryWarehouse, report: Report
) -> None:
    report(row(5, service="a", device="mobile", session_id="1"), row(5, service="a", device="mobile", session_id="2"))
    report(row(5, service="a", device="desktop"), row(5, service="b", device="desktop"))
    assert [(one.service, one.device, one.sessions) for one in look(BigQueryReports(warehouse), AT)] == [
        ("a", "mobile", 2),
        ("a", "desktop", 1),
        ("b", "desktop", 1),
    ]


def test_who_invents_services_does_not_crowd_out_those_there_are(warehouse: BigQueryWarehouse, report: Report) -> None:
    report(*(row(5, service=f"x{number}") for number in range(MOST + 50)))
    report(*(row(5, service="shop", session_id=f"s{number}") for number in range(3)))
    found = look(BigQueryReports(warehouse), AT)
    assert (len(found), found[0].service) == (MOST, "shop")


def test_an_empty_table_is_nothing_seen(warehouse: BigQueryWarehouse, client: bigquery.Client) -> None:
    assert client.get_table("telemetry.experience").num_rows == 0
    assert look(BigQueryReports(warehouse), AT) == []


def test_the_past_is_charted_hour_by_hour_and_the_last_hour_is_left_to_who_measures_now(
    warehouse: BigQueryWarehouse, report: Report
) -> None:
    for hours, visits in ((4, 7), (2, 2), (0, 6)):
        for number in range(visits):
            session, minutes = f"{hours}-{number}", hours * 60 - 6
            report(row(minutes, session_id=session), row(minutes - 1, session_id=session))
    points = [(one.name, one.at, one.value) for one in experience_points(warehouse)]
    first, second = AT - timedelta(hours=3), AT - timedelta(hours=1)
    assert points == [
        ("aia_experience_sessions", first, 7.0),
        ("aia_experience_session_seconds", first, 60.0),
        ("aia_experience_sessions", second, 2.0),
    ]
    assert {tuple(one.labels.items()) for one in experience_points(warehouse)} == {
        (("service", "shop"), ("device", "desktop"))
    }


def test_of_no_report_no_point_is_charted(warehouse: BigQueryWarehouse) -> None:
    assert list(experience_points(warehouse)) == []
