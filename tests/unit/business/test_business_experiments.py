"""The effect of a model from the arms of an experiment: the interval must hold a known effect as often as it says."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.business.checks import EstimateError
from core.business.experiments import Arm, difference, doubt, heavy_tail, sample_ratio
from core.business.interval import Interval
from core.business.model_roi import Verdict, model_roi
from infra.local.replay.order_details import EFFECT, TREATMENT, details
from infra.local.replay.orders import ORDERS, Orders
from tests.support.builders.budget import some

SEEDS = 1000


def arm(dollars: np.ndarray) -> Arm:
    return Arm(
        customers=dollars.size,
        mean=float(dollars.mean()),
        variance=float(dollars.var(ddof=1)),
        largest=float(dollars.max()),
    )


def test_it_is_welchs_interval() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.gamma(2, 5, 300), rng.gamma(2, 4, 70)
    for level in (0.9, 0.95):
        expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(level)
        found = difference(arm(one), arm(other), level=level)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_holds_the_known_effect_on_the_orders_of_a_real_shop() -> None:
    """Its customers are assigned anew with each seed by the generator that makes up the experiment of the local system.

    Revenue of a quarter, of which a few customers make up much: the tails are those of the data.
    """
    orders = Orders.read(ORDERS, date(2011, 12, 9))
    recent = (orders.customer > 0) & (orders.ordered_at >= orders.ordered_at[-1] - 90 * 1440)
    dollars, customer, source = orders.dollars[recent], orders.customer[recent], orders.source[recent]
    who, place = np.unique(customer, return_inverse=True)
    spent = np.bincount(place, weights=dollars)
    truth = EFFECT * spent.mean()
    first = np.unique(place, return_index=True)[1]
    held, seeds = 0, some(range(SEEDS), 300)
    for seed in seeds:
        arms = details(who, who * 0, source=source[first], customer=who, dollars=spent, seed=seed * 7)["arm"]
        treated = np.array(arms) == TREATMENT
        found = difference(arm(spent[treated] * (1.0 + EFFECT)), arm(spent[~treated]))
        held += found.low <= truth <= found.high
    assert 0.86 <= held / len(seeds) <= 0.94, held / len(seeds)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_interval_holds_as_often_as_it_says(share: float) -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(SEEDS):
        dollars = rng.lognormal(3, 1, 2000)
        treated = rng.random(2000) < share
        found = difference(arm(dollars[treated] + 2.0), arm(dollars[~treated]))
        held += found.low <= 2.0 <= found.high
    assert 0.87 <= held / SEEDS <= 0.93


def test_a_planned_split_is_seldom_doubted_and_a_broken_one_is() -> None:
    rng = np.random.default_rng(4)
    counts = rng.binomial(10_000, 0.5, SEEDS)
    p_values = [sample_ratio({"a": int(n), "b": 10_000 - int(n)}, {"a": 0.5, "b": 0.5}) for n in counts]
    assert sum(value < 0.001 for value in p_values) <= 4
    assert sample_ratio({"a": 5_200, "b": 4_800}, {"a": 0.5, "b": 0.5}) < 0.001
    expected = stats.chisquare([900, 100], [880, 120]).pvalue
    assert sample_ratio({"a": 900, "b": 100}, {"a": 0.88, "b": 0.12}) == pytest.approx(expected)


A = Arm(customers=200, mean=10.0, variance=9.0, largest=30.0)


@pytest.mark.parametrize(
    ("arms", "split", "reason"),
    [
        ({"old": A, "new": A}, {}, None),
        ({"new": A}, {}, "no customer in the control arm 'old'"),
        ({"old": A}, {}, "no other arm than 'old'"),
        ({"old": A, "new": A}, {"old": 0.5, "newer": 0.5}, "arms that are planned or have customers, and not both: new, newer"),
        (
            dict.fromkeys(("old", "new"), Arm(customers=200, mean=0.0, variance=0.0, largest=0.0)),
            {},
            "revenue does not differ between customers in any arm: perhaps no orders are reported",
        ),
        ({"old": A, "new": Arm(customers=3, mean=1.0, variance=1.0, largest=2.0)}, {}, "too few customers: 'new' has 3, 100 are needed"),
        ({"old": A, "new": A}, {"old": 0.9, "new": 0.1}, "sample ratio mismatch: 'new' 200, 'old' 200 do not fit the planned split (p = 1e-156)"),
    ],
)  # fmt: skip
def test_a_doubt_names_what_is_wrong(arms: dict[str, Arm], split: dict[str, float], reason: str | None) -> None:
    assert doubt(arms, "old", split, 100) == reason


def test_what_cannot_be_estimated_is_refused() -> None:
    one = Arm(customers=1, mean=1.0, variance=0.0, largest=1.0)
    with pytest.raises(EstimateError, match="customers: must be at least 2 in each arm, got 1 and 200"):
        difference(one, A)
    with pytest.raises(EstimateError, match="level: must be above 0 and below 1, got 1"):
        difference(A, A, level=1)
    with pytest.raises(EstimateError, match=r"split: must have the arms \['a'\], got \['b'\]"):
        sample_ratio({"a": 1}, {"b": 1.0})
    with pytest.raises(EstimateError, match="cost: must be above 0, got 0"):
        model_roi(Interval(low=1.0, middle=1.0, high=1.0), 0.0, target=0.5)
    assert heavy_tail(A) is None
    assert heavy_tail(Arm(customers=2, mean=-1.0, variance=1.0, largest=0.0)) is None
    same = Arm(customers=9, mean=2.0, variance=0.0, largest=2.0)
    assert difference(same, same) == Interval(low=0.0, middle=0.0, high=0.0)
    assert sample_ratio({"a": 0}, {"a": 1.0}) == 1.0


amounts = st.floats(-1e6, 1e6)


@given(st.tuples(amounts, amounts, amounts).map(sorted), st.floats(1.0, 1e6), st.floats(0, 1e6), st.floats(-1, 5))
def test_a_return_keeps_the_order_of_its_bounds(
    bounds: list[float], cost: float, investment: float, target: float
) -> None:
    low, middle, high = bounds
    found = model_roi(Interval(low=low, middle=middle, high=high), cost, target=target, investment=investment)
    for value in (found.ratio, found.projection):
        assert value.low <= value.middle <= value.high
    if found.payback is None:
        assert middle <= cost
    else:
        assert 0 <= found.payback.low <= found.payback.middle <= found.payback.high
        assert math.isinf(found.payback.high) == (low <= cost)
    assert (found.verdict is Verdict.GOOD) == (found.ratio.low >= target)
    assert (found.verdict is Verdict.BAD) == (found.ratio.high < target)
