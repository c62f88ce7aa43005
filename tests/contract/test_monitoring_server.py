"""The local Cloud Monitoring server, asked by Google's own client: what it takes, what it refuses, what it shows."""

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.monitoring_v3 import MetricServiceClient, types
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import START, FakeClock

ROOT = Path(__file__).resolve().parents[2]
SECOND = timedelta(seconds=1)
GAUGE = "prometheus.googleapis.com/aia_probe_up/gauge"
COUNTER = "prometheus.googleapis.com/aia_notifications_total/counter"
LABELS = {"location": "us-central1", "cluster": "c", "namespace": "aia", "job": "health_check", "instance": "i-1"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ports(clock: FakeClock) -> Iterator[Ports]:
    with serve(clock=clock) as ports:
        yield ports


@pytest.fixture
def client(ports: Ports) -> Iterator[MetricServiceClient]:
    with grpc.insecure_channel(ports.endpoint) as channel:
        yield MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))


def gauge(value: float = 1.0, at: datetime = START, **changes: object) -> dict[str, Any]:
    """A gauge as the adapter writes it, with the changes of a test."""
    series: dict[str, Any] = {
        "metric": {"type": GAUGE, "labels": {"probe": "api"}},
        "resource": {"type": "prometheus_target", "labels": LABELS},
        "metric_kind": "GAUGE",
        "value_type": "DOUBLE",
        "points": [{"interval": {"end_time": at}, "value": {"double_value": value}}],
    }
    return series | changes


def counter(value: float, start: datetime, end: datetime, **changes: object) -> dict[str, Any]:
    """A counter as the adapter writes it."""
    points = [{"interval": {"start_time": start, "end_time": end}, "value": {"double_value": value}}]
    metric = {"type": COUNTER, "labels": {"channel": "log", "outcome": "sent"}}
    return gauge(metric=metric, metric_kind="CUMULATIVE", points=points) | changes


def write(client: MetricServiceClient, *series: dict[str, Any], name: str = "projects/p1") -> None:
    client.create_time_series(request={"name": name, "time_series": list(series)})


def values(client: MetricServiceClient, kind: str = GAUGE, *, more: str = "", now: datetime = START) -> list[float]:
    """What is kept of a metric, oldest first, by the label that differs."""
    interval = {"start_time": now - timedelta(days=2), "end_time": now + timedelta(days=1)}
    request = {"name": "projects/p1", "filter": f'metric.type = "{kind}"{more}', "interval": interval}
    return [point.value.double_value for one in client.list_time_series(request=request) for point in one.points][::-1]


def page(ports: Ports) -> list[str]:
    with urllib.request.urlopen(f"http://{ports.target}/metrics") as answer:
        return str(answer.read().decode()).splitlines()


def shown(ports: Ports) -> list[str]:
    return [line for line in page(ports) if not line.startswith("#")]


def test_what_is_written_is_listed(client: MetricServiceClient, clock: FakeClock) -> None:
    write(client, gauge(1))
    write(client, gauge(0, at=clock.move(seconds=5)))
    assert values(client) == [1, 0]


def test_two_hundred_series_are_taken_at_once(client: MetricServiceClient) -> None:
    metric = [{"type": GAUGE, "labels": {"probe": f"p{number}"}} for number in range(201)]
    write(client, *[gauge(number, metric=metric[number]) for number in range(200)])
    assert len(values(client)) == 200


def test_two_hundred_and_one_series_are_refused_as_a_whole(client: MetricServiceClient) -> None:
    series = [gauge(metric={"type": GAUGE, "labels": {"probe": f"p{number}"}}) for number in range(201)]
    with pytest.raises(exceptions.InvalidArgument, match="at most 200 TimeSeries"):
        write(client, *series)
    assert values(client) == []


def points(*intervals: dict[str, Any], **value: object) -> list[dict[str, Any]]:
    return [{"interval": interval, "value": value or {"double_value": 1.0}} for interval in intervals]


NOW = {"end_time": START}
INSTANT = counter(1, START, START)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        pytest.param(gauge(points=points(NOW, NOW)), "Only one point can be written", id="two points"),
        pytest.param(gauge(points=[]), "Only one point can be written", id="no point"),
        pytest.param(gauge(points=[{"interval": NOW}]), "must have a value", id="no value"),
        pytest.param(gauge(at=START + timedelta(seconds=301)), "more than 5 minutes in the future", id="future"),
        pytest.param(gauge(at=START - timedelta(hours=25, seconds=1)), "more than 25 hours in the past", id="old"),
        pytest.param(gauge(value_type="INT64"), "must be the type of the point", id="value type is not the point's"),
        pytest.param(
            gauge(value_type="STRING", points=points(NOW, string_value="up")), "INT64 or DOUBLE", id="text value"
        ),
        pytest.param(gauge(metric_kind="CUMULATIVE"), "does not agree with the suffix /gauge", id="kind of the suffix"),
        pytest.param(
            gauge(points=points({"start_time": START - SECOND, "end_time": START})),
            "must be equal to the end time",
            id="gauge over an interval",
        ),
        pytest.param(INSTANT, "must be before the end time", id="counter at an instant"),
        pytest.param(
            gauge(metric={"type": GAUGE, "labels": {"probe": "a" * 1025}}), "at most 1024 characters", id="long label"
        ),
        pytest.param(gauge(metric={"type": GAUGE, "labels": {"a-b": "c"}}), "letters, digits", id="bad label key"),
        pytest.param(gauge(metric={"type": "custom.googleapis.com/x"}), "prometheus.googleapis.com/NAME", id="type"),
        pytest.param(gauge(resource={"type": "global"}), "prometheus_target", id="resource type"),
        pytest.param(
            gauge(resource={"type": "prometheus_target", "labels": LABELS | {"pod": "x"}}),
            r"Unrecognized resource labels for prometheus_target: \(pod\)",
            id="unknown resource label",
        ),
        pytest.param(
            gauge(resource={"type": "prometheus_target", "labels": {"location": "us-central1", "job": "j"}}),
            r"Missing labels: \(cluster instance namespace\)",
            id="missing resource labels",
        ),
        pytest.param(
            gauge(resource={"type": "prometheus_target", "labels": LABELS | {"location": ""}}),
            "unrecognized region or location",
            id="no location",
        ),
        pytest.param(
            gauge(resource={"type": "prometheus_target", "labels": LABELS | {"project_id": "p2"}}),
            "the request is for 'p1'",
            id="another project's resource",
        ),
    ],
)
def test_a_series_the_api_refuses_is_refused(client: MetricServiceClient, series: dict[str, Any], message: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=message):
        write(client, series)
    assert values(client) == values(client, COUNTER) == []


@pytest.mark.parametrize("at", [START + timedelta(minutes=5), START - timedelta(hours=25), START])
def test_the_ends_of_the_time_that_may_be_written_are_taken(client: MetricServiceClient, at: datetime) -> None:
    write(client, gauge(at=at))
    assert values(client) == [1]


def test_a_label_of_the_greatest_length_is_taken(client: MetricServiceClient) -> None:
    write(client, gauge(metric={"type": GAUGE, "labels": {"probe": "a" * 1024}}))
    assert values(client) == [1]


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (-1, "Points must be written in order"),
        (0, "Points must be written in order"),
        (0.5, "more frequently than the maximum sampling period"),
        (4.999, "more frequently than the maximum sampling period"),
    ],
)
def test_a_point_too_soon_after_the_last_is_refused(client: MetricServiceClient, seconds: float, message: str) -> None:
    write(client, gauge(1))
    with pytest.raises(exceptions.InvalidArgument, match=message):
        write(client, gauge(0, at=START + timedelta(seconds=seconds)))
    assert values(client) == [1]


def test_a_series_twice_in_a_request_is_written_once(client: MetricServiceClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=r"timeSeries\[1\].*Duplicate TimeSeries encountered"):
        write(client, gauge(1), gauge(2, at=START + 10 * SECOND))
    assert values(client) == [1]


def test_the_good_ones_of_a_request_are_written_and_the_summary_counts_them(client: MetricServiceClient) -> None:
    other = {"type": GAUGE, "labels": {"probe": "other"}}
    with pytest.raises(exceptions.InvalidArgument) as refused:
        write(client, gauge(1), gauge(2, metric=other, resource={"type": "global"}))
    summary = types.CreateTimeSeriesSummary.pb()()
    [detail] = refused.value.details
    assert detail.Unpack(summary)
    assert (summary.total_point_count, summary.success_point_count) == (2, 1)
    assert [error.point_count for error in summary.errors] == [1]
    assert values(client) == [1]


def test_a_metric_keeps_the_value_type_it_was_first_written_with(client: MetricServiceClient) -> None:
    write(client, gauge(1))
    whole = gauge(value_type="INT64", points=points({"end_time": START + 5 * SECOND}, int64_value=1))
    with pytest.raises(exceptions.InvalidArgument, match="must be DOUBLE, but is INT64"):
        write(client, whole)


def test_a_counter_goes_on_from_the_same_start_and_begins_anew_after_its_last_end(client: MetricServiceClient) -> None:
    begun, again = START - timedelta(minutes=2), START - timedelta(minutes=1)
    write(client, counter(5, begun, begun + 10 * SECOND))
    write(client, counter(7, begun, begun + 20 * SECOND))
    write(client, counter(1, again, again + 10 * SECOND))
    assert values(client, COUNTER) == [5, 7, 1]


@pytest.mark.parametrize("start", [-30, 0, 10, 20], ids="{}s".format)
def test_a_counter_that_begins_anew_before_its_last_end_is_refused(client: MetricServiceClient, start: int) -> None:
    begun = START - timedelta(minutes=2)
    write(client, counter(5, begun + SECOND, begun + 20 * SECOND))
    with pytest.raises(exceptions.InvalidArgument, match="Points must be written in order"):
        write(client, counter(1, begun + start * SECOND, begun + 40 * SECOND))


@pytest.mark.parametrize("name", ["p1", "projects/", "organizations/1"])
def test_a_name_that_is_no_project_is_refused(client: MetricServiceClient, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=r"must be projects/\[PROJECT_ID\]"):
        write(client, gauge(), name=name)


def test_an_empty_request_is_refused(client: MetricServiceClient) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="must not be empty"):
        write(client)


def test_projects_are_kept_apart(client: MetricServiceClient) -> None:
    write(client, gauge(1), name="projects/p2")
    write(client, gauge(2))
    assert values(client) == [2]


def test_series_are_found_by_labels_of_metric_and_resource(client: MetricServiceClient) -> None:
    other = {"type": GAUGE, "labels": {"probe": "other"}}
    write(client, gauge(1), gauge(2, metric=other))
    assert values(client, more=' AND metric.labels.probe = "other"') == [2]
    assert values(client, more=' AND resource.labels.job = "health_check"') == [2, 1]
    assert values(client, more=' AND resource.labels.job = "api"') == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"filter": 'metric.labels.probe = "api"'}, exceptions.InvalidArgument),
        ({"filter": f'metric.type = "{GAUGE}" OR metric.type = "x"'}, exceptions.InvalidArgument),
        ({"interval": {}}, exceptions.InvalidArgument),
        ({"page_token": "next"}, exceptions.InvalidArgument),
        ({"aggregation": {"per_series_aligner": "ALIGN_MEAN"}}, exceptions.MethodNotImplemented),
    ],
)
def test_a_listing_that_is_not_served_is_refused(
    client: MetricServiceClient, changes: dict[str, Any], error: type[Exception]
) -> None:
    request = {"name": "projects/p1", "filter": f'metric.type = "{GAUGE}"', "interval": {"end_time": START}}
    with pytest.raises(error):
        client.list_time_series(request=request | changes)


def test_a_listing_is_cut_into_pages(client: MetricServiceClient) -> None:
    write(client, *[gauge(number, metric={"type": GAUGE, "labels": {"probe": f"p{number}"}}) for number in range(5)])
    interval = {"start_time": START - SECOND, "end_time": START}
    request = {"name": "projects/p1", "filter": f'metric.type = "{GAUGE}"', "interval": interval, "page_size": 2}
    pages = list(client.list_time_series(request=request).pages)
    assert [len(one.time_series) for one in pages] == [2, 2, 1]


def test_descriptors_are_made_of_what_is_written(client: MetricServiceClient) -> None:
    write(client, gauge(unit="1", description="Up."), counter(1, START - SECOND, START))
    name = f"projects/p1/metricDescriptors/{GAUGE}"
    descriptor = client.get_metric_descriptor(name=name)
    assert (descriptor.type, descriptor.unit, descriptor.description) == (GAUGE, "1", "Up.")
    assert [label.key for label in descriptor.labels] == ["probe"]
    assert [one.type for one in client.list_metric_descriptors(name="projects/p1")] == [COUNTER, GAUGE]
    only = {"name": "projects/p1", "filter": 'metric.type = starts_with("prometheus.googleapis.com/aia_probe")'}
    assert [one.name for one in client.list_metric_descriptors(request=only)] == [name]


def test_an_unknown_descriptor_is_not_found(client: MetricServiceClient) -> None:
    with pytest.raises(exceptions.NotFound):
        client.get_metric_descriptor(name=f"projects/p1/metricDescriptors/{GAUGE}")


def test_a_method_that_is_not_served_says_so(client: MetricServiceClient) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        client.delete_metric_descriptor(name=f"projects/p1/metricDescriptors/{GAUGE}")


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
