"""The page of the local Monitoring API that Prometheus scrapes, and its program."""

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.cloud.monitoring_v3 import MetricServiceClient, types
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import START, FakeClock
from tests.support.servers.monitoring_series import (
    GAUGE,
    LABELS,
    ROOT,
    SECOND,
    counter,
    gauge,
    new_client,
    new_clock,
    new_ports,
    page,
    shown,
    write,
)

clock = pytest.fixture(new_clock)
ports = pytest.fixture(new_ports)
client = pytest.fixture(new_client)


def test_the_newest_point_is_shown_with_type_help_and_all_labels(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    write(client, gauge(0))
    write(client, gauge(1, at=clock.move(seconds=5)))
    assert page(ports) == [
        "# HELP aia_probe_up Whether the latest check of the probe succeeded: 1 if so, else 0.",
        "# TYPE aia_probe_up gauge",
        (
            'aia_probe_up{cluster="c",instance="i-1",job="health_check",location="us-central1",namespace="aia",'
            'probe="api",project_id="p1"} 1.0'
        ),
    ]


def test_label_values_are_escaped_and_empty_labels_left_out(client: MetricServiceClient, ports: Ports) -> None:
    labels = dict.fromkeys(LABELS, "") | {"location": "x"}
    resource = {"type": "prometheus_target", "labels": labels}
    write(client, gauge(metric={"type": GAUGE, "labels": {"probe": 'a"b\\c\nd'}}, resource=resource))
    assert shown(ports) == [r'aia_probe_up{location="x",probe="a\"b\\c\nd",project_id="p1"} 1.0']


def test_a_value_goes_five_minutes_after_its_point(client: MetricServiceClient, ports: Ports, clock: FakeClock) -> None:
    write(client, gauge())
    clock.move(minutes=5)
    assert len(shown(ports)) == 1
    clock.move(milliseconds=1)
    assert page(ports) == []


def test_a_gauge_about_an_instant_long_ago_is_shown_with_that_instant_for_five_minutes(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    at = clock.now
    clock.move(minutes=14)
    write(client, gauge(3, at=at))
    assert shown(ports)[0].endswith(f" 3.0 {at.timestamp() * 1000:.0f}")
    clock.move(seconds=299)  # a scrape that came too late for Prometheus was not the only one that had it
    assert shown(ports)[0].endswith(f" 3.0 {at.timestamp() * 1000:.0f}")
    clock.move(seconds=1)
    assert page(ports) == []


def test_a_gauge_that_nobody_read_in_time_is_shown_with_its_instant(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    at = clock.now
    clock.move(minutes=4, seconds=58)
    write(client, gauge(3, at=at))
    clock.move(seconds=30)
    assert shown(ports)[0].endswith(f" 3.0 {at.timestamp() * 1000:.0f}")
    clock.move(minutes=5)
    assert page(ports) == []


def test_a_new_counter_is_shown_as_zero_first(client: MetricServiceClient, ports: Ports, clock: FakeClock) -> None:
    begun = START - SECOND
    write(client, counter(3, begun, START))
    assert shown(ports)[0].endswith(" 0.0")
    clock.move(seconds=10)
    write(client, counter(4, begun, clock.now))
    assert shown(ports)[0].endswith(" 0.0")
    clock.move(seconds=1)
    assert shown(ports)[0].endswith(" 4.0")
    assert "# TYPE aia_notifications_total counter" in page(ports)


def test_a_first_scrape_that_comes_late_sees_a_new_counter_as_zero_and_a_late_gauge(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    begun, at = START - SECOND, clock.now
    clock.move(minutes=14)
    write(client, gauge(3, at=at))
    write(client, counter(3, begun, clock.now))
    clock.move(seconds=60)
    assert [line.split("} ")[1] for line in shown(ports)] == ["0.0", f"3.0 {at.timestamp() * 1000:.0f}"]
    clock.move(
        seconds=11
    )  # the scrape may have failed at Prometheus' end: the gauge is still there, the counter has moved
    assert [line.split("} ")[1] for line in shown(ports)] == ["3.0", f"3.0 {at.timestamp() * 1000:.0f}"]
    clock.move(minutes=5)
    assert shown(ports) == []


def test_a_counter_that_comes_back_is_first_shown_as_it_was(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    begun = START - SECOND
    write(client, counter(3, begun, START))
    clock.move(minutes=10)
    assert shown(ports) == []
    write(client, counter(4, begun, clock.now))
    assert shown(ports)[0].endswith(" 3.0")
    clock.move(seconds=11)
    assert shown(ports)[0].endswith(" 4.0")


def test_a_counter_that_begins_anew_is_first_shown_as_zero(
    client: MetricServiceClient, ports: Ports, clock: FakeClock
) -> None:
    write(client, counter(3, START - SECOND, START))
    clock.move(seconds=20)
    write(client, counter(5, clock.now - SECOND, clock.now))
    assert shown(ports)[0].endswith(" 0.0")
    clock.move(seconds=11)
    assert shown(ports)[0].endswith(" 5.0")


def test_pages_other_than_its_own_are_not_found(ports: Ports) -> None:
    with urllib.request.urlopen(f"http://{ports.target}/healthz") as answer:
        assert answer.read() == b"ok\n"
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        urllib.request.urlopen(f"http://{ports.target}/")
    missing.value.close()


def test_a_port_that_is_taken_is_an_error(ports: Ports) -> None:
    with pytest.raises(RuntimeError), serve(grpc_port=ports.grpc):
        pass
    with pytest.raises(OSError, match="in use"), serve(http_port=ports.http):
        pass


def test_the_program_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "infra.local.monitoring"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            words = program.stdout.readline().split()
            with grpc.insecure_channel(words[3].rstrip(",")) as channel:
                served = MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))
                served.create_time_series(
                    request=types.CreateTimeSeriesRequest(name="projects/p1", time_series=[gauge(at=datetime.now(UTC))])
                )
            with urllib.request.urlopen(words[-1]) as answer:
                assert b"aia_probe_up{" in answer.read()
            program.terminate()
            assert program.wait(20) == 0
        finally:
            with suppress(ProcessLookupError):
                program.kill()


def test_the_disk_and_the_memory_of_the_machine_are_measured_where_a_folder_is_given(tmp_path: Path) -> None:
    with serve(data=tmp_path) as ports, urllib.request.urlopen(f"http://{ports.target}/metrics") as answer:
        lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if not line.startswith("#")]
    gauges = {name.partition("{")[0]: int(value) for name, _, value in lines}
    free, size = gauges["node_filesystem_avail_bytes"], gauges["node_filesystem_size_bytes"]
    assert 0 < free < size == shutil.disk_usage(tmp_path).total
    if Path("/proc/meminfo").exists():
        assert 0 < gauges["node_memory_MemAvailable_bytes"] < gauges["node_memory_MemTotal_bytes"]
