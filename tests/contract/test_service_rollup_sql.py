"""Minutes of services and tasks of agents on the emulator of BigQuery: duplicates, late items, counters that begin anew, limits."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.settings import OpenTelemetry
from core.telemetry import buckets
from core.telemetry.application_metrics import application_readings
from core.telemetry.summary import AgentTasks, Operations
from functions.adapters.ports import Data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api.dependencies import Dependencies
from functions.service_rollup.rollup import application_metrics, recent, tasks, write_minutes

pytest_plugins = ["tests.support.servers.warehouse"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = OpenTelemetry()
_numbers = itertools.count(1)


def ago(minutes: float) -> datetime:
    return AT - timedelta(minutes=minutes)


def span(minutes: float, seconds: float = 0.1, **given: Any) -> Data:
    """A span that ended some minutes before the tick."""
    number = next(_numbers)
    row = {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "ended_at": ago(minutes),
        "service": "shop",
        "span_name": "x",
        "kind": "server",
        "operation": "request",
        "name": "/a",
        "seconds": seconds,
        "bucket": buckets.index(seconds),
        "failed": False,
        "attributes": "{}",
    }
    return row | given


def point(minutes: float, counts: dict[int, float], *, started: float | None = None, **given: Any) -> Data:
    """A point of a cumulative histogram."""
    row = {
        "point_id": f"p{next(_numbers)}",
        "series_id": "s",
        "observed_at": ago(minutes),
        "started_at": None if started is None else ago(started),
        "service": "shop",
        "metric": "http.server.request.duration",
        "unit": "s",
        "kind": "histogram",
        "temporality": "cumulative",
        "monotonic": False,
        "operation": "request",
        "name": "/a",
        "failed": False,
        "count": int(sum(counts.values())),
        "total": 1.0,
        "buckets": [{"bucket": bucket, "n": n} for bucket, n in counts.items()],
        "attributes": "{}",
    }
    return row | given


def measured(warehouse: BigQueryWarehouse, at: datetime = AT, policy: OpenTelemetry = POLICY) -> list[Operations]:
    write_minutes(warehouse, policy, at)
    return recent(warehouse, at)


def minutes(warehouse: BigQueryWarehouse) -> list[Data]:
    sql = "SELECT * EXCEPT (buckets) FROM marts.service_minutes ORDER BY source, minute, service, operation, name"
    return warehouse.query(sql)


def test_spans_count_once_and_late_ones_at_the_next_tick(warehouse: BigQueryWarehouse) -> None:
    spans = [span(3, seconds, failed=seconds > 0.3) for seconds in (0.1, 0.2, 0.4, 0.4)]
    warehouse.append("telemetry.spans", [*spans, *spans[:3]])
    [found] = measured(warehouse)
    counts = {buckets.index(0.1): 1.0, buckets.index(0.2): 1.0, buckets.index(0.4): 2.0}
    assert found == Operations(
        service="shop", operation="request", name="/a", calls=4, failures=2, timeouts=0, buckets=counts
    )
    before = minutes(warehouse)
    assert measured(warehouse) == [found]
    assert minutes(warehouse) == before
    warehouse.append("telemetry.spans", [span(2.5, 0.1)])
    [later] = measured(warehouse, AT + timedelta(minutes=1))
    assert (later.calls, later.buckets[buckets.index(0.1)]) == (5, 2)


def test_what_is_older_than_the_look_back_stays_as_it_was_written(warehouse: BigQueryWarehouse) -> None:
    warehouse.append("telemetry.spans", [span(3)])
    measured(warehouse)
    warehouse.append("telemetry.spans", [span(3)])
    measured(warehouse, AT + timedelta(minutes=20))
    assert [row["calls"] for row in minutes(warehouse)] == [1]


def test_queries_that_time_out_are_counted(warehouse: BigQueryWarehouse) -> None:
    query = {"operation": "database", "name": "neo4j/MATCH", "failed": True}
    warehouse.append("telemetry.spans", [span(3, error_type=kind, **query) for kind in ("timeout", "ReadTimeout", "x")])
    [found] = measured(warehouse)
    assert (found.calls, found.failures, found.timeouts) == (3, 3, 2)


def test_queries_that_time_out_are_counted_also_where_the_service_sends_metrics(warehouse: BigQueryWarehouse) -> None:
    query = {"operation": "database", "name": "neo4j/MATCH", "temporality": "delta"}
    kinds = {"ReadTimeout": 2.0, "x": 3.0}
    failed = [
        point(3, {0: n}, series_id=kind, failed=True, attributes=f'{{"error.type": "{kind}"}}', **query)
        for kind, n in kinds.items()
    ]
    warehouse.append("telemetry.metric_points", [point(3, {0: 95}, **query), *failed])
    [found] = measured(warehouse)
    assert (found.calls, found.failures, found.timeouts) == (100, 5, 2)


def test_a_cumulative_histogram_adds_what_came_since_the_point_before(warehouse: BigQueryWarehouse) -> None:
    """The first point is of a run that began in the look-back; then a restart, with and without saying so."""
    warehouse.append(
        "telemetry.metric_points",
        [
            point(5.5, {0: 5}, started=6),
            point(4.5, {0: 8, 3: 1}, started=6),
            point(3.5, {0: 2}, started=6),
            point(2.5, {0: 6}, started=3),
            point(2.5, {0: 100}, started=300, series_id="of long ago"),
            point(1.5, {0: 101}, started=300, series_id="of long ago"),
        ],
    )
    [found] = measured(warehouse)
    assert (found.calls, dict(found.buckets)) == (5 + 4 + 2 + 6 + 1, {0: 5 + 3 + 2 + 6 + 1, 3: 1})
    assert [row["calls"] for row in minutes(warehouse)] == [5, 4, 2, 6, 1]


def test_a_point_that_came_twice_and_deltas_count_once(warehouse: BigQueryWarehouse) -> None:
    delta = {"temporality": "delta", "failed": True}
    one, other = point(3, {0: 4}, **delta), point(2, {0: 3}, **delta)
    warehouse.append("telemetry.metric_points", [one, one, other])
    [found] = measured(warehouse)
    assert (found.calls, found.failures) == (7, 7)


def test_dropped_frames_are_failures_of_frames(warehouse: BigQueryWarehouse) -> None:
    frames = {"temporality": "delta", "operation": "frame", "name": "mobile"}
    drawn = point(3, {0: 90}, metric="aia.frame.duration", **frames)
    dropped = point(3, {}, metric="aia.frame.dropped", **frames) | {"kind": "sum", "value": 10.0, "count": None}
    warehouse.append("telemetry.metric_points", [drawn, dropped | {"series_id": "d"}])
    [found] = measured(warehouse)
    assert (found.name, found.calls, found.failures, dict(found.buckets)) == ("mobile", 100, 10, {0: 90})


def test_spans_do_not_count_where_the_service_sends_metrics(warehouse: BigQueryWarehouse) -> None:
    warehouse.append("telemetry.spans", [span(3), span(3, operation="database", name="neo4j/MATCH")])
    warehouse.append("telemetry.metric_points", [point(3, {0: 40}, temporality="delta")])
    assert [(one.operation, one.calls) for one in measured(warehouse)] == [("request", 40), ("database", 1)]


def test_log_records_are_counted_by_severity(warehouse: BigQueryWarehouse) -> None:
    record = {"observed_at": ago(3), "service": "shop", "attributes": "{}"}
    kinds = ["error", "info", "info"]
    rows = [record | {"record_id": f"r{place}", "severity": kind} for place, kind in enumerate(kinds)]
    warehouse.append("telemetry.log_records", [*rows, rows[0]])
    found = measured(warehouse)
    assert [(one.operation, one.name, one.calls) for one in found] == [("log", "info", 2), ("log", "error", 1)]


def test_invented_services_and_names_do_not_displace_real_ones(warehouse: BigQueryWarehouse) -> None:
    invented = [span(3, service=f"x{number}") for number in range(5)]
    routes = [span(3, name=f"/{number}") for number in range(4)]
    warehouse.append("telemetry.spans", [*invented, *routes, *(span(3) for _ in range(3))])
    found = measured(warehouse, policy=OpenTelemetry(services=2, names=2))
    assert sorted((one.service, one.name, one.calls, one.other_services, one.other_names) for one in found) == [
        ("other", "other", 4, 4, 4),
        ("shop", "/0", 1, 0, 0),
        ("shop", "/a", 3, 0, 0),
        ("shop", "other", 3, 0, 3),
        ("x0", "/a", 1, 0, 0),
    ]


def test_an_empty_table_has_nothing(warehouse: BigQueryWarehouse) -> None:
    assert measured(warehouse) == []
    assert tasks(warehouse, AT, 10) == []


def task(trace: str, *spans: Data) -> list[Data]:
    return [one | {"trace_id": trace} for one in spans]


def step(kind: str, name: str, minutes: float = 3, seconds: float = 1, **given: Any) -> Data:
    return span(minutes, seconds, operation=kind, name=name, service="planner", **given)


@pytest.mark.parametrize(("loop", "loops"), [(3, 1), (4, 0)])
def test_tasks_of_agents_have_handoffs_loops_tokens_and_dollars(
    warehouse: BigQueryWarehouse, loop: int, loops: int
) -> None:
    plan = step("agent", "planner", 2, 600, tokens_in=999)
    first = task(
        "a",
        plan,
        step("agent", "booker", seconds=60),
        *(step("tool", "search") for _ in range(3)),
        step("model", "gemini", tokens_in=100, tokens_out=20, dollars=0.25),
        step("model", "gemini", tokens_in=10, dollars=0.5),
    )
    second = task("b", step("agent", "planner", seconds=5, tokens_in=50, failed=True))
    early = task("c", step("agent", "planner", 40))
    warehouse.append("telemetry.spans", [*first, plan | {"trace_id": "a"}, *second, *early])
    assert tasks(warehouse, AT, loop) == [
        AgentTasks(
            service="planner",
            agent="planner",
            tasks=2,
            failures=1,
            loops=loops,
            handoffs=1,
            tokens=180,
            priced=1,
            dollars=0.75,
        )
    ]


def test_the_service_map_follows_a_call_to_the_service_that_answers_it(warehouse: BigQueryWarehouse) -> None:
    call = span(3, service="checkout", operation="call", name="10.0.0.7", trace_id="t", span_id="c")
    answer = span(3, service="shop", trace_id="t", span_id="d", parent_span_id="c")
    query = span(3, operation="database", name="neo4j/MATCH", trace_id="t", span_id="e", parent_span_id="d")
    alone = span(3, service="checkout", operation="call", name="flight-delay")
    warehouse.append(
        "telemetry.spans", [call, answer, query, alone, alone, span(60 * 25, operation="call", name="old")]
    )
    names = Dependencies(warehouse=warehouse, known=(), models=lambda: {"flight-delay"}, clock=lambda: AT)
    assert [(one["from"], one["to"], one["calls"]) for one in names.seen({"since": None, "until": None})] == [
        ("service/checkout", "model/flight-delay", 1),
        ("service/checkout", "service/shop", 1),
        ("service/shop", "database/neo4j", 1),
    ]


def level(minutes: float, value: float, **given: Any) -> Data:
    """A point of a gauge that no operation has."""
    row = {
        "metric": "queue.length",
        "kind": "gauge",
        "temporality": None,
        "operation": None,
        "name": None,
        "value": value,
    }
    row |= {"count": None, "total": None} | given
    return point(minutes, {}, **{"series_id": str(row["metric"])} | row)


def applications(warehouse: BigQueryWarehouse, policy: OpenTelemetry = POLICY) -> list[tuple[Any, ...]]:
    found = application_metrics(warehouse, policy, AT)
    return [(one.service, one.metric, one.series, one.total, one.highest) for one in found]


def test_levels_are_the_newest_of_each_series_and_counters_what_they_rose_by(warehouse: BigQueryWarehouse) -> None:
    counter = {"metric": "jobs", "kind": "sum", "monotonic": True, "temporality": "cumulative"}
    delta = counter | {"metric": "errors", "temporality": "delta"}
    up_down = {"metric": "connections", "kind": "sum", "temporality": "cumulative"}
    twice = level(2, 7, series_id="b")
    warehouse.append(
        "telemetry.metric_points",
        [
            *(level(3, 9), level(2, 4), twice, twice, level(8, 100, series_id="gone")),
            *(level(3, 5, **up_down), level(2, 3, **up_down), level(2, 8, **up_down | {"temporality": "delta"})),
            # Of a run of long ago: a rise of 10 in the window, then a new start at 2; another one whose start is in it.
            *(level(7, 90, **counter), level(5, 95, **counter), level(3, 100, **counter), level(2, 2, **counter)),
            level(3, 6, **counter, series_id="new", started=4),
            level(3, 1000, **counter, series_id="of long ago", started=300),
            *(level(3, 2, **delta), level(2, 3, **delta), level(8, 50, **delta)),
            point(3, {0: 4}, metric="sizes", operation=None, name=None),
        ],
    )
    assert sorted(applications(warehouse)) == [
        ("shop", "connections", 1, 3, 3),
        ("shop", "errors", 1, 5, None),
        ("shop", "jobs", 2, 10 + 2 + 6, None),
        ("shop", "queue.length", 2, 4 + 7, 7),
    ]


def test_metrics_beyond_the_limits_are_counted(warehouse: BigQueryWarehouse) -> None:
    many = [level(3, 1, metric=f"m{n}", series_id=f"m{n}") for n in range(3)]
    more = [level(3, 2, metric="m2", series_id=f"{n}") for n in range(2)]
    warehouse.append("telemetry.metric_points", [*many, *more, level(3, 1, service="small", series_id="s")])
    policy = OpenTelemetry(services=1, names=2)
    found = application_metrics(warehouse, policy, AT)
    assert [(one.metric, one.series, one.known) for one in found] == [("m2", 3, 4), ("m0", 1, 4)]
    assert next(iter(application_readings(found, seconds=300))).value == 2
