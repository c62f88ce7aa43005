"""What is learnt of performance in a reference, and what windows are told by it."""

import json

import numpy as np
import pytest
from scipy import stats

from core.drift.columns import Floats
from core.performance import BinaryMeter, PerformanceReference, Rows, Trend, assess, learn_performance
from core.performance.blocks import blocks
from core.performance.intervals import Estimate
from core.performance.student import chi_square, p_value
from infra.local.replay.flights import FLIGHTS, Flights
from infra.local.replay.scores import probabilities

DAY, WEEK = 86_400.0, 7 * 86_400.0
METER = BinaryMeter()


def days(count: int, per_day: int, *, seed: int, off: float = 0.0) -> tuple[Rows, Floats]:
    """Days of predictions whose probabilities are right on average; on each day they are too timid or too bold."""
    rng = np.random.default_rng(seed)
    score = rng.random((count, per_day))
    right = np.clip(0.5 + (score - 0.5) * (1 + 2 * off * rng.choice([-1.0, 1.0], size=(count, 1))), 0, 1)
    label = (rng.random(score.shape) < right).astype(float)
    seconds = (np.arange(count)[:, None] + rng.random(score.shape)) * DAY
    return Rows(score=score.ravel(), label=label.ravel()), seconds.ravel()


def without_labels(rows: Rows) -> Rows:
    return Rows(score=rows.score, label=np.full(len(rows.score), np.nan))


def test_days_that_differ_by_chance_alone_widen_nothing() -> None:
    reference = learn_performance(METER, *days(56, 300, seed=1), window=WEEK)
    assert "accuracy" not in reference.spread
    assert reference.between["accuracy"].blocks == 8
    assert reference.between["accuracy"].deviation < 0.01


def test_the_interval_holds_the_truth_of_days_that_are_off_as_those_of_the_reference() -> None:
    reference = learn_performance(METER, *days(56, 300, seed=2, off=0.2), window=WEEK)
    held = bare = 0
    for seed in range(100):
        rows, _ = days(1, 2000, seed=1000 + seed, off=0.2)
        truth = METER.measure(rows)["accuracy"].value
        wide, estimator = reference.expected(without_labels(rows)), reference.estimator
        assert wide is not None
        assert estimator is not None
        narrow = estimator.expected(without_labels(rows))["accuracy"]
        held += wide["accuracy"].low <= truth <= wide["accuracy"].high
        bare += narrow.low <= truth <= narrow.high
    assert held >= 90
    assert bare < 50


@pytest.mark.parametrize("trained_before", [False, True])
def test_the_interval_without_labels_holds_the_accuracy_of_nine_weeks_of_flights_in_ten(
    *, trained_before: bool
) -> None:
    """The reference is the 59 days that the model was trained on, or the 59 days after them."""
    flights = Flights.read(FLIGHTS)
    seconds = (flights.scored_at - flights.scored_at.min()) * 60.0 - 59 * DAY * trained_before
    rows = Rows(score=np.asarray(probabilities()), label=flights.late.astype(float)).take(seconds >= 0)
    seconds = seconds[seconds >= 0]
    old, held = seconds < 59 * DAY, []
    reference = learn_performance(METER, rows.take(old), seconds[old], window=WEEK)
    for end in np.arange(60 * DAY + WEEK, seconds.max(), WEEK):
        week = rows.take((seconds >= end - WEEK) & (seconds < end))
        expected = reference.expected(without_labels(week))
        assert expected is not None
        held.append(expected["accuracy"].low <= METER.measure(week)["accuracy"].value <= expected["accuracy"].high)
    assert len(held) >= 34
    assert np.mean(held) >= 0.9


def test_a_fall_that_the_reference_has_from_week_to_week_is_none() -> None:
    rows, seconds = days(56, 300, seed=3, off=0.25)
    steady = learn_performance(METER, rows, seconds, window=DAY)
    now, _ = days(1, 3000, seed=5, off=0.25)
    trends = {one.metric: one.trend for one in assess(METER, now, steady, total=3000).against_reference}
    assert trends["accuracy"] is Trend.SAME
    worse = Rows(score=now.score, label=(np.random.default_rng(6).random(3000) > now.score).astype(float))
    trends = {one.metric: one.trend for one in assess(METER, worse, steady, total=3000).against_reference}
    assert trends["accuracy"] is Trend.WORSE


def test_labels_of_doubtful_cases_only_are_compared_with_doubtful_cases() -> None:
    reference = learn_performance(METER, *days(56, 300, seed=7), window=WEEK)
    rows, _ = days(7, 300, seed=8)
    doubtful = np.abs(np.asarray(rows.score) - 0.5) < 0.25
    now = Rows(score=rows.score, label=np.where(doubtful, rows.label, np.nan))
    found = assess(METER, now, reference, total=2100)
    assert found.expected is not None
    assert found.expected_labelled is not None
    assert found.found["accuracy"].value == pytest.approx(0.62, abs=0.04)
    assert found.expected_labelled["accuracy"].value == pytest.approx(found.found["accuracy"].value, abs=0.04)
    assert found.expected["accuracy"].value == pytest.approx(0.75, abs=0.02)
    accuracies = [
        next(one for one in side if one.metric == "accuracy")
        for side in (found.against_reference, found.against_estimate, found.estimate_against_reference)
    ]
    assert {one.trend for one in accuracies} == {Trend.SAME}
    assert accuracies[0].current.value == pytest.approx(0.75, abs=0.05)


def test_a_reference_survives_its_storage() -> None:
    rows, seconds = days(56, 300, seed=9, off=0.2)
    reference = learn_performance(METER, rows, seconds, window=WEEK)
    again = PerformanceReference.from_data(METER, json.loads(json.dumps(reference.to_data())))
    assert again.to_data() == reference.to_data()
    assert again.expected(rows) == reference.expected(rows)


def test_a_reference_without_labels_estimates_nothing() -> None:
    rows, seconds = days(10, 50, seed=10)
    reference = learn_performance(METER, without_labels(rows), seconds, window=WEEK)
    found = assess(METER, rows, reference, total=500)
    assert (reference.estimator, found.expected, reference.between) == (None, None, {})
    assert {one.trend for one in found.against_reference} == {Trend.UNKNOWN}
    assert assess(METER, rows, None, total=500).against_reference == ()


def test_fewer_than_five_blocks_or_few_rows_are_no_blocks() -> None:
    at = np.arange(100.0)
    assert [len(part) for part in blocks(at, at >= 0, length=10, fewest_rows=5)] == [10] * 10
    assert [len(part) for part in blocks(at, at >= 0, length=90, fewest_rows=5)] == [20] * 5
    assert blocks(at, at >= 0, length=10, fewest_rows=11) == ()
    assert blocks(at, at < 0, length=10, fewest_rows=1) == ()
    assert blocks(at * 0, at >= 0, length=10, fewest_rows=1) == ()


@pytest.mark.parametrize("degrees", [4, 7, 30, 500])
@pytest.mark.parametrize("distance", [0.5, 2.0, 3.5, 8.0])
def test_the_chance_of_a_distance_is_that_of_student(distance: float, degrees: int) -> None:
    assert p_value(distance, degrees) == pytest.approx(2 * stats.t.sf(distance, degrees), abs=0.003)


@pytest.mark.parametrize("degrees", [5, 20, 60])
def test_the_quantile_is_that_of_chi_square(degrees: int) -> None:
    assert chi_square(degrees, 0.01) == pytest.approx(stats.chi2.isf(0.01, degrees), rel=0.01)


def test_a_widened_interval_stays_where_values_can_be() -> None:
    assert Estimate(0.95, 0.94, 0.96, 9).widened(0.5, least=0.0, most=1.0)[1:3] == (pytest.approx(0.45, abs=0.01), 1.0)
    assert Estimate(None, None, None, 0).widened(0.5) == Estimate(None, None, None, 0)
