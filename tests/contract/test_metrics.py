"""The metrics port over the wire: Google's client against the local server, which refuses what the API refuses."""

import os
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from core.errors import SettingsError
from functions.adapters import metrics as adapter
from functions.adapters.metrics import CloudMetrics, connect
from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.written_metrics import ROOT, SENT, UP, instants, notify, read, values, writer

if TYPE_CHECKING:
    from functions.adapters.ports import Metrics
from tests.support.fakes.written_metrics import new_clock, new_metrics, new_ports

clock = pytest.fixture(new_clock)
ports = pytest.fixture(new_ports)
metrics = pytest.fixture(new_metrics)


def test_it_is_the_port(metrics: CloudMetrics) -> None:
    port: Metrics = metrics
    assert port is metrics


def test_a_gauge_arrives_under_its_prometheus_name(metrics: CloudMetrics, ports: Ports) -> None:
    metrics.gauge(UP, 1, probe="api")
    metrics.flush()
    [series] = read(ports, UP)
    labels = dict(series.resource.labels)
    assert labels.pop("instance").startswith(f"api-{socket.gethostname()}-{os.getpid()}-")
    assert series.resource.type == "prometheus_target"
    assert labels == {
        "project_id": "p1",
        "location": "us-central1",
        "cluster": "__run__",
        "namespace": "aia",
        "job": "api",
    }
    assert dict(series.metric.labels) == {"probe": "api"}
    assert [point.value.double_value for point in series.points] == [1.0]
    assert instants(series) == [START]


def test_a_counter_accumulates_from_just_before_its_first_count(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock
) -> None:
    notify(metrics)
    notify(metrics, 2)
    metrics.flush()
    clock.move(seconds=10)
    notify(metrics)
    metrics.flush()
    [series] = read(ports, SENT, "counter")
    assert [point.value.double_value for point in series.points] == [4.0, 3.0]
    starts = {cast("datetime", point.interval.start_time) for point in series.points}
    assert starts == {START - timedelta(milliseconds=1)}


def test_a_counter_that_stands_still_is_sent_as_a_scrape_would_read_it(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock
) -> None:
    notify(metrics)
    for _ in range(3):
        metrics.flush()
        clock.move(seconds=10)
    assert values(ports, SENT, "counter") == [1, 1, 1]


def test_a_gauge_is_sent_once_with_its_newest_value(metrics: CloudMetrics, ports: Ports, clock: FakeClock) -> None:
    metrics.gauge(UP, 0, probe="api")
    metrics.gauge(UP, 1, probe="api")
    metrics.flush()
    clock.move(seconds=10)
    metrics.flush()
    assert values(ports, UP) == [1]


def test_a_flush_within_ten_seconds_of_the_last_waits(metrics: CloudMetrics, ports: Ports, clock: FakeClock) -> None:
    metrics.gauge(UP, 1, probe="api")
    metrics.flush()
    metrics.gauge(UP, 0, probe="api")
    clock.move(seconds=9.999)
    metrics.flush()
    assert values(ports, UP) == [1]
    clock.move(milliseconds=1)
    metrics.flush()
    assert values(ports, UP) == [1, 0]


def test_what_was_not_sent_for_ten_seconds_does_not_wait_for_a_later_request(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock
) -> None:
    metrics.gauge(UP, 1, probe="api")
    notify(metrics)
    metrics.flush()
    clock.move(seconds=1)
    metrics.gauge(UP, 1, probe="warehouse")
    notify(metrics)
    metrics.flush()
    assert values(ports, UP) == [1, 1]
    assert values(ports, SENT, "counter") == [1], "the counter was sent a second ago"
    clock.move(seconds=9)
    metrics.flush()
    assert values(ports, SENT, "counter") == [1, 2]


def test_more_than_two_hundred_series_go_in_several_calls(metrics: CloudMetrics, ports: Ports) -> None:
    for number in range(450):
        metrics.gauge("aia_drift_top_feature_shift", number, model="m", feature=f"f{number}")
    metrics.flush()
    assert sorted(values(ports, "aia_drift_top_feature_shift")) == list(range(450))


def test_a_value_is_written_for_the_instant_it_is_about(metrics: CloudMetrics, ports: Ports) -> None:
    at = START - timedelta(hours=23)
    metrics.gauge(UP, 1, at=at, probe="api")
    metrics.flush()
    [series] = read(ports, UP)
    assert instants(series) == [at]


@pytest.mark.parametrize(
    ("value", "at", "reason"),
    [
        (1.0, START - timedelta(hours=24, seconds=1), "1 late"),
        (1.0, START + timedelta(minutes=6), "1 in the future"),
        (float("nan"), None, "1 not a number"),
        (float("inf"), START, "1 not a number"),
    ],
)
def test_what_the_api_would_refuse_is_dropped_and_counted(
    metrics: CloudMetrics,
    ports: Ports,
    caplog: pytest.LogCaptureFixture,
    *,
    value: float,
    at: datetime | None,
    reason: str,
) -> None:
    metrics.gauge(UP, value, at=at, probe="api")
    metrics.gauge(UP, 0, probe="other")
    metrics.flush()
    assert values(ports, UP) == [0]
    assert [record.getMessage() for record in caplog.records] == [f"metrics: points dropped: {reason}"]


def test_a_value_for_the_near_future_is_held_until_then(metrics: CloudMetrics, ports: Ports, clock: FakeClock) -> None:
    metrics.gauge(UP, 1, at=START + timedelta(seconds=2), probe="api")
    metrics.flush()
    assert values(ports, UP) == []
    clock.move(seconds=10)
    metrics.flush()
    [series] = read(ports, UP)
    assert instants(series) == [START + timedelta(seconds=2)]


def test_ticks_out_of_order_leave_the_newest(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    metrics.gauge(UP, 1, at=START, probe="api")
    metrics.gauge(UP, 0, at=START - timedelta(minutes=1), probe="api")  # before it was sent
    metrics.flush()
    clock.move(seconds=10)
    metrics.gauge(UP, 0, at=START - timedelta(minutes=2), probe="api")  # after it was sent
    metrics.flush()
    assert values(ports, UP) == [1]
    assert [record.getMessage() for record in caplog.records] == ["metrics: points dropped: 1 out of order"] * 2


def test_a_tick_delivered_twice_is_written_once_and_nothing_is_refused(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        metrics.gauge(UP, 1, at=START, probe="api")
        metrics.flush()
        clock.move(seconds=10)
    assert values(ports, UP) == [1]
    assert "refused" not in caplog.text


def test_a_value_set_between_flushes_is_not_too_close_to_the_last(
    metrics: CloudMetrics, ports: Ports, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for value in range(4):
        metrics.gauge(UP, value, probe="api")
        clock.move(seconds=10.1 if value % 2 else 9.9)
        metrics.flush()
    assert caplog.text == ""
    assert values(ports, UP)[-1] == 3


def test_a_long_label_value_is_cut(metrics: CloudMetrics, ports: Ports) -> None:
    metrics.gauge(UP, 1, probe="é" * 2000)
    metrics.flush()
    assert [one.metric.labels["probe"] for one in read(ports, UP)] == ["é" * 1024]


def test_what_the_catalogue_does_not_hold_is_an_error_at_once(metrics: CloudMetrics) -> None:
    with pytest.raises(ValueError, match="aia_unheard_of"):
        metrics.gauge("aia_unheard_of", 1)
    with pytest.raises(ValueError, match="labels must be"):
        metrics.gauge(UP, 1, prob="api")
    with pytest.raises(ValueError, match="must be written as a gauge"):
        metrics.count(UP, probe="api")
    with pytest.raises(ValueError, match=r"at least 0, got -1\.0"):
        notify(metrics, -1.0)
    with pytest.raises(ValueError, match="time zone"):
        metrics.gauge(UP, 1, at=datetime(2026, 1, 1), probe="api")  # noqa: DTZ001 - the point of the test


def test_two_writers_are_two_instances(ports: Ports, clock: FakeClock) -> None:
    for _ in range(2):
        metrics = writer(ports.endpoint, clock)
        notify(metrics)
        metrics.flush()
    assert len({one.resource.labels["instance"] for one in read(ports, SENT, "counter")}) == 2


def test_a_refused_write_is_logged_and_forgotten(
    ports: Ports, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = writer(ports.endpoint, clock, location="")
    metrics.gauge(UP, 1, probe="api")
    metrics.flush()
    clock.move(seconds=10)
    metrics.flush()
    assert [record.getMessage().partition(": 400")[0] for record in caplog.records] == ["metrics: refused"]
    assert "unrecognized region or location" in caplog.text


def test_what_is_written_while_the_server_is_down_arrives_when_it_is_back(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(clock=clock) as ports:
        pass
    metrics = writer(ports.endpoint, clock)
    for value in (0, 1):
        metrics.gauge(UP, value, probe="api")
        notify(metrics)
        metrics.flush()
        clock.move(seconds=10)
    assert [record.getMessage()[:20] for record in caplog.records] == ["metrics: not written"] * 2
    with serve(grpc_port=ports.grpc, clock=clock):
        wait_until_written(metrics, clock)
        assert values(ports, UP) == [1]
        assert values(ports, SENT, "counter")[0] == 2


def wait_until_written(metrics: CloudMetrics, clock: FakeClock) -> None:
    """Flush until nothing waits: the channel tries a server that was down again after a pause of its own."""
    deadline = time.monotonic() + 30
    while any(series.fresh for series in metrics._series.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        clock.move(seconds=10)
        metrics.flush()


def test_a_slow_server_holds_up_neither_counting_nor_other_flushes(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang() -> datetime:
        asked.set()
        answer.wait(30)
        return clock()

    with serve(clock=hang) as ports:
        metrics = writer(ports.endpoint, clock)
        notify(metrics)
        flushing = threading.Thread(target=metrics.flush)
        flushing.start()
        assert asked.wait(30)
        notify(metrics)
        metrics.gauge(UP, 1, probe="api")
        metrics.flush()
        assert flushing.is_alive()
        answer.set()
        flushing.join()
        assert values(ports, UP) == [1], "the flush that was sending sends what came meanwhile"
        clock.move(seconds=10)
        metrics.flush()
        assert values(ports, SENT, "counter") == [1, 2]
    assert caplog.text == ""


def test_a_server_that_does_not_answer_in_time_is_given_up(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "TIMEOUT_SECONDS", 0.2)
    answer = threading.Event()

    def hang() -> datetime:
        answer.wait(30)
        return clock()

    with serve(clock=hang) as ports:
        metrics = writer(ports.endpoint, clock)
        for number in range(450):
            metrics.gauge("aia_drift_top_feature_shift", number, model="m", feature=f"f{number}")
        metrics.flush()
        assert [record.getMessage()[:24] for record in caplog.records] == ["metrics: not written: 50"]
        assert sum(series.fresh for series in metrics._series.values()) == 450
        answer.set()


def test_counts_of_many_threads_are_all_there(metrics: CloudMetrics, ports: Ports, clock: FakeClock) -> None:
    def work() -> None:
        for _ in range(200):
            notify(metrics)
            metrics.gauge(UP, 1, probe="api")
            metrics.flush()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.move(seconds=10)
    metrics.flush()
    assert values(ports, SENT, "counter")[-1] == 1600


def test_close_sends_what_came_after_the_last_flush(metrics: CloudMetrics, ports: Ports, clock: FakeClock) -> None:
    notify(metrics)
    metrics.flush()
    notify(metrics)
    clock.move(seconds=6)
    metrics.close()
    assert values(ports, SENT, "counter") == [1, 2]


def test_close_of_an_idle_writer_says_nothing(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    writer("127.0.0.1:1", clock).close()
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["GOOGLE_CLOUD_PROJECT", "AIA_LOCATION"])
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setenv("AIA_LOCATION", "us-central1")
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=f"{name}: must be set"):
        connect("api")


def test_importing_the_adapter_imports_no_google_client() -> None:
    script = "import sys, functions.adapters.metrics; print({'grpc', 'google.cloud.monitoring_v3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
