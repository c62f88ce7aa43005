"""Metrics of user experience: every metric of the catalogue, and none of too few reports."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experience import MIN_COUNT, ExperienceSummary, experience_metrics
from core.metrics import experience

MANY = ExperienceSummary(
    service="shop",
    device="mobile",
    sessions=100,
    timed=80,
    session_seconds=61.5,
    frames=5000,
    frame_seconds=0.02,
    loads=70,
    load_seconds=1.25,
    requests=400,
    failures=8,
)
COUNTED = {
    "aia_experience_session_seconds": "timed",
    "aia_experience_frame_seconds": "frames",
    "aia_experience_load_seconds": "loads",
    "aia_experience_error_ratio": "requests",
}
"""The number of reports behind each metric."""


def test_every_metric_of_the_catalogue_is_measured_and_no_other() -> None:
    names = [one.name for one in experience_metrics(MANY)]
    assert sorted(names) == sorted(metric.name for metric in experience.METRICS) == sorted(MIN_COUNT)


def test_with_many_reports_every_metric_is_given() -> None:
    assert {one.name.removeprefix("aia_experience_"): one.value for one in experience_metrics(MANY)} == {
        "sessions": 100.0,
        "session_seconds": 61.5,
        "frame_seconds": 0.02,
        "load_seconds": 1.25,
        "error_ratio": 0.02,
    }


@pytest.mark.parametrize(("name", "number"), COUNTED.items())
def test_a_metric_needs_its_minimum_number_of_reports(name: str, number: str) -> None:
    for count, is_given in ((MIN_COUNT[name], True), (MIN_COUNT[name] - 1, False)):
        [metric] = [metric for metric in experience_metrics(replace(MANY, **{number: count})) if metric.name == name]
        assert (metric.value is not None, metric.count) == (is_given, count)


@given(requests=st.integers(0, 10_000), failures=st.integers(0, 10_000))
def test_a_ratio_is_between_0_and_1(requests: int, failures: int) -> None:
    summary = replace(MANY, requests=max(requests, failures), failures=failures)
    [one] = [one for one in experience_metrics(summary) if one.name == "aia_experience_error_ratio"]
    assert one.value is None or 0 <= one.value <= 1
    assert (one.value is None) == (summary.requests < MIN_COUNT[one.name])
