"""Recommendations: made of evidence only, kept through decisions in any order, and measured against the costs before."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.business.recommendations import (
    Confidence,
    CostScope,
    MachineUse,
    Recommendation,
    RecommendationKind,
    ServingDay,
    commitment,
    idle_endpoint,
    largest_first,
    oversized_machine,
    unpartitioned_scan,
)
from core.business.savings import (
    RecommendationDecision,
    RecommendationState,
    TrackedRecommendation,
    saved_since,
    track,
    with_saving,
)
from core.business.scans import TableScan
from tests.unit.business.test_costs import source

AT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
IDLE = [ServingDay(dollars=10.0, predictions=0)] * 14
MACHINE = MachineUse(target="model/churn", model="churn", cpu=0.3, memory=None, dollars_per_day=10.0)


def test_an_endpoint_is_idle_only_where_every_day_is_counted() -> None:
    found = idle_endpoint("churn", IDLE)
    assert found is not None
    assert (found.target, found.dollars_per_month, found.confidence) == ("model/churn", 300.0, Confidence.HIGH)
    assert "no prediction in 14 days" in found.evidence
    for day in (ServingDay(dollars=10.0, predictions=None), ServingDay(dollars=10.0, predictions=1)):
        assert idle_endpoint("churn", [*IDLE[1:], day]) is None
    assert idle_endpoint("churn", IDLE[1:]) is None
    assert idle_endpoint("churn", [ServingDay(dollars=0.0, predictions=0)] * 14) is None
    some = idle_endpoint("churn", [*IDLE[1:], ServingDay(dollars=0.0, predictions=0)])
    assert some is not None
    assert some.confidence is Confidence.MEDIUM


@pytest.mark.parametrize(
    ("cpu", "memory", "dollars"), [(0.1, None, 225.0), (0.3, None, 150.0), (0.3, 0.6, None), (0.36, None, None)]
)
def test_a_machine_is_halved_where_it_stays_below_its_limit(
    cpu: float, memory: float | None, dollars: float | None
) -> None:
    found = oversized_machine(replace(MACHINE, cpu=cpu, memory=memory))
    assert (found.dollars_per_month if found else None) == dollars


def test_a_machine_is_less_certain_without_its_memory() -> None:
    known, unknown = oversized_machine(replace(MACHINE, memory=0.2)), oversized_machine(MACHINE)
    assert known is not None
    assert unknown is not None
    assert (known.confidence, unknown.confidence) == (Confidence.MEDIUM, Confidence.LOW)
    assert oversized_machine(replace(MACHINE, cpu=math.nan)) is None


def test_a_table_without_partitions_is_a_recommendation_with_its_bytes_and_what_to_do() -> None:
    whole = 10**9 * 24
    found = unpartitioned_scan(TableScan(source=source(), whole=whole, period=whole, empty_day=whole))
    assert found is not None
    assert "each statement reads 22.4 GiB, $1,179 a month: partition shop.paid by DAY(paid_at)" in found.evidence
    assert unpartitioned_scan(TableScan(source=source(), whole=whole, period=10, empty_day=0)) is None


def test_a_commitment_is_to_the_base_not_to_the_mean() -> None:
    steady = commitment("Compute Engine", "us-central1", [100.0] * 30)
    batch = commitment("Compute Engine", "us-central1", [10.0] * 25 + [500.0] * 5)
    assert steady is not None
    assert batch is not None
    assert steady.dollars_per_month == pytest.approx(100 * 30 * 0.28)
    assert batch.dollars_per_month == pytest.approx(10 * 30 * 0.28)
    assert (steady.confidence, batch.confidence) == (Confidence.MEDIUM, Confidence.LOW)
    assert commitment("Compute Engine", "us-central1", [100.0] * 29) is None
    assert commitment("Cloud Storage", "us-central1", [100.0] * 30) is None
    assert commitment("Compute Engine", "us-central1", [100.0] * 20 + [0.0] * 10) is None


def made(
    target: str, dollars: float | None = 10.0, kind: RecommendationKind = RecommendationKind.GOOGLE
) -> Recommendation:
    return Recommendation(
        kind=kind,
        target=target,
        dollars_per_month=dollars,
        evidence="e",
        confidence=Confidence.LOW,
        scope=CostScope(model="churn"),
    )


def test_those_that_save_most_come_first_each_once() -> None:
    found = largest_first([made("a", 1.0), None, made("b", None), made("c", 5.0), made("a", 1.0)])
    assert [one.target for one in found] == ["c", "a", "b"]


def decided(state: str, at: datetime, by: str = "ada") -> RecommendationDecision:
    return RecommendationDecision(key="google:a", state=RecommendationState(state), by=by, note="", decided_at=at)


def test_the_newest_decision_counts_in_whatever_order_they_come() -> None:
    decisions = [decided("done", AT), decided("dismissed", AT + DAY), decided("open", AT - DAY)]
    states = {track([], [made("a")], order, AT)[0].state for order in permutations(decisions)}
    assert states == {RecommendationState.DISMISSED}


def test_what_is_no_longer_made_is_withdrawn_unless_its_source_did_not_answer() -> None:
    [known] = track([], [made("a")], [], AT)
    [gone] = track([known], [], [], AT + DAY)
    assert (gone.state, gone.first_seen, gone.last_seen) == (RecommendationState.WITHDRAWN, AT, AT)
    [kept] = track([known], [], [], AT + DAY, not_asked=[RecommendationKind.GOOGLE])
    assert kept.state is RecommendationState.OPEN
    [again] = track([gone], [made("a", 12.0)], [], AT + 2 * DAY)
    assert (again.state, again.first_seen, again.recommendation.dollars_per_month) == (
        RecommendationState.OPEN,
        AT,
        12.0,
    )
    [done] = track([known], [], [decided("done", AT)], AT + DAY)
    assert done.state is RecommendationState.DONE


def test_tracking_twice_changes_nothing() -> None:
    once = track([], [made("a"), made("b")], [decided("done", AT)], AT)
    assert track(once, [made("a"), made("b")], [decided("done", AT)], AT) == once


def done_at(at: datetime) -> TrackedRecommendation:
    [one] = track([], [made("a")], [decided("done", at)], at)
    return one


def test_a_saving_is_the_cost_before_less_the_cost_since() -> None:
    daily = {AT + n * DAY: (10.0 if n < 0 else 3.0) for n in range(-40, 6)}
    found = with_saving(done_at(AT + timedelta(hours=9)), daily, AT - 40 * DAY, AT + 6 * DAY)
    assert found.saved_dollars == pytest.approx(5 * 7.0)  # the day on which it was done counts neither way
    assert found.saved_until == AT + 6 * DAY
    grown = with_saving(done_at(AT), dict.fromkeys(daily, 10.0) | {AT + 2 * DAY: 30.0}, AT - 40 * DAY, AT + 6 * DAY)
    assert grown.saved_dollars == pytest.approx(-20.0)


def test_a_saving_is_not_known_before_a_day_is_over_or_without_a_past() -> None:
    daily = {AT + n * DAY: 10.0 for n in range(-40, 6)}
    assert with_saving(done_at(AT), daily, AT - 40 * DAY, AT + DAY).saved_dollars is None
    assert with_saving(done_at(AT), daily, AT - 6 * DAY, AT + 6 * DAY).saved_dollars is None
    assert with_saving(done_at(AT), {}, AT - 40 * DAY, AT + 6 * DAY).saved_dollars is None
    assert saved_since([0.0] * 30, [0.0]) is None
    alone = replace(done_at(AT), recommendation=replace(made("a"), scope=CostScope()))
    assert with_saving(alone, daily, AT - 40 * DAY, AT + 6 * DAY).saved_dollars is None
