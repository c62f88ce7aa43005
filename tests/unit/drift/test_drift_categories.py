"""Rare categories: windows without drift do not alarm however many there are, and what is really new or moved is found."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from core.drift import DriftReport, Profile, count, quality, score, score_counts
from core.drift.categories import GROUPS, group_of, grouped
from tests.support.builders.budget import examples

Words = NDArray[np.str_]
WINDOWS = examples(400)
NAMES = np.array([f"c{k}" for k in range(5000)])
BY_CHANCE = max(2.0, 0.01 * WINDOWS + 3 * math.sqrt(0.01 * WINDOWS))
"""So many of the windows without drift alarm at most, at a rate of one in a hundred."""
SHAPES = {
    "500 categories of Zipf": (500, 1.0),
    "2000 categories of Zipf": (2000, 1.0),
    "5000 categories alike": (5000, 0.0),
}


def drawn(rng: np.random.Generator, size: int, categories: int, exponent: float) -> Words:
    weights = 1 / np.arange(1, categories + 1) ** exponent
    return NAMES[rng.choice(categories, size, p=weights / weights.sum())]


def few_and_rare(rng: np.random.Generator, size: int) -> Words:
    """Ten categories, and one row of a hundred in one of 200 others."""
    words = np.array([f"k{k}" for k in rng.integers(0, 10, size)])
    rare = rng.random(size) < 0.01
    words[rare] = [f"r{k}" for k in rng.integers(0, 200, int(rare.sum()))]
    return words


def compared(reference: Words, current: Words, categories: int = 1000) -> DriftReport:
    profile = Profile.fit({"word": reference}, categories=categories)
    report = score(profile, {"word": current})
    assert report == score_counts(profile, count(profile, {"word": current}))
    return report


def alarms(make: Callable[[np.random.Generator, int], Words], size: int, categories: int = 1000) -> int:
    """Of the windows without drift, how many alarm."""
    found = 0
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        found += bool(compared(make(rng, size), make(rng, size), categories).drifted)
    return found


@pytest.mark.parametrize("size", [300, 1000, 5000])
@pytest.mark.parametrize("shape", SHAPES)
def test_halves_of_one_table_with_rare_categories_do_not_alarm(shape: str, size: int) -> None:
    assert alarms(lambda rng, n: drawn(rng, n, *SHAPES[shape]), size) <= BY_CHANCE


@pytest.mark.parametrize("categories", [1, 20, 1000])
def test_nor_do_they_however_many_categories_are_kept(categories: int) -> None:
    assert alarms(lambda rng, n: drawn(rng, n, 500, 1.0), 1000, categories=categories) <= BY_CHANCE


def test_nor_do_a_few_categories_beside_many_rare_ones() -> None:
    assert alarms(few_and_rare, 1000) <= BY_CHANCE


def test_windows_of_different_sizes_do_not_alarm_either() -> None:
    found = 0
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        found += bool(compared(drawn(rng, 20_000, 500, 1.0), drawn(rng, 400, 500, 1.0)).drifted)
    assert found <= BY_CHANCE


def moved(rng: np.random.Generator, words: Words, share: float, to: Words) -> Words:
    return np.where(rng.random(words.size) < share, to, words)


@pytest.mark.parametrize(
    ("size", "share", "to", "least"),
    [
        (1000, 0.15, "new", 0.95),
        (1000, 0.05, "new", 0.6),
        (5000, 0.15, "alike", 0.95),
        (5000, 0.15, "some rare ones", 0.95),
    ],
)
def test_what_has_moved_is_found(size: int, share: float, to: str, least: float) -> None:
    found = 0
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        targets = {
            "new": np.full(size, "new"),
            "alike": drawn(rng, size, 500, 0.0),
            "some rare ones": np.array([f"c{k}" for k in rng.integers(300, 350, size)]),
        }
        reference, current = drawn(rng, size, 500, 1.0), drawn(rng, size, 500, 1.0)
        found += bool(compared(reference, moved(rng, current, share, targets[to])).drifted)
    assert found >= least * WINDOWS


def issues(reference: Words, current: Words) -> list[str]:
    profile = Profile.fit({"word": reference})
    return [issue.detail for issue in quality(profile, count(profile, {"word": current}))]


@pytest.mark.parametrize("size", [300, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_many_new_categories_as_were_seen_once_are_no_issue(shape: str, size: int) -> None:
    found = 0
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        found += bool(issues(drawn(rng, size, *SHAPES[shape]), drawn(rng, size, *SHAPES[shape])))
        assert issues(few_and_rare(rng, size), few_and_rare(rng, size)) == []
    assert found <= BY_CHANCE


def test_more_than_that_are_an_issue() -> None:
    rng = np.random.default_rng(1)
    reference, current = few_and_rare(rng, 1000), few_and_rare(rng, 1000)
    current[:60] = "x"
    [detail] = issues(reference, current)
    assert detail.split(", ")[-1] == "x"


def test_a_group_is_what_bigquery_makes_of_the_same_hash() -> None:
    for word in ("", "Oslo", "Köln", "東京"):
        assert group_of(word) == int(hashlib.md5(word.encode()).hexdigest()[:2], 16) % GROUPS
    assert grouped({"Oslo": 3, "Köln": 2}).sum() == 5


def test_a_common_category_is_compared_by_itself_and_a_rare_one_in_its_group() -> None:
    profile = Profile.fit({"word": ["a"] * 100 + ["b"] * 3})
    [part] = profile.categorical
    counts = count(profile, {"word": ["a"] * 90 + ["b"] * 4 + ["c"] * 2})
    reference, current = part.compared(counts.categories[0], counts.groups[0])
    assert (reference[:2].tolist(), current[:2].tolist()) == ([100, 0], [90, 0])
    assert reference[2 + group_of("b")] == 3
    assert current[2 + group_of("b")] == 4
    assert current[2 + group_of("c")] == 2
    assert (reference.sum(), current.sum()) == (103, 96)
