"""Probes of BigQuery and Pub/Sub by what the warehouse and the metrics say, and the attempts of a check."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import QueryError, UnavailableError
from core.health import ProbeReason
from core.settings.probes import BigqueryProbe, ExpectFresh, PubsubProbe
from functions.adapters.net import Deadline
from functions.adapters.ports import Data
from functions.adapters.probes import run as runner
from functions.adapters.probes.failure import passed
from functions.adapters.probes.sources import Sources
from functions.adapters.prometheus import Series
from tests.support.servers.targets import free_port, http_probe, tcp_probe

if TYPE_CHECKING:
    from tests.support.servers.targets import Web

pytest_plugins = ["tests.support.servers.target_fixtures"]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TABLE = BigqueryProbe(name="fresh", every=HOUR, table="a.b", timestamp="at", expect=ExpectFresh(age=HOUR))
QUEUE = PubsubProbe(name="queue", every=HOUR, subscription="orders-billing")


def sources(**changes: Any) -> Sources:
    unused: Any = None
    return replace(Sources(query=unused, instant=unused, clock=lambda: NOW), **changes)


@pytest.mark.parametrize(
    ("newest", "age", "detail"),
    [
        (NOW - HOUR / 2, 1800, "a.b: newest row of 2026-11-30 11:30:00 UTC"),
        (NOW + HOUR, 0, "a.b: newest row of 2026-11-30 13:00:00 UTC"),
        (None, 7200, "a.b: no row in 2:00:00"),
    ],
)
def test_the_age_of_the_newest_row_is_measured(newest: datetime | None, age: float, detail: str) -> None:
    asked: list[tuple[str, datetime]] = []

    def query(sql: str, *, since: datetime) -> list[Data]:
        asked.append((sql, since))
        return [{"newest": newest}]

    result = runner.check(TABLE, sources(query=query))
    assert (result.ok, result.measures, result.detail) == (True, {"age": age}, detail)
    assert asked == [("SELECT MAX(`at`) AS newest FROM `a.b` WHERE `at` >= @since", NOW - 2 * HOUR)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (QueryError("Not found: Table a.b"), ProbeReason.QUERY_FAILED),
        (UnavailableError("BigQuery: does not answer"), ProbeReason.NO_DATA),
    ],
)
def test_a_table_that_is_not_there_is_bad_and_a_warehouse_that_is_down_is_not_known(
    error: Exception, reason: ProbeReason
) -> None:
    def query(sql: str, **_: object) -> list[Data]:
        raise error

    assert runner.check(TABLE, sources(query=query)).reason is reason


def test_the_backlog_of_a_subscription_is_measured() -> None:
    asked: list[str] = []

    def instant(query: str, at: int) -> list[Series]:
        asked.append(query)
        assert at == int(NOW.timestamp())
        return [Series(labels={}, values=(90.0 if "oldest" in query else 7.0,))]

    result = runner.check(QUEUE, sources(instant=instant))
    assert (result.ok, result.measures) == (True, {"age": 90.0, "messages": 7.0})
    assert result.detail == "orders-billing: 7 messages, the oldest of 90 s"
    assert asked[0] == (
        'max(last_over_time(pubsub_googleapis_com:subscription_oldest_unacked_message_age{subscription_id="orders-billing"}[10m]))'
    )


def test_a_subscription_without_metrics_and_metrics_that_are_down_are_not_known() -> None:
    def down(query: str, at: int) -> list[Series]:
        raise UnavailableError("Prometheus: does not answer")

    for instant in (down, lambda query, at: []):
        assert runner.check(QUEUE, sources(instant=instant)).reason is ProbeReason.NO_DATA


# Attempts


def test_a_check_that_fails_is_made_again_while_its_time_lasts(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.reply(200 if len(web.asked) > 2 else 503, b"ok")
    assert not runner.check(http_probe(web.url(), retries=1)).ok
    web.asked.clear()
    assert runner.check(http_probe(web.url(), retries=2)).ok
    assert len(web.asked) == 3
    web.asked.clear()
    assert runner.check(http_probe(web.url("/"), retries=5)).ok
    assert len(web.asked) == 3


def test_a_check_that_used_all_of_its_time_is_not_made_again(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.hang()
    result = runner.check(http_probe(web.url(), retries=5, timeout=timedelta(seconds=0.3)))
    assert (result.reason, len(web.asked)) == (ProbeReason.TIMEOUT, 1)
    refused = runner.check(tcp_probe(free_port(), retries=5, timeout=timedelta(seconds=0.3)))
    assert refused.reason is ProbeReason.REFUSED


def test_a_thread_that_never_comes_back_holds_the_tick_no_longer_than_its_own_time(
    monkeypatch: pytest.MonkeyPatch, web: "Web"
) -> None:
    """The others may take long, and are done; only the time of the one that hangs counts."""
    monkeypatch.setattr(runner, "GRACE", 0.05)
    monkeypatch.setattr(runner, "LONGEST", 1e9)

    def check(probe: Any) -> Any:
        if probe.name == "hangs":
            web.over.wait()
        return runner.check(probe)

    slow = [tcp_probe(free_port(), name=f"p{number}", timeout=timedelta(days=1)) for number in range(3)]
    results = runner.run([tcp_probe(1, name="hangs", timeout=timedelta(seconds=0.05)), *slow], check)
    assert results["hangs"].reason is ProbeReason.TIMEOUT
    assert {results[probe.name].reason for probe in slow} == {ProbeReason.REFUSED}


def test_what_a_server_measures_that_is_no_number_is_not_known() -> None:
    found = passed("redis answers", Deadline(1.0), memory=math.nan, hit_ratio=0.5, lag=math.inf)
    assert (found.ok, dict(found.measures)) == (True, {"hit_ratio": 0.5})
