"""Rows that are alike: windows of them do not alarm, the size they are worth is shown, and independent rows count in full."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from core.drift import DriftReport, Profile, count, score, score_counts
from core.drift.dependence import CELLS, Dependence, category_codes, numeric_codes
from core.drift.storage import dump_profile, load_profile
from tests.support.builders.budget import examples

Values = NDArray[np.float64]
Make = Callable[[np.random.Generator], Values]
WINDOWS, COUNTED = examples(300), 3
"""Windows of each kind, and how many of them are compared by counts as well."""


def autocorrelated(rng: np.random.Generator, rows: int, phi: float) -> Values:
    """A normal process in which each row is `phi` times the one before it, and noise."""
    noise = rng.normal(size=rows) * math.sqrt(1 - phi**2)
    values = np.empty(rows)
    values[0] = rng.normal()
    for row in range(1, rows):
        values[row] = phi * values[row - 1] + noise[row]
    return values


def by_day(rng: np.random.Generator, days: int, rows: int, wobble: float) -> Values:
    """Normal rows whose mean is another one every day."""
    found: Values = (rng.normal(size=(days, rows)) + wobble * rng.normal(size=(days, 1))).ravel()
    return found


def reports(reference: Make, current: Make) -> list[DriftReport]:
    found = []
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        profile, window = Profile.fit({"x": reference(rng)}), {"x": current(rng)}
        found.append(score(profile, window))
        if seed >= COUNTED:
            continue
        counted = score_counts(profile, count(profile, window))
        assert (counted.drifted, counted["x"].n_effective) == (found[-1].drifted, found[-1]["x"].n_effective)
    return found


def alarms(found: list[DriftReport]) -> int:
    return sum(bool(report.drifted) for report in found)


def most(rate: float) -> float:
    """Of the windows, how many alarm at most by chance at a rate."""
    return rate * WINDOWS + 3 * math.sqrt(rate * WINDOWS)


@pytest.mark.parametrize(("phi", "worth"), [(0.5, 333), (0.9, 53)])
def test_autocorrelated_rows_do_not_alarm_and_are_worth_fewer(phi: float, worth: int) -> None:
    found = reports(lambda rng: autocorrelated(rng, 10_000, phi), lambda rng: autocorrelated(rng, 1000, phi))
    assert alarms(found) <= most(0.02)
    assert worth / 2.5 < np.median([report["x"].n_effective for report in found]) < worth * 1.2
    assert all(report["x"].dependent for report in found)


@pytest.mark.parametrize(("days", "wobble"), [(10, 0.05), (10, 0.1), (30, 0.05), (30, 0.1), (30, 0.2)])
def test_days_that_differ_do_not_alarm(days: int, wobble: float) -> None:
    found = reports(lambda rng: by_day(rng, days, 1000, wobble), lambda rng: by_day(rng, 1, 1000, wobble))
    assert alarms(found) <= most(0.05)


def test_nor_does_a_week_of_such_days() -> None:
    found = reports(lambda rng: by_day(rng, 30, 1000, 0.1), lambda rng: by_day(rng, 7, 1000, 0.1))
    assert alarms(found) <= most(0.05)


def test_nor_do_categories_of_days_that_differ() -> None:
    def words(rng: np.random.Generator, days: int) -> NDArray[np.str_]:
        shares = 0.5 + 0.05 * rng.normal(size=days)
        return np.where(rng.random((days, 1000)) < shares[:, None], "a", "b").ravel()

    found = 0
    for seed in range(WINDOWS):
        rng = np.random.default_rng(seed)
        found += bool(score(Profile.fit({"x": words(rng, 30)}), {"x": words(rng, 1)}).drifted)
    assert found <= most(0.05)


def test_a_day_that_is_far_from_all_others_is_found() -> None:
    found = reports(lambda rng: by_day(rng, 30, 1000, 0.1), lambda rng: by_day(rng, 1, 1000, 0.1) + 0.6)
    assert alarms(found) >= 0.95 * WINDOWS


def test_independent_rows_count_in_full_and_a_shift_of_a_fifth_is_found() -> None:
    found = reports(lambda rng: rng.normal(size=10_000), lambda rng: rng.normal(0.2, size=1000))
    assert np.mean([report["x"].dependent for report in found]) < 0.07
    assert alarms(found) >= 0.95 * WINDOWS


def test_rows_sorted_by_a_column_count_in_full() -> None:
    rng = np.random.default_rng(1)
    reference = {"sorted": np.sort(rng.normal(size=5000)), "other": rng.normal(size=5000)}
    report = score(Profile.fit(reference), {"sorted": rng.normal(0.3, size=1000), "other": rng.normal(size=1000)})
    assert report["sorted"].n_effective == 1000
    assert report.drifted == ("sorted",)


def test_a_sample_of_a_reference_is_worth_what_the_whole_is() -> None:
    rng = np.random.default_rng(2)
    whole = by_day(rng, 30, 10_000, 0.2)
    sampled = np.sort(rng.choice(whole.size, 20_000, replace=False))
    known = Profile.fit({"x": whole}).dependence
    guessed = Profile.fit({"x": whole[sampled]}, population=whole.size).dependence
    [full], [part] = known.worth(10_000), guessed.worth(10_000)
    assert full < 100
    assert part == pytest.approx(full, rel=0.6)


def test_few_rows_no_rows_and_constants_are_independent() -> None:
    for values in ([], [1.0] * 3, [1.0] * 1000, [math.nan] * 1000):
        profile = Profile.fit({"x": np.array(values)})
        assert profile.dependence.worth(50).tolist() == [50.0]
        assert profile.dependence.effect(len(values), 50).tolist() == [1.0]
    assert Dependence.none(10, 2).worth(0).tolist() == [0.0, 0.0]


def test_a_stored_profile_knows_it() -> None:
    profile = Profile.fit({"x": by_day(np.random.default_rng(3), 30, 500, 0.3)}, population=90_000)
    stored = load_profile(dump_profile(profile))
    assert stored.dependence.rows == 90_000
    assert np.array_equal(stored.dependence.between, profile.dependence.between)


def test_cells_are_quantiles_and_frequent_categories() -> None:
    values = np.array([math.nan, *range(64)])
    codes = numeric_codes(values, np.sort(values[1:]))
    assert codes.tolist() == [CELLS, *(k // 2 for k in range(64))]
    assert category_codes(["a", "b", None, "z"], ["b", "a"]).tolist() == [1, 0, CELLS, CELLS - 1]


@pytest.mark.parametrize("length", [1, 6])
def test_an_hourly_rhythm_is_known_by_the_calibration_and_what_exceeds_it_is_found(length: int) -> None:
    """Windows of some hours, one an hour; of the first slot at noon all windows but one are missing, so that it is judged by all slots."""
    rng = np.random.default_rng(4)
    hours, rows, noon = 28 * 24, 60, 12
    values = np.sin(2 * math.pi * np.arange(hours + 168) / 24)[:, None] + rng.normal(size=(hours + 168, rows))

    def window(hour: int, shift: float = 0.0) -> dict[str, Values]:
        return {"x": values[hour - length + 1 : hour + 1].ravel() + shift}

    profile = Profile.fit({"x": values[:hours].ravel()})
    seen = [hour for hour in range(length, hours) if hour % 168 != noon or hour > hours - 168]
    calibrated = profile.calibrated([(hour % 168, score(profile.independent, window(hour))) for hour in seen])
    week = [score(calibrated, window(hour), slot=hour % 168) for hour in range(hours, hours + 168)]
    assert alarms(week) <= 2
    assert max(report["x"].usual for report in week) < 3
    at_noon = [score(calibrated, window(hour, 2.0), slot=hour % 168) for hour in range(hours + noon, hours + 168, 24)]
    assert alarms(at_noon[1:]) == len(at_noon) - 1
