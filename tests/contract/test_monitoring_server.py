"""The local Cloud Monitoring server, asked by Google's own client: what it takes, what it refuses, what it shows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.monitoring_v3 import MetricServiceClient, types

from tests.support.fakes.clock import START, FakeClock
from tests.support.servers.monitoring_series import (
    COUNTER,
    GAUGE,
    LABELS,
    SECOND,
    counter,
    gauge,
    new_client,
    new_clock,
    new_ports,
    points,
    values,
    write,
)

clock = pytest.fixture(new_clock)
ports = pytest.fixture(new_ports)
client = pytest.fixture(new_client)


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
