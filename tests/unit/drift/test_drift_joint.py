"""Features that stay what they were by themselves and no longer go together as they did."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.detection import Outcome
from core.drift import DriftReport, JointDrift, Profile, count, score, score_counts
from core.drift.joint import FEWEST, ROWS
from core.drift.judge import of_drift
from core.drift.storage import dump_profile, load_profile
from tests.support.builders.budget import some

Window = dict[str, Any]
FEATURES = 8


def together(seed: int, rows: int, correlation: float, features: int = FEATURES) -> Window:
    """Normal features, of which the first two correlate."""
    rng = np.random.default_rng(seed)
    columns = {f"f{k}": rng.normal(size=rows) for k in range(features)}
    columns["f1"] = correlation * columns["f0"] + np.sqrt(1 - correlation**2) * columns["f1"]
    return columns


def joint(report: DriftReport) -> JointDrift:
    assert report.joint is not None
    return report.joint


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("before", "after"), [(0.9, -0.9), (0.8, 0.5), (0.0, 0.5)])
def test_a_correlation_that_changed_is_found_and_its_pair_is_named(before: float, after: float, seed: int) -> None:
    reference, current = together(seed, 3000, before), together(100 + seed, 2000, after)
    report = score(Profile.fit(reference), current)
    assert report.drifted == ()
    assert report.joint_drifted
    [pair] = joint(report).pairs
    assert {pair.first, pair.second} == {"f0", "f1"}
    assert pair.reference == pytest.approx(stats.spearmanr(reference["f0"], reference["f1"]).statistic, abs=0.05)
    assert pair.current == pytest.approx(stats.spearmanr(current["f0"], current["f1"]).statistic, abs=0.05)
    assert joint(report).rows == (3000, ROWS)


def test_counts_need_a_sample_of_rows_and_then_say_the_same() -> None:
    profile = Profile.fit(together(1, 3000, 0.8))
    current = together(2, 2000, 0.4)
    assert score_counts(profile, count(profile, current)).joint is None
    found = score_counts(profile, count(profile, current), sample=current)
    assert joint(found).pairs == joint(score(profile, current)).pairs
    assert joint(score(load_profile(dump_profile(profile)), current)) == joint(score(profile, current))


CURVES: dict[str, Callable[[Window], Window]] = {
    "rises and falls": lambda x: x | {"f1": np.abs(x["f0"]) + 0.5 * x["f1"]},
    "spread grows with the other": lambda x: x | {"f1": x["f1"] * np.exp(np.abs(x["f0"]))},
}


@pytest.mark.parametrize("curve", CURVES)
def test_a_pair_that_is_no_correlation_is_named(curve: str) -> None:
    reference = CURVES[curve](together(1, 3000, 0.0))
    current = CURVES[curve](together(2, 3000, 0.0))
    assert not score(Profile.fit(reference), current).joint_drifted
    current["f1"] = np.random.default_rng(3).permutation(current["f1"])
    report = score(Profile.fit(reference), current)
    assert report.drifted == ()
    assert {joint(report).pairs[0].first, joint(report).pairs[0].second} == {"f0", "f1"}
    assert joint(report).pairs[0].of != "ranks"


def test_what_no_pair_shows_is_found_by_the_classifier() -> None:
    def window(seed: int, *, linked: bool) -> Window:
        columns = together(seed, 4000, 0.0, features=3)
        sign = np.sign(columns["f0"] * columns["f1"])
        return columns | ({"f2": np.abs(columns["f2"]) * sign} if linked else {})

    report = score(Profile.fit(window(1, linked=True)), window(2, linked=False))
    assert report.drifted == ()
    assert report.joint_drifted
    assert joint(report).pairs == ()
    assert joint(report).auc > 0.6
    assert "a classifier tells the windows apart" in of_drift("churn", report).summary


def test_a_link_of_three_features_among_ten_is_found() -> None:
    def window(seed: int, *, linked: bool) -> Window:
        columns = together(seed, 3000, 0.0, 10)
        sign = np.sign(columns["f4"] * columns["f7"])
        return columns | ({"f2": np.abs(columns["f2"]) * sign} if linked else {})

    profile = Profile.fit(window(1, linked=True))
    assert not score(profile, window(2, linked=True)).joint_drifted
    report = score(profile, window(3, linked=False))
    assert report.joint_drifted
    assert joint(report).pairs == ()


def test_categories_and_missing_values_go_together_as_well() -> None:
    def window(seed: int, *, linked: bool) -> Window:
        rng = np.random.default_rng(seed)
        plan = rng.choice(["gold", "tin", "iron"], 3000)
        price = rng.lognormal(3, 1, 3000) * np.where(plan == "gold", 9, 1)
        price[rng.random(3000) < 0.1] = np.nan
        return {"plan": plan if linked else rng.permutation(plan), "price": price, "age": rng.normal(size=3000)}

    profile = Profile.fit(window(1, linked=True))
    assert not score(profile, window(2, linked=True)).joint_drifted
    report = score(profile, window(3, linked=False))
    assert {joint(report).pairs[0].first, joint(report).pairs[0].second} == {"plan", "price"}


@pytest.mark.parametrize(("reference", "current"), [(5000, 1000), (1000, 5000), (600, 600)])
@pytest.mark.parametrize("features", [2, 30])
def test_clean_windows_are_no_joint_drift(features: int, reference: int, current: int) -> None:
    found, seeds = 0, some(range(20), 5)
    for seed in seeds:
        profile = Profile.fit(together(seed, reference, 0.8, features))
        found += score(profile, together(1000 + seed, current, 0.8, features)).joint_drifted
    assert found <= len(seeds) // 20


def test_drift_of_features_by_themselves_is_no_joint_drift() -> None:
    moved = {name: np.exp(column) + 3 for name, column in together(2, 3000, 0.8).items()}
    report = score(Profile.fit(together(1, 3000, 0.8)), moved)
    assert len(report.drifted) == FEATURES
    assert not report.joint_drifted


def test_days_whose_correlations_differ_are_no_joint_drift() -> None:
    rng = np.random.default_rng(5)

    def day(seed: int) -> Window:
        return together(seed, 500, float(np.clip(rng.normal(0.3, 0.25), -0.9, 0.9)), features=3)

    found = 0
    for seed in range(10):
        days = [day(100 * seed + k) for k in range(20)]
        reference = {name: np.concatenate([one[name] for one in days]) for name in days[0]}
        found += score(Profile.fit(reference), day(100 * seed + 50)).joint_drifted
    assert found <= 1


def test_too_few_rows_or_features_say_nothing() -> None:
    profile = Profile.fit(together(1, 3000, 0.8))
    assert score(profile, together(2, FEWEST - 1, -0.8)).joint is None
    assert score(Profile.fit({"x": np.arange(500.0)}), {"x": np.arange(500.0)}).joint is None
    assert score(profile, {"f0": together(2, 900, 0.8)["f0"]}).joint is None
    assert (
        score(Profile.fit(together(1, 3000, 0.8), together=["f2", "f3"]), together(2, 900, -0.8)).joint_drifted is False
    )


def test_joint_drift_is_a_finding_that_names_the_pair() -> None:
    report = score(Profile.fit(together(1, 3000, 0.9)), together(2, 2000, -0.9))
    verdict = of_drift("churn", report)
    assert (verdict.outcome, verdict.severity.value) == (Outcome.BAD, "error")
    assert "rank correlation of f0 and f1 0.89 then, -0.89 now" in verdict.summary
    assert verdict.evidence["f0 and f1"].startswith("rank correlation")
