"""What probes measure and its limits, the objective of a probe, and the settings of each kind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsError
from core.health import ProbeReason, ProbeResult, observations, unknown
from core.health.limits import MEASURES, is_good
from core.health.objective import MONTHS, Month, budget_left, counted
from core.metrics import CATALOGUE
from core.settings import Address, parse
from core.settings.probes import (
    ConnectingProbe,
    ExpectBacklog,
    ExpectPostgresql,
    ExpectRedis,
    HttpProbe,
    PostgresqlProbe,
    Probe,
    PubsubProbe,
    RedisProbe,
)

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UP = ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail="answers")
DATABASE = PostgresqlProbe(
    name="db",
    every=MINUTE,
    address=Address(host="db", port=5432),
    expect=ExpectPostgresql(replication_lag=timedelta(seconds=30), connections=0.8),
)
CACHE = RedisProbe(
    name="cache", every=MINUTE, address=Address(host="c", port=6379), expect=ExpectRedis(memory=0.9, hit_ratio=0.5)
)
QUEUE = PubsubProbe(name="queue", every=MINUTE, subscription="orders", expect=ExpectBacklog(messages=0))


def limit(probe: Probe, **measures: float) -> Any:
    """The verdict on the limits."""
    found = observations(probe, replace(UP, measures=measures), AT)
    return next((one.verdict for one in found if one.spec.kind == "limit_exceeded"), None)


@pytest.mark.parametrize(
    ("probe", "measures", "outcome", "summary"),
    [
        (DATABASE, {"replication_lag": 30, "connections": 0.5}, "good", "at most 30 s, got 30 s"),
        (
            DATABASE,
            {"replication_lag": 31, "connections": 0.5},
            "bad",
            "replication lag must be at most 30 s, got 31 s",
        ),
        (
            DATABASE,
            {"replication_lag": 31, "connections": 0.99},
            "bad",
            "connections in use must be at most 80%, got 99%",
        ),
        (DATABASE, {"connections": 0.1}, "good", "got 10%"),
        (CACHE, {"memory": 0.5, "hit_ratio": 0.4}, "bad", "hit ratio must be at least 50%, got 40%"),
        (CACHE, {"memory": 0.5, "hit_ratio": 0.0}, "bad", "hit ratio must be at least 50%, got 0%"),
        (QUEUE, {"messages": 1, "age": 900}, "bad", "messages must be at most 0 messages, got 1"),
        (QUEUE, {"messages": 0, "age": 900}, "good", "got 0"),
    ],
)
def test_the_value_that_is_furthest_beyond_its_limit_is_told(
    probe: Probe, measures: dict[str, float], outcome: str, summary: str
) -> None:
    verdict = limit(probe, **measures)
    assert (verdict.outcome, verdict.severity) == (outcome, "warning")
    assert summary in verdict.summary
    assert is_good(probe, replace(UP, measures=measures)) is (outcome == "good")


def test_what_has_no_limit_or_no_value_has_no_verdict() -> None:
    assert limit(replace(DATABASE, expect=ExpectPostgresql()), connections=1.0) is None
    assert limit(DATABASE) is None


def test_every_measure_is_a_metric_and_a_key_of_what_is_expected() -> None:
    expected = {name for kind in (DATABASE, CACHE, QUEUE) for name in dir(kind.expect)}
    assert MEASURES.keys() <= expected
    assert {one.metric for one in MEASURES.values()} <= CATALOGUE.keys()


def test_a_check_is_good_when_it_is_up_and_in_time() -> None:
    probe = HttpProbe(
        name="a",
        every=MINUTE,
        url="http://a",
        expect=replace(HttpProbe(name="a", every=MINUTE, url="x").expect, latency=timedelta(seconds=1)),
    )
    assert is_good(probe, UP)
    assert not is_good(probe, replace(UP, latency=1.1))
    assert not is_good(probe, replace(UP, ok=False, reason=ProbeReason.REFUSED))


def test_a_result_that_says_nothing_of_the_target_is_no_verdict() -> None:
    result = replace(UP, ok=False, reason=ProbeReason.NO_DATA, detail="no metrics within 10m")
    assert not result.is_known
    verdict = unknown(QUEUE, result, AT).verdict
    assert (verdict.outcome, verdict.summary) == ("not_known", "queue could not be checked: no metrics within 10m")


# The objective


def stored(months: list[Month]) -> list[dict[str, Any]]:
    return [{"month": one.month, "checks": one.checks, "good": one.good} for one in months]


def test_checks_are_counted_by_calendar_month_in_utc() -> None:
    months: list[Month] = []
    for at, good in ((AT, True), (AT, False), (AT, None), (AT + timedelta(days=1), True)):
        months = counted(stored(months), at, good=good)
    assert months == [Month(month="2026-11", checks=2, good=1), Month(month="2026-12", checks=1, good=1)]
    assert [month.availability for month in months] == [0.5, 1.0]
    assert counted([], AT, good=None)[0].availability is None


@given(st.lists(st.tuples(st.integers(0, 800), st.sampled_from([True, False, None])), max_size=60))
def test_no_more_than_a_year_and_this_month_are_kept_and_no_check_is_lost_in_them(steps: list[tuple[int, Any]]) -> None:
    months: list[Month] = []
    for days, good in sorted(steps, key=lambda step: step[0]):
        months = counted(stored(months), AT + timedelta(days=days), good=good)
    assert len(months) <= MONTHS
    assert [one.month for one in months] == sorted({one.month for one in months})
    assert all(0 <= one.good <= one.checks for one in months)


def test_the_budget_is_that_of_the_whole_month() -> None:
    """Of 43,200 checks of November 99.9 % must be good: 43.2 may be bad."""
    probe = HttpProbe(name="a", every=MINUTE, url="http://a", objective=99.9)
    left = [budget_left(probe, Month(month="2026-11", checks=100, good=100 - bad), AT) for bad in (0, 1, 44)]
    assert left == [1.0, pytest.approx(1 - 1 / 43.2), pytest.approx(1 - 44 / 43.2)]
    assert budget_left(replace(probe, objective=None), Month(month="2026-11"), AT) is None
    february = datetime(2026, 2, 3, tzinfo=UTC)
    assert budget_left(probe, Month(month="2026-02", checks=9, good=8), february) == pytest.approx(1 - 1 / 40.32)


# Settings


def faults(**settings: Any) -> list[str]:
    probe = {"name": "a", "every": "1m", **settings}
    try:
        parse({"version": 1, "jobs": {}, "probes": [probe]})
    except SettingsError as error:
        return [f"{fault.path.removeprefix('probes[0].')}: {fault.allowed}" for fault in error.faults]
    return []


STEP = {"url": "https://a/x"}


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"kind": "tcp", "address": "a:1", "allowed_networks": ["localhost"]}, "allowed_networks: must be networks"),
        ({"kind": "tcp", "address": "a:1", "allowed_networks": "127.0.0.1/8"}, "allowed_networks: must be networks"),
        ({"kind": "tcp", "address": "a:1", "allowed_networks": 7}, "allowed_networks: must be networks"),
        ({"kind": "tcp", "address": "a:1", "objective": 100}, "objective: must be"),
        ({"kind": "tcp", "address": "a:1", "retries": 6}, "retries: must be"),
        ({"kind": "postgresql", "address": "a:1", "encryption": "none", "password": "x"}, "encryption: must encrypt"),
        ({"kind": "redis", "address": "a:1", "password": "x"}, "tls: must encrypt"),
        ({"kind": "redis", "address": "a:1", "user": "x"}, "password: must be given where user is given"),
        ({"kind": "grpc", "address": "a:1", "ca": "hush"}, "ca: must be certificates in PEM"),
        ({"kind": "websocket", "url": "https://a"}, "url: must be a ws or wss URL"),
        ({"kind": "websocket", "url": "wss://a", "send": "x"}, "expect.text: must be given where send is given"),
        ({"kind": "bigquery", "table": "a.b", "timestamp": "t"}, "expect: must be given"),
        ({"kind": "bigquery", "table": "a.b", "timestamp": "t", "expect": {}}, "expect.age: must be given"),
        ({"kind": "bigquery", "table": "a`b.c", "timestamp": "t", "expect": {"age": "1h"}}, "table: must be"),
        ({"kind": "pubsub", "subscription": 'a"b'}, "subscription: must be the id"),
        ({"kind": "vertex", "endpoint": "77", "instances": [1]}, "endpoint: must be the name of an endpoint"),
        (
            {"kind": "vertex", "endpoint": "projects/p/locations/l/endpoints/7", "instances": []},
            "instances: must be a list",
        ),
        ({"kind": "gke", "url": "http://10.0.0.1"}, "url: must be an https URL"),
        ({"kind": "gke", "url": "https://10.0.0.1/x"}, "url: must be an address without a path"),
        ({"kind": "gke", "url": "https://10.0.0.1?x"}, "url: must be an address without a path"),
        ({"kind": "journey", "steps": []}, "steps: must be a list of at least 1"),
        ({"kind": "journey", "steps": [{"url": "https://{{a}}/x"}]}, "steps[0].url: must have captured values"),
        (
            {"kind": "journey", "steps": [STEP, {"url": "https://a/{{id}}"}]},
            "steps[1]: must use values that an earlier",
        ),
        ({"kind": "journey", "steps": [{**STEP, "capture": {"id": "a..b"}}]}, "steps[0].capture.id: must be keys"),
        ({"kind": "journey", "steps": [{**STEP, "method": "TRACE"}]}, "steps[0].method: must be"),
    ],
)
def test_what_is_wrong_in_a_probe_is_told_with_its_path(settings: dict[str, Any], fault: str) -> None:
    assert any(fault in one for one in faults(**settings)), faults(**settings)


def test_a_kind_that_does_not_say_what_it_checks_cannot_be_made() -> None:
    class Nameless(ConnectingProbe):
        kind = "nameless"

    with pytest.raises(TypeError, match="where"):
        Nameless(name="a", every=MINUTE)  # type: ignore[abstract] # that is what is tested


def test_no_fault_shows_a_secret() -> None:
    probe = {
        "name": "a",
        "every": "1m",
        "kind": "journey",
        "steps": [{"url": "x", "headers": {"A": "hush\n"}, "json": "hush"}],
    }
    other = {"name": "b", "every": "1m", "kind": "redis", "address": "a:1", "password": ["hush"], "ca": "hush"}
    with pytest.raises(SettingsError) as error:
        parse({"version": 1, "jobs": {}, "probes": [probe, other]})
    assert "hush" not in str(error.value)
