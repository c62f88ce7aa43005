"""The steps of a promotion: in order, with a reason, and with traffic that always sums to 100."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.detection import Outcome
from core.errors import RefusedError
from core.events import Command, Verb
from core.experiments import Decision, Evidence, Reason
from core.promotion import (
    Entrant,
    PromotionStage,
    PromotionState,
    Transition,
    begin,
    decided,
    holders,
    overtaken,
    promoted_by_person,
    rolled_back_by_person,
    watched,
)
from core.promotion.machine import BY
from core.settings import Mode, Promotion
from core.versions import AliasName
from tests.support.builders.budget import examples

AT = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHADOW = Promotion(auto=True)
AB = Promotion(mode=Mode.AB, share=50, auto=True)
EIGHT = Entrant(model="delay", champion="7", version="8")
BEGUN = begin(None, EIGHT, SHADOW, AT).state
GOOD, BAD, UNKNOWN = Reason.BETTER, Reason.GUARD_RAIL_BROKEN, Reason.NOT_KNOWN


def look(reason: Reason) -> Decision:
    measure = Evidence(outcome=Outcome.GOOD, n=2000, advantage=0.02, low=0.01, high=0.03)
    return Decision(reason=reason, n=2000, measure=measure, guard_rails={}, blocking=(), sample_ratio_p=1.0)


def command(verb: Verb, day: float = 1, to: str = "") -> Command:
    return Command(verb=verb, subject="delay", by="ann", at=AT + day * DAY, note="we want it", to=to)


def rows(transition: Transition) -> list[tuple[str, str | None, float, str]]:
    return [(one.alias.value, one.version, one.share, one.stage) for one in transition.changes]


def stages(policy: Promotion, *, until: PromotionStage) -> list[Transition]:
    """A promotion in which everything is good."""
    done = [begin(None, EIGHT, policy, AT)]
    for day in itertools.count(1):
        state, at = done[-1].state, AT + day * DAY
        if state.stage is until:
            return done
        compared = state.stage is PromotionStage.COMPARISON
        done.append(decided(state, look(GOOD), policy, at) if compared else watched(state, None, (), policy, at))
    raise AssertionError


def test_a_better_challenger_gets_its_traffic_step_by_step() -> None:
    done = stages(SHADOW, until=PromotionStage.PROMOTED)
    assert [rows(one) for one in done] == [
        [("challenger", "8", 0, "comparison")],
        [("champion", "7", 95, "step"), ("challenger", "8", 5, "step")],
        [("champion", "7", 75, "step"), ("challenger", "8", 25, "step")],
        [("champion", "8", 100, "watch"), ("challenger", None, 0, "watch")],
        [("champion", "8", 100, "promoted")],
    ]
    assert all(change.why for one in done for change in one.changes)
    assert done[1].state.why == "version 8: better, advantage 0.02 (0.01 to 0.03), 2,000 units; 5% of the traffic"


def test_after_an_ab_comparison_only_larger_steps_follow() -> None:
    done = stages(AB, until=PromotionStage.PROMOTED)
    assert [rows(one) for one in done[:2]] == [
        [("champion", "7", 50, "comparison"), ("challenger", "8", 50, "comparison")],
        [("champion", "8", 100, "watch"), ("challenger", None, 0, "watch")],
    ]


def test_without_auto_a_person_promotes() -> None:
    waits = decided(BEGUN, look(GOOD), replace(SHADOW, auto=False), AT + DAY)
    assert rows(waits) == [("challenger", "8", 0, "approval")]
    promoted = promoted_by_person(waits.state, EIGHT, SHADOW, command(Verb.PROMOTE, 2))
    assert rows(promoted) == [("champion", "7", 95, "step"), ("challenger", "8", 5, "step")]
    assert {(one.changed_by, one.why) for one in promoted.changes} == {("person:ann", "we want it; 5% of the traffic")}
    assert promoted_by_person(promoted.state, EIGHT, SHADOW, command(Verb.PROMOTE, 2)) == Transition(
        state=promoted.state
    )


@pytest.mark.parametrize(
    ("reason", "stage"),
    [
        (Reason.WORSE, PromotionStage.REJECTED),
        (Reason.NOT_BETTER, PromotionStage.REJECTED),
        (Reason.NOT_SHOWN_IN_TIME, PromotionStage.REJECTED),
        (Reason.GUARD_RAIL_BROKEN, PromotionStage.STOPPED),
        (Reason.SAMPLE_RATIO_MISMATCH, PromotionStage.STOPPED),
    ],
)
def test_what_is_not_better_has_no_traffic_any_more(reason: Reason, stage: PromotionStage) -> None:
    begun = begin(None, EIGHT, AB, AT).state
    ended = decided(begun, look(reason), AB, AT + DAY)
    assert rows(ended) == [("champion", "7", 100, stage.value), ("challenger", None, 0, stage.value)]
    assert reason.replace("_", " ") in ended.state.why


def test_what_is_not_known_changes_nothing() -> None:
    assert decided(BEGUN, look(UNKNOWN), SHADOW, AT + DAY) == Transition(state=replace(BEGUN, looked_at=AT + DAY))


@pytest.mark.parametrize("until", [PromotionStage.STEP, PromotionStage.WATCH])
@pytest.mark.parametrize(("decision", "incidents"), [(look(BAD), ()), (look(Reason.WORSE), ()), (None, ("i-1",))])
def test_a_bad_sign_while_watching_rolls_back(
    until: PromotionStage, decision: Decision | None, incidents: tuple[str, ...]
) -> None:
    state = stages(SHADOW, until=until)[-1].state
    back = watched(state, decision, incidents, SHADOW, state.changed_at + HOUR)
    assert (back.state.stage, holders(back.state)[AliasName.CHAMPION]) == (PromotionStage.ROLLED_BACK, ("7", 100))
    assert ("champion", "7", 100, "rolled back") in rows(back)


def test_a_step_is_watched_for_its_time_and_what_is_no_longer_shown_is_no_bad_sign() -> None:
    state = stages(SHADOW, until=PromotionStage.STEP)[-1].state
    for decision in (None, look(Reason.NOT_BETTER), look(UNKNOWN)):
        assert watched(state, decision, (), SHADOW, state.changed_at + DAY - HOUR).changes == ()


def test_a_newer_version_takes_the_place_of_a_challenger_and_says_so() -> None:
    nine = begin(BEGUN, replace(EIGHT, version="9"), SHADOW, AT + DAY)
    assert rows(nine) == [("challenger", "9", 0, "comparison")]
    assert nine.changes[0].why == "version 9 takes the place of version 8, which is compared no longer"


def test_a_champion_that_somebody_else_changed_ends_the_promotion() -> None:
    state = stages(SHADOW, until=PromotionStage.STEP)[-1].state
    ended = overtaken(state, "6", AT + 9 * DAY)
    assert rows(ended) == [("challenger", None, 0, "replaced")]
    assert holders(ended.state)[AliasName.CHAMPION] == ("6", 100)


def test_without_a_policy_a_person_switches_at_once_and_back() -> None:
    switched = promoted_by_person(None, EIGHT, None, command(Verb.PROMOTE))
    assert rows(switched) == [("champion", "8", 100, "promoted")]
    back = rolled_back_by_person(switched.state, None, command(Verb.ROLL_BACK, 2))
    assert rows(back) == [("champion", "7", 100, "rolled back")]
    with pytest.raises(RefusedError, match="which is in use"):
        promoted_by_person(None, replace(EIGHT, version="7"), None, command(Verb.PROMOTE))
    with pytest.raises(RefusedError, match="no version of delay was in use before"):
        rolled_back_by_person(None, None, command(Verb.ROLL_BACK))


def test_a_rollback_after_the_end_leads_to_the_version_before_the_one_in_use() -> None:
    ended = decided(BEGUN, look(BAD), SHADOW, AT + DAY).state
    former = Entrant(model="delay", champion="7", version="6")
    assert rows(rolled_back_by_person(ended, former, command(Verb.ROLL_BACK, 3))) == [
        ("champion", "6", 100, "rolled back")
    ]


REASONS = [GOOD, BAD, UNKNOWN, Reason.WORSE, Reason.NOT_BETTER]


def followed(
    state: PromotionState | None, what: str, reason: Reason, *, policy: Promotion, at: datetime, version: str
) -> Transition:
    """What follows from one event, as the function calls it."""
    entrant = Entrant(model="delay", champion=_in_use(state), version=version)
    told = replace(command(Verb.PROMOTE), at=at)
    if what == "promote":
        version = state.challenger if state and state.is_open else version
        return promoted_by_person(state, replace(entrant, version=version), policy, told)
    if what == "rollback":
        return rolled_back_by_person(state, replace(entrant, version="0"), replace(told, verb=Verb.ROLL_BACK))
    if state is None or not state.is_open or (what == "register" and not state.share):
        return begin(state, entrant, policy, at)
    if state.stage is PromotionStage.COMPARISON:
        return decided(state, look(reason), policy, at)
    if state.stage is PromotionStage.APPROVAL:
        return Transition(state=state)
    return watched(state, look(reason), ("i-1",) if what == "incident" else (), policy, at)


def _in_use(state: PromotionState | None) -> str:
    return str(holders(state)[AliasName.CHAMPION].version) if state else "7"


@settings(max_examples=examples(400), deadline=None)
@given(
    policy=st.sampled_from([SHADOW, AB, replace(AB, auto=False), replace(SHADOW, steps=(100,))]),
    events=st.lists(
        st.tuples(
            st.sampled_from(["tick", "register", "promote", "rollback", "incident"]),
            st.sampled_from(REASONS),
            st.integers(0, 30),
        ),
        max_size=25,
    ),
)
def test_whatever_happens_traffic_sums_to_100_and_nothing_is_promoted_twice(
    policy: Promotion, events: list[tuple[str, Reason, int]]
) -> None:
    state: PromotionState | None = None
    held: dict[AliasName, tuple[str | None, float]] = {AliasName.CHAMPION: ("7", 100), AliasName.CHALLENGER: (None, 0)}
    at, ids, switches, alone = AT, set[str](), list[str | None](), list[str | None]()
    for number, (what, reason, hours) in enumerate(events):
        at += hours * HOUR
        before, in_use = state, held[AliasName.CHAMPION][0]
        transition = followed(state, what, reason, policy=policy, at=at, version=f"v{number}")
        state = transition.state
        for change in transition.changes:
            assert change.id not in ids
            ids.add(change.id)
            if change.alias is AliasName.CHAMPION and change.version != held[change.alias][0]:
                switches.append(change.version)
                alone += [change.version] if change.changed_by == BY and state.stage is PromotionStage.WATCH else []
            held[change.alias] = (change.version, change.share)
        assert sum(share for _, share in held.values()) == 100
        assert held == {alias: tuple(holder) for alias, holder in holders(state).items()}
        if what == "rollback" and before and transition.changes:  # a repeated command changes nothing
            expected = before.champion if before.is_open or before.stage is PromotionStage.PROMOTED else "0"
            assert held[AliasName.CHAMPION] == (expected, 100)
        elif what != "promote" and held[AliasName.CHAMPION][0] != in_use:
            assert state.stage in (PromotionStage.WATCH, PromotionStage.ROLLED_BACK)
    assert all(one != other for one, other in itertools.pairwise(switches))
    assert all(count == 1 for count in Counter(alone).values())
