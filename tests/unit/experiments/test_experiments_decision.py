"""The decision: its order, its reasons, and that looks in any order and after the end change nothing."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.experiments import (
    Action,
    Arms,
    Assigned,
    Data,
    Differences,
    Pairs,
    Reason,
    Snapshot,
    Stage,
    Sums,
    decide,
    follow,
)
from core.experiments.decision import ACTIONS
from core.measures import Better
from core.settings import GuardRail, Mode, Promotion, UnitOutcome
from tests.support.builders.experiments import rates

AT = datetime(2026, 1, 2, tzinfo=UTC)
LATENCY, ERRORS = UnitOutcome.LATENCY, UnitOutcome.ERROR_RATE
POLICY = Promotion(
    mode=Mode.AB,
    minimum=1000,
    maximum=15_000,
    guard_rails={LATENCY: GuardRail(margin=0.05), ERRORS: GuardRail(absolute=0.01)},
)


def rate(n: int, champion: float, challenger: float, better: Better = Better.HIGHER) -> Arms:
    stage = Stage(champion=Sums.of_rate(n, round(n * champion)), challenger=Sums.of_rate(n, round(n * challenger)))
    return Arms(stages=(stage,), better=better, binary=True)


def latency(n: int, factor: float) -> Arms:
    champion = Sums(n=n, total=0.2 * n, squares=0.05 * n)
    challenger = Sums(n=n, total=0.2 * n * factor, squares=0.05 * n * factor**2)
    return Arms(stages=(Stage(champion=champion, challenger=challenger),), better=Better.LOWER)


def look(n: int, challenger: float, *, slower: float = 1.0, failing: float = 0.01, split: float = 0.5) -> Snapshot:
    return Snapshot(
        at=AT + timedelta(minutes=n),
        measure=rate(n, 0.1, challenger),
        guard_rails={LATENCY: latency(n, slower), ERRORS: rate(n, 0.01, failing, Better.LOWER)},
        assigned=(Assigned(champion=n, challenger=n, share=split),),
    )


@pytest.mark.parametrize(
    ("snapshot", "reason", "blocking"),
    [
        (look(15_000, 0.12), Reason.BETTER, ()),
        (look(900, 0.2), Reason.TOO_FEW, ()),
        (look(5_000, 0.08), Reason.WORSE, ()),
        (look(5_000, 0.1), Reason.NOT_KNOWN, ()),
        (look(15_000, 0.1), Reason.NOT_BETTER, ()),
        (look(1_200, 0.2), Reason.GUARD_RAIL_NOT_KNOWN, (LATENCY, ERRORS)),
        (look(15_000, 0.12, slower=1.04), Reason.GUARD_RAIL_NOT_SHOWN, (LATENCY,)),
        (look(15_000, 0.12, slower=1.1), Reason.GUARD_RAIL_BROKEN, (LATENCY,)),
        (look(15_000, 0.12, failing=0.04), Reason.GUARD_RAIL_BROKEN, (ERRORS,)),
        (look(500, 0.2, failing=0.2), Reason.GUARD_RAIL_BROKEN, (ERRORS,)),
        (look(50, 0.2, failing=0.9), Reason.TOO_FEW, ()),
        (look(15_000, 0.12, split=0.45), Reason.SAMPLE_RATIO_MISMATCH, ()),
        (look(15_000, 0.12, failing=0.04, split=0.45), Reason.SAMPLE_RATIO_MISMATCH, ()),
        (replace(look(15_000, 0.12), guard_rails={LATENCY: latency(15_000, 1.0)}), Reason.GUARD_RAIL_NOT_SHOWN, (ERRORS,)),
        (replace(look(900, 0.12), assigned=(Assigned(champion=900, challenger=300, share=0.5),)), Reason.SAMPLE_RATIO_MISMATCH, ()),
    ],
)  # fmt: skip
def test_each_reason_in_its_order(snapshot: Snapshot, reason: Reason, blocking: tuple[UnitOutcome, ...]) -> None:
    found = decide(snapshot, POLICY)
    assert (found.reason, found.blocking, found.action) == (reason, blocking, ACTIONS[reason])


def test_every_reason_has_an_action_and_only_one_promotes() -> None:
    assert set(ACTIONS) == set(Reason)
    assert [reason for reason, action in ACTIONS.items() if action is Action.PROMOTE] == [Reason.BETTER]


@pytest.mark.parametrize(
    ("data", "action"),
    [
        (Pairs(wins=300, losses=200, ties=4500), Action.PROMOTE),
        (Pairs(wins=200, losses=300, ties=4500), Action.REJECT),
        (Pairs(wins=210, losses=200, ties=4500), Action.CONTINUE),
        (Pairs(wins=2100, losses=2000, ties=45_900), Action.REJECT),
        (Differences(sums=Sums(n=5000, total=-500, squares=4000), better=Better.LOWER), Action.PROMOTE),
        (Differences(sums=Sums(n=5000, total=-500, squares=4000), better=Better.HIGHER), Action.REJECT),
    ],
)
def test_shadow_mode_compares_pairs(data: Data, action: Action) -> None:
    assert decide(Snapshot(at=AT, measure=data), Promotion(maximum=50_000)).action is action


def test_a_newer_version_may_be_a_little_worse_where_the_margin_says_so() -> None:
    equal = Snapshot(at=AT, measure=Pairs(wins=500, losses=500, ties=9000))
    assert decide(equal, Promotion(maximum=20_000)).reason is Reason.NOT_KNOWN
    assert decide(equal, Promotion(maximum=20_000, margin=-0.02)).reason is Reason.BETTER
    assert decide(equal, Promotion(maximum=20_000, margin=0.02)).reason is Reason.WORSE


def test_cookie_cats_is_rejected_as_a_test_of_a_fixed_sample_rejects_it() -> None:
    """Retention after seven days of 90,189 players, the first gate at level 30 or 40; z = -3.164."""
    stage = Stage(champion=Sums.of_rate(44_700, 8_502), challenger=Sums.of_rate(45_489, 8_279))
    snapshot = Snapshot(
        at=AT,
        measure=Arms(stages=(stage,), binary=True),
        assigned=(Assigned(champion=44_700, challenger=45_489, share=0.5),),
    )
    found = decide(snapshot, Promotion(mode=Mode.AB, maximum=45_000))
    assert (found.reason, found.action) == (Reason.WORSE, Action.REJECT)
    assert found.measure.high is not None
    assert found.measure.high < 0


def test_looks_in_any_order_and_twice_end_at_the_same_one() -> None:
    looks = [look(n, 0.2) for n in (900, 1_200, 4_000, 8_000, 15_000)]
    [first, *_, last] = found = follow(looks, POLICY)
    assert [one.decision.reason for one in found[:2]] == [Reason.TOO_FEW, Reason.GUARD_RAIL_NOT_KNOWN]
    assert (last.decision.action, last.at < looks[-1].at, first.at) == (Action.PROMOTE, True, looks[0].at)
    for order in itertools.permutations(looks):
        assert follow((*order, *order[:2]), POLICY) == found
    assert follow([], POLICY) == ()


def test_evidence_that_was_there_once_is_not_taken_back() -> None:
    looks = [look(n, challenger) for n, challenger in ((2000, 0.125), (3000, 0.1), (4000, 0.1))]
    found = follow(looks, POLICY)
    assert len(found) == 3
    assert found[0].decision.measure.p_above < 0.2
    assert [one.p_above for one in found] == [found[0].p_above] * 3
    assert found[2].decision.measure.p_above > found[2].p_above


def test_whole_experiments_are_decided_as_the_arrays_say() -> None:
    trials = rates(np.random.default_rng(3), 0.1, 0.115, units=(1500, 1500), looks=10, trials=25, planned=15_000)
    policy = Promotion(mode=Mode.AB, minimum=100, maximum=15_000)
    promoted = trials.above(policy.alpha / 2)
    for trial, units in enumerate(promoted):
        looks = [Snapshot(at=AT + timedelta(days=place), measure=trials.arms(trial, place)) for place in range(10)]
        [*_, last] = follow(looks, policy)
        assert (last.decision.action is Action.PROMOTE) == np.isfinite(units)
        assert last.decision.n == min(units, 15_000)
