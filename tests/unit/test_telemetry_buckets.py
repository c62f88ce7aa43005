"""Histograms of one scale: quantiles of merged ones are within the stated error, whatever the senders sent."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.telemetry.buckets import BASE, ERROR, LEAST, MOST, index, merged, of_explicit, of_exponential, quantile, value
from tests.support.builders.budget import examples

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60)
SHARES = st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0])


def exact(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values) * (1 - 1e-12)) - 1]


def exponential(values: list[float], scale: int) -> dict[int, float]:
    """What a sender of that scale has of its values, as the specification says."""
    places = [math.ceil(math.log2(one) * 2.0**scale) - 1 for one in values]
    counts = [places.count(place) for place in range(min(places), max(places) + 1)] if scale < 6 else []
    return of_exponential(scale, 0, min(places), counts)


@given(VALUES, VALUES, SHARES)
@settings(max_examples=examples(300))
def test_a_quantile_of_merged_histograms_is_within_the_error(
    one: list[float], other: list[float], share: float
) -> None:
    parts = [merged({index(single): 1.0} for single in values) for values in (one, other)]
    assert quantile(merged(parts), share) == pytest.approx(exact([*one, *other], share), rel=ERROR * (1 + 1e-6))


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40), st.integers(0, 5), SHARES)
@settings(max_examples=examples(200))
def test_exponential_histograms_of_any_scale_are_within_a_bucket_of_theirs(
    values: list[float], scale: int, share: float
) -> None:
    histogram = exponential(values, scale)
    assert sum(histogram.values()) == pytest.approx(len(values))
    width = max(2.0 ** (2.0**-scale), BASE)
    found = quantile(histogram, share)
    assert found is not None
    assert 1 / width / (1 + 2 * ERROR) <= found / exact(values, share) <= width * (1 + 2 * ERROR)


@given(st.lists(st.floats(1e-3, 2e3), min_size=1, max_size=40), SHARES)
@settings(max_examples=examples(200))
def test_explicit_histograms_are_within_their_bucket(values: list[float], share: float) -> None:
    bounds = [0.005, 0.05, 0.5, 5.0, 50.0, 500.0]
    edges = [0.0, *bounds, math.inf]
    counts = [sum(low < one <= high for one in values) for low, high in pairwise(edges)]
    histogram = of_explicit(bounds, counts, min(values), max(values))
    assert sum(histogram.values()) == pytest.approx(len(values))
    found, true = quantile(histogram, share), exact(values, share)
    low, high = next(pair for pair in pairwise(edges) if pair[0] < true <= pair[1])
    assert found is not None
    assert low * (1 - 2 * ERROR) <= found <= high * (1 + 2 * ERROR)


def test_what_is_no_positive_finite_number_is_in_the_last_buckets() -> None:
    assert (index(0.0), index(-1.0), index(math.nan), index(math.inf)) == (LEAST, LEAST, LEAST, MOST)
    assert value(LEAST) == 0.0
    assert of_exponential(20, 2, -(2**31), [1]) == {LEAST: 3.0}
    assert sum(of_exponential(-10, 0, 2**31 - 1, [5]).values()) == 5


def test_milliseconds_become_seconds() -> None:
    found = quantile(of_exponential(5, 0, 0, [0] * 200 + [10], factor=1e-3), 0.5)
    assert found == pytest.approx(1e-3 * 2 ** (200.5 / 32), rel=2 * ERROR)


def test_without_a_maximum_what_is_above_the_last_bound_counts_as_that() -> None:
    assert of_explicit([1.0, 2.0], [0, 0, 4]) == {index(2.0): 4.0}
    assert of_explicit([], [3], least=0.5) == {index(0.5): 3.0}
