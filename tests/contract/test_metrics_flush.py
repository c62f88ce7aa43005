"""What a flush sends first, how long it may take, and as whom: Google's client against the local server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from functions.adapters import metrics as adapter
from functions.adapters.metrics import CloudMetrics
from functions.adapters.writer import SHARED, writer
from infra.local.monitoring.server import serve
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.written_metrics import notify, read, values

ROWS = "aia_drift_rows"
HEARTBEAT = "aia_heartbeat_timestamp_seconds"
CALL = adapter.SERIES_A_CALL


class Server:
    """The clock of a server, which is asked once a call: some calls are answered, and each further one ends a flush.

    Attributes:
        calls: how many more are answered.
    """

    def __init__(self, clock: FakeClock, calls: int) -> None:
        self._clock = clock
        self.calls = calls

    def __call__(self) -> datetime:
        self.calls -= 1
        if self.calls < 0:
            raise TimeoutError("the server does not answer this call")
        return self._clock()


@contextmanager
def answering(
    clock: FakeClock, calls: int
) -> Iterator[tuple[Server, Callable[[], CloudMetrics], Callable[[str], int]]]:
    """A server that answers so many calls, new writers to it, and how many series of a metric it has."""
    server = Server(clock, calls)
    with serve(clock=server) as ports:
        make = lambda: CloudMetrics(  # noqa: E731 - a writer as the functions have it
            function="drift_score", project="p1", location="europe-west1", endpoint=ports.endpoint, clock=clock
        )
        yield server, make, lambda name: len(read(ports, name))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_the_heartbeat_and_the_metrics_of_requests_are_sent_before_any_model(clock: FakeClock) -> None:
    with answering(clock, calls=1) as (_, make, count):
        metrics = make()
        for number in range(3 * CALL):
            metrics.gauge(ROWS, number, at=START, model=f"m{number}")
        metrics.gauge(HEARTBEAT, START.timestamp(), at=START, function="drift_score")
        metrics.count("aia_function_requests_total", function="drift_score", outcome="done")
        metrics.gauge("aia_function_seconds", 1.5, function="drift_score")
        metrics.flush()
        assert (count(HEARTBEAT), count("aia_function_seconds"), count(ROWS)) == (1, 1, CALL - 3)


def test_what_a_deadline_left_out_comes_first_at_the_next_flush(clock: FakeClock) -> None:
    """Each flush is ended after one call, while every series gets a new value: none starves."""
    with answering(clock, calls=0) as (server, make, count):
        metrics, seen = make(), []
        for turn in range(4):
            for number in range(4 * CALL):
                metrics.gauge(ROWS, turn, at=START + turn * timedelta(minutes=15), model=f"m{number}")
            server.calls = 1
            metrics.flush()
            seen.append(count(ROWS))
            clock.move(minutes=15)
        assert seen == [CALL, 2 * CALL, 3 * CALL, 4 * CALL]


def test_nothing_is_lost_by_a_call_that_is_not_answered(clock: FakeClock) -> None:
    with answering(clock, calls=0) as (server, make, count):
        metrics = make()
        for number in range(2 * CALL):
            metrics.gauge(ROWS, number, at=START, model=f"m{number}")
        metrics.flush()
        assert count(ROWS) == 0
        server.calls = 1
        clock.move(seconds=10)
        metrics.flush()
        assert count(ROWS) == CALL


def test_the_deadline_grows_with_the_series_and_has_an_end() -> None:
    given = {series: adapter._patience(series) for series in (0, 1, CALL, CALL + 1, 2_800, 1_000_000)}
    assert given == {0: 5, 1: 5, CALL: 5, CALL + 1: 6, 2_800: 18, 1_000_000: adapter.LONGEST_SECONDS}


def test_many_series_are_given_more_time_than_one_call(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten calls of 50 ms and more take longer than the deadline of a single one."""
    monkeypatch.setattr(adapter, "TIMEOUT_SECONDS", 0.4)
    monkeypatch.setattr(adapter, "SECONDS_A_CALL", 3.0)

    def slow() -> datetime:
        threading.Event().wait(0.05)
        return clock()

    with serve(clock=slow) as ports:
        metrics = CloudMetrics(function="f", project="p1", location="eu", endpoint=ports.endpoint, clock=clock)
        for number in range(10 * CALL):
            metrics.gauge(ROWS, number, at=START, model=f"m{number}")
        metrics.flush()
        assert len(read(ports, ROWS)) == 10 * CALL


def test_a_shard_of_models_arrives_whole_where_each_call_takes_a_tenth_of_a_second(clock: FakeClock) -> None:
    """The largest shard, with the deadlines as they are deployed; the heartbeat is measured last, as a tick does."""
    ratios = ("aia_drift_features_drifted_ratio", ROWS)

    def slow() -> datetime:
        threading.Event().wait(0.1)
        return clock()

    with serve(clock=slow) as ports:
        metrics = CloudMetrics(
            function="drift_score", project="p1", location="eu", endpoint=ports.endpoint, clock=clock
        )
        for model in range(6 * CALL):
            for name in ratios:
                metrics.gauge(name, 0.5, at=START, model=f"m{model}")
        metrics.gauge(HEARTBEAT, START.timestamp(), at=START, function="drift_score")
        metrics.flush()
        assert [len(read(ports, name)) for name in (HEARTBEAT, *ratios)] == [1, 6 * CALL, 6 * CALL]


def test_a_gauge_about_an_instant_is_one_series_whichever_instance_writes_it(clock: FakeClock) -> None:
    with serve(clock=clock) as ports:
        first, second = (
            CloudMetrics(function="f", project="p1", location="eu", endpoint=ports.endpoint, clock=clock)
            for _ in range(2)
        )
        first.gauge(ROWS, 1, at=START - timedelta(minutes=15), model="m")
        first.flush()
        second.gauge(ROWS, 2, at=START, model="m")
        notify(second)
        second.flush()
        [series] = read(ports, ROWS)
        assert series.resource.labels["instance"] == SHARED
        assert values(ports, ROWS) == [1, 2]


def test_two_instances_that_write_one_instant_or_an_older_one_leave_the_newest_and_lose_nothing_else(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(clock=clock) as ports:
        first, second, late = (
            CloudMetrics(function="f", project="p1", location="eu", endpoint=ports.endpoint, clock=clock)
            for _ in range(3)
        )
        for metrics, at in ((first, START), (second, START), (late, START - timedelta(minutes=15))):
            metrics.gauge(ROWS, 7, at=at, model="m")
            notify(metrics)
            metrics.flush()
        assert values(ports, ROWS) == [7]
        assert len(read(ports, "aia_notifications_total", "counter")) == 3
        assert caplog.text.count("metrics: refused") == 2


def test_a_process_forgets_gauges_that_it_sent_and_keeps_its_counters(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "KEPT", 10)
    with serve(clock=clock) as ports:
        metrics = CloudMetrics(function="f", project="p1", location="eu", endpoint=ports.endpoint, clock=clock)
        for number in range(20):
            metrics.gauge(ROWS, number, at=START, model=f"m{number}")
        notify(metrics)
        metrics.flush()
        assert [one.metric.name for one in metrics._series.values()] == ["aia_notifications_total"]
        clock.move(seconds=10)
        notify(metrics)
        metrics.flush()
        assert values(ports, "aia_notifications_total", "counter") == [1, 2]


@contextmanager
def metadata(identity: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cloud Run's environment: the revision, and a metadata server that knows the instance."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = (self.path, self.headers["Metadata-Flavor"])
            self.send_response(200 if asked == ("/computeMetadata/v1/instance/id", "Google") else 404)
            self.end_headers()
            self.wfile.write(identity.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("K_REVISION", "drift-score-00007-abc")
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
        try:
            yield
        finally:
            server.shutdown()


def test_on_cloud_run_a_writer_is_named_by_revision_and_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    with metadata("00bf4bf02d", monkeypatch):
        one, other = (writer("drift_score").rpartition("-") for _ in range(2))
    assert one[0] == other[0]
    assert one[0].startswith("drift-score-00007-abc-00bf4bf02d-")
    assert one[2] != other[2], "two writers of one process must not share a series"


def test_without_a_metadata_server_no_two_writers_have_one_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("K_REVISION", "drift-score-00007-abc")
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")
    assert len({writer("drift_score").rpartition("-")[0] for _ in range(3)}) == 3
    assert caplog.text.count("no instance id, a random one is used") == 3
