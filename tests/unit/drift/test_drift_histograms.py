"""Histograms: every row is in one bin, bins are the same for both windows, and the largest categories have a name."""

from typing import Any

import numpy as np
import pytest

from core.drift import Profile, count
from core.drift.histograms import Histogram, histograms

RNG = np.random.default_rng(5)
ROWS, NOW = 3000, 700
LARGE = 2**60
REFERENCE: dict[str, Any] = {
    "amount": RNG.lognormal(size=ROWS),
    "hour": RNG.integers(0, 24, ROWS),
    "key": RNG.integers(LARGE, LARGE + 500, ROWS),
    "never": np.full(ROWS, np.nan),
    "always": np.full(ROWS, 3.0),
    "gaps": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.normal(size=ROWS)),
    "city": RNG.choice([f"c{n:02}" for n in range(30)], ROWS, p=np.arange(1, 31) / 465),
}
PROFILE = Profile.fit(REFERENCE, always=REFERENCE, categories=20)


def drawn(**changed: Any) -> dict[str, Histogram]:
    window = {name: values[:NOW] for name, values in REFERENCE.items()} | changed
    return histograms(PROFILE, count(PROFILE, window))


@pytest.mark.parametrize("name", REFERENCE)
def test_every_row_is_in_one_bin_or_missing(name: str) -> None:
    one = drawn()[name]
    assert (sum(one.reference) + one.missing[0], sum(one.current) + one.missing[1]) == (ROWS, NOW)
    assert len(one.reference) == len(one.current) == len(one.edges or one.categories) + 1
    assert list(one.edges) == sorted(set(one.edges))


@pytest.mark.parametrize("name", ["amount", "hour", "key", "gaps"])
def test_a_bin_has_the_values_between_its_edges(name: str) -> None:
    one, grid = drawn()[name], PROFILE.grid
    origin = LARGE if name == "key" else 0  # a float does not tell integers of this size apart
    feature = grid.names.index(name)
    exact = grid.edges_of(feature) + (grid.origins[feature] - origin)
    values = np.array([float(int(value) - origin if origin else value) for value in REFERENCE[name] if value == value])  # noqa: PLR0124 - NaN
    edges = [
        exact[np.abs(exact - (edge - origin)).argmin()] for edge in one.edges
    ]  # which are written with fewer digits
    expected, _ = np.histogram(values, [-np.inf, *edges, np.inf])
    assert one.reference == tuple(expected)


def test_the_bins_between_the_ends_are_about_equally_wide_and_the_rest_is_small() -> None:
    one = drawn()["amount"]
    widths = np.diff(one.edges)
    assert widths.max() < 3 * widths.min()
    assert one.reference[0] + one.reference[-1] <= 0.03 * ROWS


def test_what_has_few_values_has_a_bin_for_each() -> None:
    profile = Profile.fit({"stars": RNG.integers(1, 6, ROWS)})
    one = histograms(profile, count(profile, {"stars": [1, 5, 5, 9]}))["stars"]
    assert one.edges == (1, 2, 3, 4, 5)
    assert one.current == (0, 1, 0, 0, 0, 3)


def test_values_beyond_the_reference_and_infinite_ones_are_in_the_outer_bins() -> None:
    one = drawn(amount=np.concatenate((np.full(NOW - 5, 1e6), [np.inf, -np.inf, -3.0, np.nan, np.nan])))["amount"]
    assert (one.current[0], one.current[-1], one.missing[1]) == (2, NOW - 4, 2)


def test_the_categories_with_the_most_rows_of_either_window_have_a_name() -> None:
    before = drawn()["city"]
    assert len(before.categories) == 10
    assert {"c29", "c28"} <= {*before.categories}
    rare = PROFILE.categorical[0].values[-1]
    one = drawn(city=np.full(NOW, rare))["city"]
    assert one.categories[0] == rare
    assert one.current == (NOW, *[0] * 10)


def test_a_window_without_the_column_has_only_missing_rows() -> None:
    window = {name: values[:NOW] for name, values in REFERENCE.items() if name not in {"amount", "city"}}
    found = histograms(PROFILE, count(PROFILE, window))
    for name in ("amount", "city"):
        assert (sum(found[name].current), found[name].missing[1]) == (0, NOW)


def test_a_profile_without_numbers_or_without_categories_is_drawn_as_well() -> None:
    words = Profile.fit({"city": ["Oslo", "Rome"] * 20})
    assert histograms(words, count(words, {"city": ["Rome"]})).keys() == {"city"}
    numbers = Profile.fit({"age": np.arange(40.0) % 7})
    assert histograms(numbers, count(numbers, {"age": []}))["age"].current == (0,) * 8


def test_of_a_reference_without_a_value_every_feature_has_one_bin() -> None:
    profile = Profile.fit({"age": np.zeros(0), "sd": np.zeros(0)})
    found = histograms(profile, count(profile, {"age": [1.0, None, np.inf], "sd": [None, None, None]}))
    assert (found["age"].reference, found["age"].current, found["age"].missing) == ((0,), (2,), (0, 1))
    assert (found["sd"].current, found["sd"].missing) == ((0,), (0, 3))
