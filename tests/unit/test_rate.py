"""The rate: never more calls in any minute than allowed, whatever the clocks say, and none refused for ever."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rate import LONGEST_BLOCK, MINUTE, SKEW, Bucket, RateDecision, RateReason, block, burst_of, take

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
RATES = st.integers(1, 700).flatmap(lambda most: st.tuples(st.just(most), st.integers(1, most)))
STEPS = st.lists(st.integers(0, 5_000_000), max_size=200)
"""Microseconds between two askers."""
LAGS = st.lists(st.integers(0, 59_000_000), min_size=200, max_size=200)
"""By how many microseconds the clock of each asker is behind."""


def most_in_a_minute(times: Sequence[datetime]) -> int:
    """The calls in the fullest closed window of 60 seconds."""
    return max((sum(start <= at <= start + MINUTE for at in times) for start in times), default=0)


def asked(steps: Sequence[int], lags: Sequence[int]) -> list[datetime]:
    times, now = [], NOON
    for step, lag in zip(steps, lags, strict=False):
        now += timedelta(microseconds=step)
        times.append(now - timedelta(microseconds=lag))
    return times


@given(RATES, STEPS, LAGS, st.lists(st.integers(1, 3), min_size=200, max_size=200), st.integers(0, 50))
def test_no_minute_sees_more_calls_than_allowed_in_whatever_order_the_clocks_run(
    rate: tuple[int, int], steps: list[int], lags: list[int], sizes: list[int], reserve: int
) -> None:
    per_minute, burst = rate
    bucket, made = Bucket(), list[datetime]()
    for now, size in zip(asked(steps, lags), sizes, strict=False):
        calls = min(size, burst)
        decision = take(bucket, now=now, per_minute=per_minute, burst=burst, calls=calls, reserve=reserve)
        bucket = decision.bucket
        made += [now] * calls if decision.allowed else []
    assert most_in_a_minute(made) <= per_minute


@given(RATES, st.integers(0, 60))
def test_who_asks_again_when_told_to_gets_all_that_is_allowed_and_no_more(rate: tuple[int, int], reserve: int) -> None:
    per_minute, burst = rate
    bucket, now, made = Bucket(), NOON, list[datetime]()
    while now < NOON + 3 * MINUTE and len(made) < 2000:
        decision = take(bucket, now=now, per_minute=per_minute, burst=burst, reserve=reserve)
        made += [now] if decision.allowed else []
        bucket, now = decision.bucket, decision.until
    assert most_in_a_minute(made) <= per_minute
    refilled = max(per_minute - burst, 1)
    assert len(made) >= min(2000, 3 * refilled - 1)


@given(RATES, st.integers(0, 40), STEPS, st.integers(1, 5_000))
def test_at_the_instant_it_names_the_call_is_allowed(
    rate: tuple[int, int], reserve: int, steps: list[int], gap: int
) -> None:
    per_minute, burst = rate

    def ask(bucket: Bucket, now: datetime) -> RateDecision:
        return take(
            bucket,
            now=now,
            per_minute=per_minute,
            burst=burst,
            reserve=reserve,
            gap=timedelta(milliseconds=gap),
        )

    bucket = Bucket()
    for now in asked(steps, [0] * len(steps)):
        decision = ask(bucket, now)
        assert decision.until >= now
        assert decision.allowed == (decision.until == now)
        assert ask(decision.bucket, decision.until).allowed or decision.allowed
        bucket = decision.bucket


@given(STEPS, LAGS, st.integers(100, 3000))
def test_two_askers_are_always_a_gap_apart(steps: list[int], lags: list[int], gap: int) -> None:
    least, bucket, made = timedelta(milliseconds=gap), Bucket(), list[datetime]()
    for now in asked(steps, lags):
        decision = take(bucket, now=now, per_minute=600, burst=240, gap=least)
        bucket = decision.bucket
        made += [now] if decision.allowed else []
    assert all(abs(one - other) >= least for i, one in enumerate(made) for other in made[:i])


def drain(bucket: Bucket, *, reserve: int) -> tuple[int, RateDecision]:
    for made in range(1000):
        decision = take(bucket, now=NOON, per_minute=100, burst=40, reserve=reserve)
        if not decision.allowed:
            return made, decision
        bucket = decision.bucket
    pytest.fail("never spent")


def test_a_part_of_the_burst_is_kept_for_what_is_urgent() -> None:
    made, last = drain(Bucket(), reserve=10)
    assert (made, last.reason) == (30, RateReason.RESERVED)
    made, last = drain(last.bucket, reserve=0)
    assert (made, last.reason) == (10, RateReason.SPENT)


def test_several_calls_are_taken_together_or_not_at_all() -> None:
    bucket = take(Bucket(), now=NOON, per_minute=5, burst=2).bucket
    decision = take(bucket, now=NOON, per_minute=5, burst=2, calls=2)
    assert (decision.reason, decision.bucket) == (RateReason.SPENT, bucket)
    assert take(bucket, now=decision.until, per_minute=5, burst=2, calls=2).allowed


def test_nothing_is_asked_while_the_outside_wants_to_be_left_alone() -> None:
    bucket = block(block(Bucket(), NOON + MINUTE), NOON + timedelta(seconds=1))
    decision = take(bucket, now=NOON, per_minute=60, burst=24)
    assert (decision.reason, decision.until) == (RateReason.BLOCKED, NOON + MINUTE)
    assert take(bucket, now=NOON + MINUTE, per_minute=60, burst=24).allowed


def test_the_longest_wait_is_kept_to() -> None:
    bucket = block(Bucket(), NOON + LONGEST_BLOCK)
    assert take(bucket, now=NOON, per_minute=60, burst=24).reason is RateReason.BLOCKED


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=4000)])
def test_a_clock_that_runs_ahead_does_not_stop_the_others(ahead: timedelta) -> None:
    wrong = take(Bucket(), now=NOON + ahead, per_minute=100, burst=40, gap=timedelta(seconds=1)).bucket
    wrong = block(wrong, NOON + ahead + MINUTE)
    decision = take(wrong, now=NOON, per_minute=100, burst=40)
    assert not decision.allowed
    assert decision.until - NOON <= timedelta(seconds=1)
    assert take(decision.bucket, now=decision.until, per_minute=100, burst=40).allowed


def test_a_wrong_clock_leaves_the_bucket_empty_and_not_full() -> None:
    wrong = Bucket(full_at=NOON + timedelta(days=1), last=NOON + timedelta(days=1))
    held = take(wrong, now=NOON, per_minute=100, burst=40).bucket
    assert held == replace(wrong, full_at=NOON + timedelta(seconds=40), last=NOON)


@given(st.integers(1, 10_000))
def test_the_usual_burst_and_the_refill_make_a_minute(per_minute: int) -> None:
    assert 1 <= burst_of(per_minute) <= per_minute
    assert burst_of(per_minute) >= 2 or per_minute == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"per_minute": 0}, "per_minute: must be at least 1"),
        ({"burst": 0}, "burst: must be at least 1 and at most 10"),
        ({"burst": 11}, "burst: must be at least 1 and at most 10, got 11"),
        ({"calls": 5}, "calls: must be at least 1 and at most 4, got 5"),
        ({"reserve": -1}, "reserve: must be at least 0, got -1"),
    ],
)
def test_a_number_out_of_its_range_is_named(wrong: dict[str, int], named: str) -> None:
    given: dict[str, int] = {"per_minute": 10, "burst": 4, "calls": 1, "reserve": 0} | wrong
    with pytest.raises(ValueError, match=named):
        take(
            Bucket(),
            now=NOON,
            per_minute=given["per_minute"],
            burst=given["burst"],
            calls=given["calls"],
            reserve=given["reserve"],
        )


def test_clocks_may_disagree_by_less_than_the_skew() -> None:
    ahead = take(Bucket(), now=NOON + SKEW - timedelta(seconds=1), per_minute=2, burst=1).bucket
    assert not take(ahead, now=NOON, per_minute=2, burst=1).allowed


def test_a_clock_that_is_behind_is_not_stopped_and_does_not_turn_back_what_is_remembered() -> None:
    ahead = take(Bucket(), now=NOON + timedelta(seconds=30), per_minute=100, burst=40).bucket
    behind = take(ahead, now=NOON, per_minute=100, burst=40)
    assert behind.allowed
    assert behind.bucket.last == NOON + timedelta(seconds=30)
