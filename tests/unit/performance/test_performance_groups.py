"""The performance of groups, and the largest gap between two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Outcome
from core.drift import ProfileError
from core.performance import BinaryMeter, Estimate, Gap, RegressionMeter, Rows, by_group, gaps, largest_gap
from core.performance.groups import MOST_GROUPS
from core.performance.judge import Reason, exceeded, of_gaps

METER = BinaryMeter()


def served(rates: dict[str, float], rows: int, *, seed: int) -> tuple[Rows, list[str]]:
    """So many rows of each group, of which the share is right."""
    rng = np.random.default_rng(seed)
    city = [name for name in rates for _ in range(rows)]
    right = rng.random(len(city)) < [rates[name] for name in city]
    score = rng.random(len(city))
    return Rows(score=score, label=((score >= 0.5) == right).astype(float)), city


def gap_of(rates: dict[str, float], rows: int = 900, *, seed: int = 1) -> Gap:
    told, city = served(rates, rows, seed=seed)
    [found] = gaps(METER, told, {"city": city}, ["accuracy"])
    return found


def test_the_gap_is_between_the_best_and_the_worst_group() -> None:
    found = gap_of({"Rome": 0.9, "Oslo": 0.7, "Bonn": 0.8})
    assert (found.best, found.worst, found.size.rows) == ("Rome", "Oslo", 1800)
    assert found.size.value == pytest.approx(0.2, abs=0.04)
    assert found.size.low > 0.1
    assert found.groups["Bonn"].value == pytest.approx(0.8, abs=0.04)
    assert found.p_value < 1e-9


def test_the_interval_holds_every_gap_of_groups_that_are_alike_as_often_as_it_says() -> None:
    alike = {f"c{number}": 0.8 for number in range(8)}
    found = [gap_of(alike, 300, seed=seed) for seed in range(300)]
    assert sum(gap.size.low == 0 for gap in found) / 300 >= 0.93
    assert sum(gap.p_value <= 0.01 for gap in found) / 300 <= 0.02


def test_a_lower_error_is_better_and_a_bias_counts_by_its_size() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=900)
    off = np.repeat([0.0, 1.0, -2.0], 300)
    rows = Rows(score=y + off, label=y + rng.normal(size=900) / 10)
    city = np.repeat(["a", "b", "c"], 300).astype(object)
    found = gaps(RegressionMeter(), rows, {"city": city}, ["mae", "bias"])
    assert [(gap.metric, gap.best, gap.worst) for gap in found] == [("mae", "a", "c"), ("bias", "a", "c")]
    assert [gap.size.value for gap in found] == [pytest.approx(1.92, abs=0.05), pytest.approx(2.0, abs=0.05)]


def test_small_groups_are_measured_and_not_compared() -> None:
    rows, city = served({"Rome": 0.9, "Oslo": 0.1}, 30, seed=3)
    few = rows.take(np.arange(59))
    assert set(by_group(METER, few, city[:59])) == {"Rome", "Oslo"}
    assert gaps(METER, few, {"city": city[:59]}, ["accuracy"]) == ()
    assert len(gaps(METER, rows, {"city": city}, ["accuracy"])) == 1
    assert largest_gap("city", "accuracy", {}) is None
    with pytest.raises(ProfileError, match="group: must have 60 rows as score has, got 59"):
        by_group(METER, rows, city[:59])


def test_only_the_most_frequent_groups_with_labels_are_measured() -> None:
    city = [f"c{number:02}" for number in range(30) for _ in range(40 - number)] + [None]
    label = np.ones(len(city))
    label[:40] = np.nan
    found = by_group(METER, Rows(score=np.full(len(city), 0.9), label=label), city)
    assert list(found) == [f"c{number:02}" for number in range(1, MOST_GROUPS + 1)]


@pytest.mark.parametrize(
    ("rates", "limit", "outcome", "reason"),
    [
        ({"Rome": 0.9, "Oslo": 0.7}, 0.1, Outcome.BAD, Reason.GAP),
        ({"Rome": 0.9, "Oslo": 0.7}, 0.4, Outcome.GOOD, Reason.NO_GAP),
        ({"Rome": 0.8, "Oslo": 0.8}, 0.0, Outcome.NOT_KNOWN, Reason.DOUBTFUL),
        ({"Rome": 0.8}, 0.1, Outcome.NOT_KNOWN, Reason.INSUFFICIENT_DATA),
    ],
)
def test_a_gap_is_bad_where_it_is_above_its_limit_and_significant(
    *, rates: dict[str, float], limit: float, outcome: Outcome, reason: Reason
) -> None:
    rows, city = served(rates, 900, seed=4)
    found = gaps(METER, rows, {"city": city}, ["accuracy"])
    verdict = of_gaps("churn", found, {"accuracy": limit})
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert bool(exceeded(found, {"accuracy": limit})) is (outcome is Outcome.BAD)
    assert (verdict.threshold == limit) is (reason is not Reason.INSUFFICIENT_DATA)


def test_a_gap_names_both_groups_in_the_evidence() -> None:
    verdict = of_gaps("churn", [gap_of({"Rome": 0.9, "Oslo": 0.7})], {"accuracy": 0.1})
    assert list(verdict.evidence) == ["Accuracy by city"]
    assert verdict.evidence["Accuracy by city"].startswith("Rome 89.7% on 900 rows; Oslo ")
    assert verdict.evidence["Accuracy by city"].endswith("% on 900 rows")


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 0.2)), min_size=2, max_size=6))
def test_a_gap_is_never_below_zero_and_lies_within_its_interval(values: list[tuple[float, float]]) -> None:
    groups = {
        f"g{number}": {"accuracy": Estimate(value, value - reach, value + reach, 100)}
        for number, (value, reach) in enumerate(values)
    }
    found = largest_gap("city", "accuracy", groups)
    assert found is not None
    assert 0 <= found.size.low <= found.size.value <= found.size.high
    assert found.size.value == pytest.approx(max(v for v, _ in values) - min(v for v, _ in values))
