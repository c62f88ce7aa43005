"""Retraining: when it is asked for, why it is not, and that a request is neither lost nor made twice."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import RetrainingRequest
from core.retraining import Decision, Reason, Span, State, asked, decide, published, request, training_span
from core.settings import Label, Retraining

NAMES = ("distance", "hour", "carrier", "origin")
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = Retraining(important=("carrier", "hour", "distance"), drifted=2, minimum_labels=500)
SPAN = Span(start=AT - timedelta(days=60, hours=12), end=AT - 12 * HOUR)
WRONG: dict[str, Any] = {"drifted": ["hour", "carrier"], "accuracy": 0.8, "floor": 0.85, "n_labels": 500}
RATIOS = st.none() | st.floats(0, 1)
TICKS = st.integers(0, 60).map(lambda n: AT + n * timedelta(minutes=15))
POLICIES = st.builds(
    lambda important, share, **values: Retraining(
        important=tuple(important), drifted=1 + int(share * (len(important) - 1)), **values
    ),
    important=st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    share=st.floats(0, 1),
    cooldown=st.integers(1, 40).map(lambda n: n * timedelta(minutes=15)),
    minimum_labels=st.integers(1, 20),
)
SEEN = st.fixed_dictionaries(
    {
        "drifted": st.lists(st.sampled_from((*NAMES, "weather"))),
        "accuracy": RATIOS,
        "floor": RATIOS,
        "n_labels": st.integers(0, 40),
    }
)
LASTS = st.none() | TICKS


def answer(
    last: datetime | None = None, now: datetime = AT, policy: Retraining | None = POLICY, **seen: Any
) -> Decision:
    return decide(policy, **WRONG | seen, last_requested_at=last, now=now)


def ask(now: datetime, decision: Decision | None = None) -> RetrainingRequest:
    wanted = decision or Decision(reason=Reason.DRIFT, features=("hour",))
    return request(
        wanted, model="flight-delay", model_version="3", span=SPAN, n_labels=500, accuracy=0.8, floor=0.85, now=now
    )


@pytest.mark.parametrize(
    ("seen", "reason", "features"),
    [
        ({}, Reason.BELOW_FLOOR, ("carrier", "hour")),
        ({"drifted": []}, Reason.BELOW_FLOOR, ()),
        ({"drifted": ["origin"]}, Reason.BELOW_FLOOR, ()),
        ({"accuracy": 0.85}, Reason.DRIFT, ("carrier", "hour")),
        ({"accuracy": None}, Reason.DRIFT, ("carrier", "hour")),
        ({"floor": None}, Reason.DRIFT, ("carrier", "hour")),
        ({"accuracy": 0.9, "drifted": NAMES}, Reason.DRIFT, ("carrier", "hour", "distance")),
        ({"accuracy": 0.9, "drifted": ["hour"]}, Reason.NOT_IMPORTANT, ("hour",)),
        ({"accuracy": 0.9, "drifted": ["hour", "hour"]}, Reason.NOT_IMPORTANT, ("hour",)),
        ({"accuracy": 0.9, "drifted": ["origin", "weather"]}, Reason.NOT_IMPORTANT, ()),
        ({"accuracy": 0.9, "drifted": []}, Reason.NOTHING_WRONG, ()),
        ({"accuracy": None, "drifted": []}, Reason.NOTHING_WRONG, ()),
        ({"accuracy": None, "drifted": [], "broken": True}, Reason.BEYOND_LIMIT, ()),
        ({"broken": True}, Reason.BELOW_FLOOR, ("carrier", "hour")),
        ({"broken": True, "accuracy": None, "n_labels": 499}, Reason.NOT_ENOUGH_LABELS, ("carrier", "hour")),
        ({"n_labels": 499}, Reason.NOT_ENOUGH_LABELS, ("carrier", "hour")),
        ({"policy": None}, Reason.NO_POLICY, ()),
    ],
)
def test_a_decision_says_why_and_names_the_features(
    seen: dict[str, Any], reason: Reason, features: tuple[str, ...]
) -> None:
    assert answer(**seen) == Decision(reason=reason, features=features)


@pytest.mark.parametrize("reason", Reason)
def test_only_drift_a_broken_limit_and_a_schedule_are_reasons_to_ask(reason: Reason) -> None:
    assert Decision(reason=reason).wanted is (
        reason in (Reason.DRIFT, Reason.BELOW_FLOOR, Reason.BEYOND_LIMIT, Reason.SCHEDULE)
    )


@pytest.mark.parametrize(
    ("now", "reason", "retry_at"),
    [
        (AT - HOUR, Reason.LATE, None),
        (AT - timedelta(days=9), Reason.LATE, None),
        (AT, Reason.BELOW_FLOOR, None),
        (AT + timedelta(microseconds=1), Reason.COOLDOWN, AT + 6 * HOUR),
        (AT + 6 * HOUR - timedelta(microseconds=1), Reason.COOLDOWN, AT + 6 * HOUR),
        (AT + 6 * HOUR, Reason.BELOW_FLOOR, None),
    ],
)
def test_after_a_request_there_is_none_before_the_cooldown_ends(
    now: datetime, reason: Reason, retry_at: datetime | None
) -> None:
    assert answer(AT, now) == Decision(reason=reason, features=("carrier", "hour"), retry_at=retry_at)


def test_of_several_refusals_the_first_that_no_waiting_heals_is_told() -> None:
    assert answer(AT, AT + HOUR, accuracy=None, drifted=[], n_labels=0).reason is Reason.NOTHING_WRONG
    assert answer(AT, AT - HOUR, n_labels=0).reason is Reason.LATE
    assert answer(AT, AT + HOUR, n_labels=0).reason is Reason.COOLDOWN
    assert answer(AT, AT + HOUR, n_labels=0, policy=None).reason is Reason.NO_POLICY


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        ({"accuracy": 85}, "accuracy: must be a number from 0 to 1, got 85"),
        ({"accuracy": float("nan")}, "accuracy: must be a number from 0 to 1, got nan"),
        ({"floor": -0.1}, "floor: must be a number from 0 to 1, got -0.1"),
        ({"n_labels": -1}, "n_labels: must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_is_refused_and_named(seen: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        answer(**seen)


@given(POLICIES, SEEN, LASTS, TICKS, st.lists(st.sampled_from(NAMES)))
def test_more_drift_never_stops_a_request(
    policy: Retraining, seen: dict[str, Any], last: datetime | None, now: datetime, more: list[str]
) -> None:
    before = answer(last, now, policy, **seen)
    after = answer(last, now, policy, **seen | {"drifted": seen["drifted"] + more})
    assert after.wanted >= before.wanted
    assert set(after.features) >= set(before.features)


@given(POLICIES, SEEN, LASTS, TICKS, st.tuples(st.integers(0, 40), st.floats(0, 1)))
def test_more_labels_a_lower_accuracy_or_a_higher_floor_never_stop_a_request(
    policy: Retraining, seen: dict[str, Any], last: datetime | None, now: datetime, change: tuple[int, float]
) -> None:
    more, factor = change
    worse = seen | {"n_labels": seen["n_labels"] + more}
    if seen["accuracy"] is not None:
        worse["accuracy"] = seen["accuracy"] * factor
    if seen["floor"] is not None:
        worse["floor"] = 1 - (1 - seen["floor"]) * factor
    assert answer(last, now, policy, **worse).wanted >= answer(last, now, policy, **seen).wanted


@given(POLICIES, SEEN, LASTS, TICKS, st.randoms(use_true_random=False))
def test_the_order_of_the_drifted_features_and_repeats_change_nothing(
    policy: Retraining, seen: dict[str, Any], last: datetime | None, now: datetime, rng: random.Random
) -> None:
    shuffled = seen["drifted"] * 2
    rng.shuffle(shuffled)
    assert answer(last, now, policy, **seen | {"drifted": shuffled}) == answer(last, now, policy, **seen)


@given(POLICIES, SEEN, LASTS, TICKS)
def test_a_tick_that_asked_decides_the_same_when_it_comes_again(
    policy: Retraining, seen: dict[str, Any], last: datetime | None, now: datetime
) -> None:
    first = answer(last, now, policy, **seen)
    again = answer(now if first.wanted else last, now, policy, **seen)
    assert again == first
    if first.wanted:
        assert ask(now, again) == ask(now, first)


@given(POLICIES, SEEN, TICKS, TICKS)
def test_a_cooldown_says_when_it_ends_and_is_right(
    policy: Retraining, seen: dict[str, Any], last: datetime, now: datetime
) -> None:
    decision = answer(last, now, policy, **seen)
    assert (decision.retry_at is not None) is (decision.reason is Reason.COOLDOWN)
    if decision.retry_at is not None:
        assert decision.retry_at > now
        assert answer(last, decision.retry_at, policy, **seen).reason not in (Reason.COOLDOWN, Reason.LATE)


@given(POLICIES, SEEN, TICKS, TICKS)
def test_a_late_tick_never_asks_once_a_newer_one_has(
    policy: Retraining, seen: dict[str, Any], last: datetime, now: datetime
) -> None:
    if now < last:
        assert not answer(last, now, policy, **seen).wanted


@given(SEEN, LASTS, TICKS)
def test_without_a_policy_nothing_is_asked_for(seen: dict[str, Any], last: datetime | None, now: datetime) -> None:
    assert answer(last, now, None, **seen) == Decision(reason=Reason.NO_POLICY)


def tick(
    state: State, policy: Retraining, now: datetime, seen: dict[str, Any]
) -> tuple[State, RetrainingRequest | None]:
    """What one tick makes of the state, and the request it decides on; a pending one is published first."""
    free = published(state, state.pending) if state.pending else state
    decision = answer(free.requested_at, now, policy, **seen)
    if not decision.wanted:
        return free, None
    made = ask(now, decision)
    return asked(free, made), made


def instants(policy: Retraining, ticks: Sequence[tuple[datetime, dict[str, Any]]]) -> list[datetime]:
    """The instants of the requests that ticks make, in the order they come."""
    state, made = State(), []
    for now, seen in ticks:
        state, one = tick(state, policy, now, seen)
        made += [one.requested_at] if one else []
    return list(dict.fromkeys(made))


@given(POLICIES, st.lists(st.tuples(TICKS, SEEN), max_size=30))
def test_two_requests_are_a_cooldown_apart_for_any_order_of_ticks(
    policy: Retraining, ticks: list[tuple[datetime, dict[str, Any]]]
) -> None:
    made = instants(policy, ticks)
    assert all(later - earlier >= policy.cooldown for earlier, later in itertools.pairwise(made))


@given(POLICIES, st.lists(TICKS, min_size=1, unique=True), st.randoms(use_true_random=False))
def test_while_it_stays_bad_the_newest_tick_has_asked_or_waits_for_a_cooldown(
    policy: Retraining, ticks: list[datetime], rng: random.Random
) -> None:
    seen = WRONG | {"drifted": NAMES, "n_labels": 40}
    rng.shuffle(ticks)
    newest = max(instants(policy, [(now, seen) for now in ticks]))
    assert timedelta(0) <= max(ticks) - newest < policy.cooldown


def test_while_it_stays_bad_it_is_asked_once_a_cooldown() -> None:
    ticks = [AT + n * timedelta(minutes=15) for n in range(97)]
    assert instants(POLICY, [(now, WRONG) for now in ticks]) == [AT + n * 6 * HOUR for n in range(5)]


def test_a_request_says_what_to_train_on_and_what_to_replace() -> None:
    decision = answer()
    assert ask(AT, decision) == RetrainingRequest(
        model="flight-delay",
        model_version="3",
        requested_at=AT,
        reason="below_floor",
        window_start=SPAN.start,
        window_end=SPAN.end,
        n_labels=500,
        features=("carrier", "hour"),
        accuracy=0.8,
        floor=0.85,
    )


def test_a_refusal_is_no_request() -> None:
    with pytest.raises(ValueError, match=r"^decision: must want the model trained again, got cooldown$"):
        ask(AT, answer(AT, AT + HOUR))


def test_the_data_to_train_on_ends_where_its_labels_are_due() -> None:
    label = Label(table="telemetry.flight_labels", column="late", arrives_within=12 * HOUR)
    assert training_span(POLICY, label, AT) == SPAN


def test_a_request_is_pending_until_it_is_published() -> None:
    made = ask(AT)
    state = asked(State(), made)
    assert state == State(requested_at=AT, pending=made)
    assert published(state, made) == State(requested_at=AT)
    assert published(State(requested_at=AT), made) == State(requested_at=AT)


def test_a_request_that_is_not_newer_changes_nothing() -> None:
    state = asked(State(), ask(AT))
    for again in (state, published(state, ask(AT))):
        assert asked(again, ask(AT)) is again
        assert asked(again, ask(AT - HOUR)) is again


def test_a_newer_request_stays_pending_when_an_older_one_is_published() -> None:
    state = asked(State(requested_at=AT), ask(AT + HOUR))
    assert published(state, ask(AT)) is state


def test_a_pending_request_is_never_written_over() -> None:
    state = asked(State(), ask(AT))
    with pytest.raises(ValueError, match=r"^pending: must be published before flight-delay:2026-01-02T13:00:00Z"):
        asked(state, ask(AT + HOUR))
    assert asked(replace(state, pending=None), ask(AT + HOUR)).pending == ask(AT + HOUR)


def test_a_schedule_asks_when_nothing_is_wrong_and_the_last_request_is_old() -> None:
    policy = Retraining(important=("hour",), every=timedelta(days=30), minimum_labels=1)
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def asks(last: datetime | None, n_labels: int = 1) -> str:
        found = decide(
            policy, drifted=(), accuracy=None, floor=None, n_labels=n_labels, last_requested_at=last, now=now
        )
        return found.reason.value

    assert [asks(last) for last in (None, now - timedelta(days=30), now)] == ["schedule"] * 3
    assert asks(now - timedelta(days=29)) == "nothing_wrong"
    assert asks(None, n_labels=0) == "not_enough_labels"
