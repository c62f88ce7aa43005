"""When a change is called drift, and when it is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from core.drift import (
    DriftReport,
    Kind,
    Mode,
    Profile,
    ProfileError,
    Reason,
    Thresholds,
    hour_of_week,
    score,
)
from core.drift.calibration import Calibration
from core.drift.storage import dump_profile, load_profile
from core.drift.verdict import benjamini_hochberg, overall
from tests.support.builders.budget import some

Floats = NDArray[np.float64]
FEATURES = 20


def window(seed: int, rows: int, shift: float = 0.0, moved: int = 1) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {f"f{k}": rng.normal(size=rows) + (shift if k < moved else 0.0) for k in range(FEATURES)}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.fit(window(0, 20_000))


def test_a_window_like_the_reference_has_not_drifted(profile: Profile) -> None:
    report = score(profile, window(1, 5000))
    assert report.drifted == ()
    assert report.reason is Reason.NO_CHANGE
    assert (report.n_reference, report.n_current) == (20_000, 5000)
    assert report.mode is Mode.EXACT
    assert report.strength == 0.0


def test_a_shift_is_drift_and_its_size_is_told(profile: Profile) -> None:
    report = score(profile, window(2, 5000, shift=0.3, moved=2))
    assert report.drifted == ("f0", "f1")
    assert report.reason is Reason.DRIFT
    assert report["f0"].strength == pytest.approx(0.3, abs=0.06)
    assert report["f0"].shift == pytest.approx(0.3, abs=0.06)
    assert report.share == 0.1
    assert {feature.name for feature in report.ranked[:2]} == {"f0", "f1"}
    assert report.strength == max(report["f0"].strength, report["f1"].strength)


def test_a_fall_has_a_negative_shift(profile: Profile) -> None:
    assert score(profile, window(3, 5000, shift=-0.5))["f0"].shift == pytest.approx(-0.5, abs=0.06)


def test_a_certain_but_small_change_is_reported_and_not_alarmed() -> None:
    profile = Profile.fit(window(4, 400_000))
    report = score(profile, window(5, 400_000, shift=0.03))
    assert report.drifted == ()
    assert report["f0"].reason is Reason.SMALL_CHANGE
    assert report["f0"].q_value < 0.001
    assert report.reason is Reason.SMALL_CHANGE


def test_the_threshold_is_the_users(profile: Profile) -> None:
    current = window(6, 5000, shift=0.3)
    assert score(profile, current, thresholds=Thresholds(shift=0.5)).reason is Reason.SMALL_CHANGE
    assert score(profile, current, thresholds=Thresholds(minimum_rows=6000)).reason is Reason.INSUFFICIENT_DATA


def wide(seed: int, shift: float = 0.0) -> dict[str, Floats]:
    """Fifty features of 5,000 rows, of which five have moved."""
    rows = np.random.default_rng(seed).normal(size=(50, 5000))
    rows[:5] += shift
    return {f"f{k}": row for k, row in enumerate(rows)}


def test_of_fifty_features_those_that_moved_by_a_fifth_are_found_and_few_windows_alarm_without_cause() -> None:
    alarms = recalled = 0
    seeds = some(range(60), 6)
    for seed in seeds:
        profile = Profile.fit(wide(seed), together=())
        alarms += bool(score(profile, wide(1000 + seed)).drifted)
        recalled += len({*score(profile, wide(2000 + seed, 0.2)).drifted} & {f"f{k}" for k in range(5)})
    assert recalled >= 0.99 * 5 * len(seeds)
    assert alarms <= max(1, 0.05 * len(seeds))


CHANGES: dict[str, Callable[[np.random.Generator, Floats], Floats]] = {
    "wider": lambda _, x: x * 1.3,
    "two humps": lambda rng, x: np.where(rng.random(x.size) < 0.5, x - 1.5, x + 1.5),
    "some missing": lambda rng, x: np.where(rng.random(x.size) < 0.05, np.nan, x),
    "some infinite": lambda rng, x: np.where(rng.random(x.size) < 0.05, np.inf, x),
    "constant": lambda _, x: np.full(x.size, 0.5),
    "all missing": lambda _, x: np.full(x.size, np.nan),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_kind_of_change_is_found(profile: Profile, change: str) -> None:
    current = window(7, 5000)
    current["f3"] = CHANGES[change](np.random.default_rng(7), current["f3"])
    assert score(profile, current).drifted == ("f3",)


def test_a_new_category_is_drift_and_the_bin_that_moved_most_says_so() -> None:
    rng = np.random.default_rng(8)
    profile = Profile.fit({"city": rng.choice(["Rome", "Oslo"], 5000)})
    report = score(profile, {"city": rng.choice(["Rome", "Oslo", "Bern"], 900)})
    assert report.drifted == ("city",)
    assert report["city"].kind is Kind.CATEGORICAL
    moved = report["city"].moved[0]
    assert (moved.label, moved.reference) == ("new", 0.0)
    assert moved.moved == pytest.approx(1 / 3, abs=0.05)


def test_the_bins_hold_all_rows_of_both_windows(profile: Profile) -> None:
    bins = score(profile, window(9, 500, shift=1.0))["f0"].bins
    assert sum(part.reference for part in bins) == pytest.approx(1.0)
    assert sum(part.current for part in bins) == pytest.approx(1.0)
    assert bins[0].label.startswith("below -1.")
    assert bins[-1].label.endswith(" and above")


def test_one_wild_value_changes_nothing_and_hides_nothing() -> None:
    for seed in range(3):
        reference, calm, moved = window(seed, 50_000), window(seed + 10, 50_000), window(seed + 20, 50_000, shift=1.0)
        reference["f0"][7] = calm["f1"][7] = moved["f0"][7] = 1000.0
        profile = Profile.fit(reference)
        assert score(profile, calm).drifted == ()
        report = score(profile, moved)
        assert report.drifted == ("f0",)
        assert report["f0"].strength == pytest.approx(1.0, abs=0.05)


def test_a_constant_feature_that_is_compared_nevertheless_has_drifted_once_it_moves() -> None:
    rng = np.random.default_rng(10)
    profile = Profile.fit({"x": np.full(1000, 0.42)}, always=["x"])
    assert score(profile, {"x": np.full(100, 0.42)}).drifted == ()
    assert score(profile, {"x": 0.42 + 0.01 * rng.normal(size=100)}).drifted == ("x",)
    assert score(profile, {"x": np.full(100, 0.43)}).drifted == ("x",)


def test_an_absent_column_is_said_to_be_absent(profile: Profile) -> None:
    current = window(11, 500)
    del current["f5"]
    report = score(profile, current)
    assert report["f5"].reason is Reason.ABSENT
    assert report.drifted == ()
    assert score(profile, {}).reason is Reason.ABSENT


def test_a_profile_of_nothing_has_nothing_to_say() -> None:
    report = score(Profile.fit({}), {"x": [1.0]})
    assert report.features == ()
    assert report.reason is Reason.INSUFFICIENT_DATA


def test_an_unknown_feature_is_no_key_of_a_report(profile: Profile) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        _ = score(profile, {})["nowhere"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shift": 0.0}, "shift: must be above 0 and at most 6 sd, got 0.0"),
        ({"shift": 7.0}, "got 7.0"),
        ({"false_alarms": 1.0}, "false_alarms: must be above 0 and below 1, got 1.0"),
        ({"minimum_rows": 1}, "minimum_rows: must be at least 2, got 1"),
    ],
)
def test_a_threshold_out_of_range_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Thresholds(**arguments)  # type: ignore[arg-type]


def test_a_threshold_says_what_it_means_for_each_test() -> None:
    meaning = Thresholds(shift=1.0).meaning
    rng = np.random.default_rng(12)
    found = score(Profile.fit({"x": rng.normal(size=200_000)}), {"x": rng.normal(1.0, 1.0, 200_000)})["x"]
    for name, test in found.tests.items():
        assert name == "chi2" or test.value == pytest.approx(meaning[name], rel=0.03)


def test_q_values_follow_benjamini_and_hochberg() -> None:
    p_values = np.array([0.9, 0.001, 0.02, 0.03])
    assert benjamini_hochberg(p_values) == pytest.approx([0.9, 0.004, 0.04, 0.04])
    assert benjamini_hochberg(np.zeros(0)).size == 0


def test_the_gravest_reason_is_the_windows() -> None:
    assert overall((Reason.NO_CHANGE, Reason.SMALL_CHANGE, Reason.ABSENT)) is Reason.SMALL_CHANGE
    assert overall((Reason.NO_CHANGE, Reason.SEASONAL, Reason.DRIFT)) is Reason.DRIFT
    assert overall(()) is Reason.INSUFFICIENT_DATA


def history(profile: Profile, swing: float) -> list[tuple[int, DriftReport]]:
    """Eight weeks in which the first feature swings in slot 5 and in no other."""
    return [
        (slot, score(profile, window(1000 + 10 * week + slot, 2000, shift=swing if slot == 5 else 0.0)))
        for week in range(8)
        for slot in (4, 5)
    ]


def test_what_is_usual_for_the_hour_is_seasonal_and_more_is_drift(profile: Profile) -> None:
    calibrated = profile.calibrated(history(profile, swing=0.4))
    usual = window(2000, 2000, shift=0.4)
    assert score(profile, usual).reason is Reason.DRIFT
    assert score(calibrated, usual, slot=5).reason is Reason.SEASONAL
    assert score(calibrated, usual, slot=5)["f0"].usual == pytest.approx(0.45, abs=0.15)
    assert score(calibrated, usual, slot=4).drifted == ("f0",)
    assert score(calibrated, window(2001, 2000, shift=0.9), slot=5).drifted == ("f0",)
    assert score(load_profile(dump_profile(calibrated)), usual, slot=5).reason is Reason.SEASONAL


def test_a_slot_never_seen_is_judged_by_all_of_them(profile: Profile) -> None:
    calibration = Calibration.learn(history(profile, swing=0.4), profile.order)
    assert np.array_equal(calibration.usual(99), calibration.anywhere)
    assert np.array_equal(calibration.usual(None), calibration.anywhere)
    assert calibration.slots.tolist() == [4, 5]


def test_a_calibration_needs_a_past(profile: Profile) -> None:
    with pytest.raises(ProfileError, match="history: must hold at least 1 window, got none"):
        profile.calibrated([])


def test_slots_are_hours_of_the_week() -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    assert [hour_of_week(monday + timedelta(hours=k)) for k in range(168)] == list(range(168))
