"""Calls of partners on the emulator of BigQuery: which of them count, and what becomes of a tick."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from core.errors import QueryError, UnavailableError
from core.events import Status, Tick, stamp
from core.settings import Partner, Settings
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.telemetry_rollup.main import build
from functions.telemetry_rollup.partners import LATE, WINDOW, PartnerOutside, watch
from functions.telemetry_rollup.rollup import NAME
from tests.support.builders.flights import load
from tests.support.crash.breaking import MemoryMetrics
from tests.support.fakes.detector import Outside
from tests.support.fakes.ports import MemoryPorts, posted, push
from tests.support.fakes.recorders import RecordingMetrics

pytest_plugins = ["tests.support.servers.warehouse"]
AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
FIVE, SECOND = timedelta(minutes=5), timedelta(seconds=1)
BANK = Partner(name="bank", success_ratio=0.9, latency=2 * SECOND, minimum_calls=4)
POST = Partner(name="post", calls_per_hour=5)


def call(number: int, at: datetime, **changed: Any) -> dict[str, Any]:
    row = {"call_id": f"c{number}", "called_at": stamp(at), "partner": "bank", "failed": False, "seconds": 0.5}
    return row | changed


def test_each_call_of_the_hour_counts_once(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    outside = Outside()
    metrics = MemoryMetrics(outside)
    end = AT - LATE
    rows = [
        call(1, end - WINDOW + 2 * SECOND),
        call(2, end - WINDOW - SECOND, failed=True),  # before the hour
        call(3, end + 2 * SECOND, failed=True),  # after it: others like it may not be reported yet
        call(4, end - FIVE, failed=True, seconds=None),
        call(4, end - FIVE, failed=True, seconds=None),  # delivered twice
        *(call(number, end - FIVE, seconds=float(number)) for number in (5, 6)),
        call(7, end - FIVE, seconds=-1.0),
        call(8, end - FIVE, partner="unknown", failed=True),
    ]
    load(client, "telemetry.partner_calls", rows)

    def look(at: datetime) -> None:
        watched = PartnerOutside(
            partners=(BANK, POST), warehouse=warehouse, store=outside.store, bus=outside, metrics=metrics
        )
        watch(Tick(job="telemetry_rollup", scheduled_at=at), watched)

    look(AT)
    look(AT)  # delivered twice: one verdict
    assert outside.published == []
    look(AT + SECOND)
    found = {one.condition: (one.status, one.value) for one in outside.published}
    assert found == {
        "partner/bank:partner_errors": (Status.FIRING, pytest.approx(0.8)),
        "partner/bank:partner_slow": (Status.FIRING, pytest.approx(5.9)),
        "partner/post:partner_volume": (Status.FIRING, 0.0),
    }


class CallsOnly:
    """A warehouse without the table of browser reports."""

    def query(self, sql: str, **_: Any) -> list[dict[str, Any]]:
        if "telemetry.experience" in sql:
            raise QueryError("BigQuery refused the statement: no such table")
        return [{"partner": "bank", "calls": 10, "failures": 5, "seconds": None}]

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise AssertionError(f"must not write, wrote {table}: {rows}")


def test_partners_are_judged_though_browser_reports_cannot_be_read() -> None:
    outside, metrics = Outside(), RecordingMetrics()
    ports = MemoryPorts(
        function=NAME,
        warehouse=CallsOnly(),
        store=outside.store,
        bus=outside,
        metrics=metrics,
        settings=Settings(jobs={}, partners=(BANK,)),
        cron="*/5 * * * *",
    )
    endpoint = build(ports)
    for number in range(2):
        tick = encode(Tick(job=NAME, scheduled_at=AT + number * FIVE))
        _, status = endpoint(posted(push(tick, stamp(AT + number * FIVE + SECOND))))
        assert status == 500  # the fault is not hidden
    assert [one.condition for one in outside.published] == ["partner/bank:partner_errors"]
    assert metrics.values["aia_partner_success_ratio", "bank"] == 0.5
    assert ("aia_partner_latency_seconds", "bank") not in metrics.values


def test_a_warehouse_that_does_not_answer_leaves_the_verdicts_to_the_next_delivery() -> None:
    outside = Outside()

    class Down:
        def query(self, _sql: str, **_: Any) -> list[dict[str, Any]]:
            raise UnavailableError("BigQuery: does not answer")

        def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
            raise AssertionError(f"must not write, wrote {table}: {rows}")

    watched = PartnerOutside(
        partners=(BANK,), warehouse=Down(), store=outside.store, bus=outside, metrics=MemoryMetrics(outside)
    )
    with pytest.raises(UnavailableError, match="does not answer"):
        watch(Tick(job="telemetry_rollup", scheduled_at=AT), watched)
    assert outside.documents == {}
