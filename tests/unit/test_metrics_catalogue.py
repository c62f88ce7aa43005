"""The catalogue of metrics keeps to the naming rules and refuses what it does not hold."""

import re

import pytest

from core.metrics import CATALOGUE, HISTOGRAMS, RESOURCE_LABELS, Metric, MetricKind, check, lookup

ALL = pytest.mark.parametrize("metric", CATALOGUE.values(), ids=list(CATALOGUE))


@ALL
def test_name_is_a_prometheus_name_of_this_system(metric: Metric) -> None:
    assert re.fullmatch(r"aia_[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)


@ALL
def test_name_ends_with_the_base_unit_and_total_only_on_counters(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert metric.name.endswith(("_seconds", "_seconds_total")) == (metric.unit == "s")
    assert metric.unit in {"s", "1"}


@ALL
def test_labels_are_distinct_and_leave_those_of_the_writer_alone(metric: Metric) -> None:
    assert len(set(metric.labels)) == len(metric.labels)
    reserved = {*RESOURCE_LABELS, "quantile", "name", "value", "at", "by"}
    assert not reserved & set(metric.labels)
    buckets = {part.name for histogram in HISTOGRAMS.values() for part in histogram.metrics if "le" in part.labels}
    assert ("le" in metric.labels) == (metric.name in buckets)
    assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in metric.labels)


@ALL
def test_help_is_one_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"[^\n]+\.", metric.help)


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOGUE["aia_new"] = lookup("aia_probe_up")  # type: ignore[index]  # the point of the test


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'aia_unheard_of'"):
        lookup("aia_unheard_of")


@pytest.mark.parametrize(
    ("name", "kind", "labels", "message"),
    [
        ("aia_probe_up", MetricKind.COUNTER, ["probe"], "must be written as a gauge, got counter"),
        (
            "aia_notifications_total",
            MetricKind.GAUGE,
            ["channel", "outcome"],
            "must be written as a counter, got gauge",
        ),
        ("aia_probe_up", MetricKind.GAUGE, [], r"labels must be \['probe'\], got \[\]"),
        ("aia_probe_up", MetricKind.GAUGE, ["probe", "job"], r"got \['job', 'probe'\]"),
    ],
)
def test_a_wrong_kind_or_label_is_refused(name: str, kind: MetricKind, labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(name, kind, labels)


@ALL
def test_every_metric_passes_its_own_check_in_any_order_of_labels(metric: Metric) -> None:
    assert check(metric.name, metric.kind, reversed(metric.labels)) is metric
