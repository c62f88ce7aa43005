"""Counts of features that were counted by slots, as BigQuery gives them: rows by bucket from -3 on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.drift import Counts, Profile, ProfileError, count
from core.drift.categories import GROUPS, MISSING_CATEGORY, NEW
from core.drift.slots import FeatureCells, counts_from_cells, features_of

RNG = np.random.default_rng(3)
REFERENCE: dict[str, Any] = {
    "amount": RNG.lognormal(size=4000),
    "never": np.full(4000, np.nan),
    "city": RNG.choice(["Oslo", "Rome", "Bern"], 4000, p=[0.5, 0.3, 0.2]),
}
PROFILE = Profile.fit(REFERENCE, cells=1024, categories=2, always=REFERENCE)
WINDOW: dict[str, Any] = {
    "amount": [0.001, 0.5, 1.0, 1.0, 900.0, None, np.inf, -np.inf, -np.inf],
    "never": [None] * 9,
    "city": ["Rome", "Oslo", "Oslo", "Bern", "Aix", None, None, "Rome", "Rome"],
}


def cells_of(counts: Counts) -> list[FeatureCells]:
    numeric = [
        FeatureCells(
            feature=k,
            rows=np.concatenate((counts.special[k, ::-1], counts.cells[k, : PROFILE.grid.sizes[k] + 1])),
            sums=tuple(counts.sums[k].tolist()),
            lowest=float(counts.lowest[k]) if np.isfinite(counts.lowest[k]) else None,
            highest=float(counts.highest[k]) if np.isfinite(counts.highest[k]) else None,
        )
        for k in range(2)
    ]
    [rows], [groups] = counts.categories, counts.groups
    alphabet = np.argsort(np.array(PROFILE.categorical[0].values, dtype=object))
    listed = np.concatenate(([0, 0, rows[MISSING_CATEGORY]], rows[:NEW][alphabet], groups))
    return [*numeric, FeatureCells(feature=2, rows=listed, sums=(0, 0, 0), lowest=None, highest=None)]


def same(found: Counts, expected: Counts) -> None:
    for name in ("fingerprint", "rows", "absent"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("cells", "special", "sums", "lowest", "highest", "categories", "groups"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_the_counts_are_those_of_the_rows() -> None:
    counts = count(PROFILE, WINDOW)
    assert counts.categories[0][NEW] == 2
    same(counts_from_cells(PROFILE, cells_of(counts)), counts)


def test_what_comes_behind_the_last_bucket_with_rows_may_be_left_out() -> None:
    counts = count(PROFILE, {name: values[:2] for name, values in WINDOW.items()})
    short = [replace(one, rows=np.trim_zeros(one.rows[3:], "b")) for one in cells_of(counts)]
    parts = zip(short, cells_of(counts), strict=True)
    cut = [replace(one, rows=np.concatenate((whole.rows[:3], one.rows))) for one, whole in parts]
    assert [one.rows.size for one in cut] < [one.rows.size for one in cells_of(counts)]
    same(counts_from_cells(PROFILE, cut), counts)


@pytest.mark.parametrize(
    ("feature", "size", "message"),
    [
        (3, 4, "feature: must be 0 to 2, got 3"),
        (-1, 4, "feature: must be 0 to 2, got -1"),
        (0, 2, r"buckets of 'amount': must be -3 to at most \d+, got 2 from -3 on"),
        (0, 5000, r"buckets of 'amount': must be -3 to at most \d+, got 5000 from -3 on"),
        (2, 3 + 2 + GROUPS + 1, "buckets of 'city': must be -3 to at most 65, got 70 from -3 on"),
    ],
)
def test_what_the_profile_does_not_have_is_refused(feature: int, size: int, message: str) -> None:
    odd = FeatureCells(feature=feature, rows=np.zeros(size, dtype=np.int64), sums=(0, 0, 0), lowest=None, highest=None)
    with pytest.raises(ProfileError, match=message):
        counts_from_cells(PROFILE, [odd])


def test_a_feature_names_where_its_values_are_clipped() -> None:
    found = features_of(PROFILE)
    assert [(one.clip_low, one.clip_high) for one in found] == [
        *map(tuple, PROFILE.grid.tails.clip.tolist()),
        (None, None),
    ]
    amount = REFERENCE["amount"]
    low, high = (found[0].edges[one or 0] for one in (found[0].clip_low, found[0].clip_high))
    assert 0.002 < (amount < low).mean() < 0.05
    assert 0.002 < (amount >= high).mean() < 0.05


def test_counts_of_other_clips_do_not_add_up() -> None:
    # The same edges, another distribution among them: the values are clipped elsewhere.
    values = np.arange(100.0)
    few, many = (Profile.fit({"x": np.repeat(values, times)}) for times in (np.arange(1, 101), np.arange(101, 1, -1)))
    assert np.array_equal(few.grid.edges, many.grid.edges)
    assert few.fingerprint != many.fingerprint
