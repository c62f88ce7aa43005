"""What is said of what people saw: every metric of the catalogue, and none of too few reports."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experience import LEAST, Reason, Seen, measures
from core.metrics import experience

MANY = Seen(
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
"""Which number each metric is made of."""


def test_every_metric_of_the_catalogue_is_measured_and_no_other() -> None:
    names = [one.name for one in measures(MANY)]
    assert sorted(names) == sorted(metric.name for metric in experience.METRICS) == sorted(LEAST)


def test_of_many_everything_is_given() -> None:
    assert {one.name.removeprefix("aia_experience_"): one.value for one in measures(MANY)} == {
        "sessions": 100.0,
        "session_seconds": 61.5,
        "frame_seconds": 0.02,
        "load_seconds": 1.25,
        "error_ratio": 0.02,
    }
    assert {one.reason for one in measures(MANY)} == {Reason.MEASURED}


@pytest.mark.parametrize(("name", "number"), COUNTED.items())
def test_from_the_least_number_on_a_metric_is_given_and_below_it_says_why_not(name: str, number: str) -> None:
    for count, reason in ((LEAST[name], Reason.MEASURED), (LEAST[name] - 1, Reason.TOO_FEW)):
        [one] = [one for one in measures(replace(MANY, **{number: count})) if one.name == name]
        assert (one.reason, one.value is None, one.count) == (reason, reason is Reason.TOO_FEW, count)


@given(requests=st.integers(0, 10_000), failures=st.integers(0, 10_000))
def test_a_share_is_one(requests: int, failures: int) -> None:
    seen = replace(MANY, requests=max(requests, failures), failures=failures)
    [one] = [one for one in measures(seen) if one.name == "aia_experience_error_ratio"]
    assert one.value is None or 0 <= one.value <= 1
    assert (one.value is None) == (seen.requests < LEAST[one.name])
