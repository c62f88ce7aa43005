"""Few rows that lie far out, and means that move: found, and quiet on clean data of any shape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.drift import DataQualityIssueKind, Profile, count, quality, score, score_counts
from core.drift.judge import describe
from core.drift.tail import _peizer_pratt, clipped
from tests.support.builders.budget import ALL

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
FEATURES = 5


def amounts(rng: np.random.Generator, rows: int) -> Floats:
    return rng.lognormal(3, 1, rows)


CHANGES: dict[str, tuple[float, Callable[[Floats], Floats]]] = {
    "1% times 100": (0.01, lambda x: 100 * x),
    "2% at 100,000": (0.02, lambda x: np.full_like(x, 1e5)),
    "3% times 10": (0.03, lambda x: 10 * x),
    "3% of them far below": (0.03, lambda x: -10 * x),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(3))
def test_few_rows_far_out_are_drift_by_rows_and_by_counts(change: str, seed: int) -> None:
    share, move = CHANGES[change]
    rng = np.random.default_rng(seed)
    reference = {f"f{k}": amounts(rng, 10_000) for k in range(FEATURES)}
    current = {f"f{k}": amounts(rng, 10_000) for k in range(FEATURES)}
    hit = rng.random(10_000) < share
    current["f0"] = np.where(hit, move(current["f0"]), current["f0"])
    profile = Profile.fit(reference)
    report, counted = score(profile, current), score_counts(profile, count(profile, current))
    assert report.drifted == counted.drifted == ("f0",)
    assert report["f0"].tail == counted["f0"].tail
    assert report["f0"].means == pytest.approx((reference["f0"].mean(), current["f0"].mean()))
    assert report["f0"].strength >= 0.07


@pytest.mark.parametrize("share", [0.03, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_amounts_beside_many_zeros_that_grow_are_drift_by_rows_and_by_counts(share: float, seed: int) -> None:
    """Of all rows, 3 % are ten times as large; the others are zeros, or as they were."""
    rng = np.random.default_rng(seed)
    reference, current = (
        {f"f{k}": np.where(rng.random(10_000) < share, amounts(rng, 10_000), 0.0) for k in range(FEATURES)}
        for _ in "ab"
    )
    current["f0"] = np.where(rng.random(10_000) < 0.03 / share, 10 * current["f0"], current["f0"])
    profile = Profile.fit(reference)
    assert score(profile, current).drifted == score_counts(profile, count(profile, current)).drifted == ("f0",)


@pytest.mark.parametrize("move", [lambda x: x / 1e4, lambda x: -x / 10], ids=["nearly 0", "just below all others"])
def test_few_rows_that_hardly_move_the_mean_are_an_issue_of_the_data_and_no_drift(
    move: Callable[[Floats], Floats],
) -> None:
    rng = np.random.default_rng(5)
    profile = Profile.fit({"amount": amounts(rng, 10_000)})
    values = amounts(rng, 10_000)
    values[:200] = move(values[:200])
    assert score(profile, {"amount": values}).drifted == ()
    issues = quality(profile, count(profile, {"amount": values}))
    assert [(one.kind, one.feature) for one in issues] == [(DataQualityIssueKind.OUT_OF_RANGE, "amount")]


def test_the_finding_says_where_the_rows_lie_and_what_became_of_the_mean() -> None:
    rng = np.random.default_rng(1)
    reference, current = amounts(rng, 10_000), amounts(rng, 10_000)
    current[:100] *= 100
    found = score(Profile.fit({"amount": reference}), {"amount": current})["amount"]
    assert found.tail is not None
    assert found.tail.upper
    beyond = [float(np.mean(values >= float(found.tail.threshold))) for values in (reference, current)]
    assert [found.tail.reference, found.tail.current] == pytest.approx(beyond, abs=2e-4)
    assert f"at or above {found.tail.threshold}: " in describe(found)
    assert f"mean {reference.mean():.4g} then, {current.mean():.4g} now" in describe(found)


CLEAN: dict[str, Draw] = {
    "Pareto 1.5": lambda rng, n: rng.pareto(1.5, n) + 1,
    "log-normal 2": lambda rng, n: rng.lognormal(0, 2, n),
    "80% zeros": lambda rng, n: np.where(rng.random(n) < 0.2, rng.lognormal(2, 1.5, n), 0.0),
    "counts": lambda rng, n: np.round(rng.lognormal(1, 1.5, n)),
}


@pytest.mark.parametrize(("reference", "current"), [(5000, 1000), (1000, 5000), (20_000, 300)])
@pytest.mark.parametrize("draw", CLEAN.values(), ids=CLEAN)
def test_heavy_tails_of_clean_windows_are_no_evidence(draw: Draw, reference: int, current: int) -> None:
    rng, windows = np.random.default_rng([reference, current]), 20 if ALL else 3
    alarms = 0
    for _ in range(windows):
        profile = Profile.fit({f"f{k}": draw(rng, reference) for k in range(10)})
        report = score(profile, {f"f{k}": draw(rng, current) for k in range(10)})
        alarms += any(feature.tail is not None for feature in report.features)
    assert alarms <= windows // 20


@pytest.mark.parametrize(("draws", "share"), [(10, 0.5), (60, 0.1), (400, 0.02), (400, 0.9)])
def test_the_deviate_of_a_binomial_equals_scipys_probability(draws: int, share: float) -> None:
    for most in range(draws):
        expected = stats.binom.cdf(most, draws, share)
        if 1e-9 < expected < 1 - 1e-9:
            z = _peizer_pratt(np.array([float(most)]), np.array([float(draws)]), np.array([share]))
            tail = min(expected, 1 - expected)
            assert stats.norm.cdf(-abs(z[0])) == pytest.approx(tail, rel=0.06)


def test_clipped_moments_equal_scipys() -> None:
    values = amounts(np.random.default_rng(2), 3000)
    ends = np.array([5.0, 60.0])
    inside = np.clip(values, 5, 60)
    assert clipped(ends, values) == pytest.approx([inside.mean(), inside.var(), stats.skew(inside)])
    assert clipped(ends, values[:0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_mean_that_moves_within_the_body_keeps_the_strength_of_the_other_statistics(shift: float) -> None:
    rng = np.random.default_rng(3)
    found = score(Profile.fit({"x": rng.normal(size=20_000)}), {"x": rng.normal(shift, 1, 20_000)})["x"]
    assert found.strength == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("window", [[], [np.inf] * 40, [np.nan] * 40, [1.0] * 40])
def test_windows_without_a_tail_are_no_evidence_of_one(window: Any) -> None:
    profile = Profile.fit({"x": np.arange(40.0)})
    found = score(profile, {"x": window})["x"]
    assert found.tail is None or window == [1.0] * 40
