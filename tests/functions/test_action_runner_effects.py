"""What becomes of an action that is applied: refused, retried, verified, undone, or left to another instance."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.actions.lifecycle import PATIENCE
from core.actions.plan import ActionReason, Health
from core.errors import ActionError, BusyError, UnavailableError
from core.events import Severity, Stage, Verb
from functions.adapters.ledger import LEASE, Claim, Ledger
from functions.services.actions import ACTIONS, INCIDENTS, is_open, recovered_since
from tests.support.fakes.automation import (
    REQUEST,
    RISKY,
    START,
    Setup,
    commanded,
    last_decision,
    set_up,
)

DOWN = UnavailableError("run.googleapis.com: does not answer")
NO = ActionError("service checkout: refused: somebody changed it")
LATER = {"minutes": 2}


@pytest.fixture
def setup() -> Setup:
    return set_up()


def test_what_the_outside_refuses_has_failed(setup: Setup) -> None:
    setup.action.applying = NO
    setup.give(REQUEST)
    assert last_decision(setup) == (Stage.FAILED, ActionReason.OUTSIDE_REFUSED, str(NO))
    assert setup.stages() == ["planned", "approved", "failed"]


def test_what_does_not_answer_is_tried_again_with_the_same_key_but_not_for_ever(setup: Setup) -> None:
    setup.action.applying = DOWN
    with pytest.raises(UnavailableError):
        setup.give(REQUEST)
    assert setup.stages() == ["planned", "approved"]
    with pytest.raises(UnavailableError):
        setup.tick(minutes=20)
    setup.action.applying = None
    setup.tick(minutes=9, seconds=59)
    assert setup.action.calls == [REQUEST.id] * 3
    assert setup.case().stage is Stage.APPLIED


def test_what_could_not_be_done_in_time_is_not_done_late(setup: Setup) -> None:
    setup.action.applying = DOWN
    with pytest.raises(UnavailableError):
        setup.give(REQUEST)
    setup.action.applying = None
    setup.tick(minutes=30)
    assert last_decision(setup)[:2] == (Stage.FAILED, ActionReason.OUT_OF_TIME)
    assert setup.action.calls == [REQUEST.id]


def test_a_halt_is_heard_between_two_attempts(setup: Setup) -> None:
    setup.action.applying = DOWN
    with pytest.raises(UnavailableError):
        setup.give(REQUEST)
    setup.give(commanded(Verb.HALT, "*"))
    setup.action.applying = None
    setup.give(REQUEST)
    assert last_decision(setup)[:2] == (Stage.FAILED, ActionReason.HALTED)
    assert setup.action.calls == [REQUEST.id]


@pytest.mark.parametrize(
    ("health", "now", "reason"),
    [(Health.BAD, Severity.ERROR, ActionReason.UNHEALTHY), (Health.GOOD, Severity.CRITICAL, ActionReason.WORSENED)],
)
def test_what_works_not_or_made_it_worse_is_undone(
    setup: Setup, health: Health, now: Severity, reason: ActionReason
) -> None:
    setup.incident(Severity.ERROR)
    setup.give(REQUEST)
    setup.incident(now)
    setup.action.health = health
    setup.tick(**LATER)
    assert last_decision(setup)[:2] == (Stage.UNDONE, reason)
    assert last_decision(setup)[2].endswith("; back at checkout-7")
    assert setup.action.undone == 1
    setup.tick(**LATER)
    assert setup.action.undone == 1


@pytest.mark.parametrize(
    ("before", "now", "is_open", "stage"),
    [
        (Severity.CRITICAL, Severity.CRITICAL, True, Stage.APPLIED),
        (Severity.WARNING, Severity.ERROR, True, Stage.UNDONE),
        (Severity.CRITICAL, Severity.ERROR, True, Stage.APPLIED),
        (Severity.WARNING, Severity.CRITICAL, False, Stage.VERIFIED),
    ],
)
def test_worse_is_worse_than_just_before_it_was_applied(
    setup: Setup,
    before: Severity,
    now: Severity,
    is_open: bool,  # noqa: FBT001 - a case
    stage: Stage,
) -> None:
    setup.incident(before)
    setup.give(REQUEST)
    setup.incident(now, is_open=is_open)
    setup.tick(**LATER)
    assert setup.case().stage is stage


def test_what_the_cloud_confirms_has_worked_when_the_conditions_recover(setup: Setup) -> None:
    setup.incident(Severity.ERROR)
    setup.give(REQUEST)
    setup.tick(**LATER)
    assert setup.case().stage is Stage.APPLIED, "the service is ready and the conditions still fire"
    setup.tick(minutes=3)
    setup.incident(Severity.ERROR, is_open=False)
    setup.tick(minutes=1)
    assert last_decision(setup)[:2] == (Stage.VERIFIED, ActionReason.RECOVERED)


def test_what_the_cloud_confirms_while_the_conditions_fire_on_did_not_help(setup: Setup) -> None:
    setup.incident(Severity.ERROR)
    setup.give(REQUEST)
    setup.tick(minutes=9.9)
    assert setup.case().stage is Stage.APPLIED
    setup.tick(minutes=0.1)
    assert last_decision(setup) == (
        Stage.FAILED,
        ActionReason.NO_RECOVERY,
        "still firing 10 min after it was applied",
    )
    assert setup.action.undone == 0, "a restarted service has nothing to go back to"


def test_what_fires_beyond_the_conditions_that_are_shown_has_not_recovered(setup: Setup) -> None:
    setup.incident(Severity.ERROR)
    setup.give(REQUEST)
    setup.incident(Severity.ERROR, status="resolved", observed_at=setup.world.now + timedelta(minutes=1))
    setup.tick(**LATER)
    assert setup.case().stage is Stage.APPLIED, "the incident is open: something fires that its copy does not show"


@pytest.mark.parametrize("given", [{"expired_at": "now"}, {"observed_at": "before"}])
def test_what_expired_or_ended_before_has_not_recovered_by_the_action(setup: Setup, given: dict[str, str]) -> None:
    setup.incident(Severity.ERROR)
    setup.give(REQUEST)
    instants = {"now": setup.world.now + timedelta(minutes=1), "before": setup.world.now - timedelta(minutes=1)}
    observed = {"observed_at": instants["now"]} | {name: instants[when] for name, when in given.items()}
    setup.incident(Severity.ERROR, is_open=False, **observed)
    setup.tick(**LATER)
    assert last_decision(setup)[:2] == (Stage.VERIFIED, ActionReason.HEALTHY)


def test_an_incident_that_expired_has_not_recovered_also_where_the_condition_that_did_is_not_kept(setup: Setup) -> None:
    copy = {"severity": "error", "open": False, "merged_into": "", "expired": True}
    over = {"status": "resolved", "observed_at": setup.world.now + timedelta(minutes=1), "expired_at": None}
    setup.store.create(INCIDENTS, "i-1", copy | {"conditions": [over]})
    assert recovered_since(setup.store, "i-1", setup.world.now) is None


@pytest.mark.timeout(10)
def test_incidents_that_were_merged_into_each_other_keep_nobody_busy(setup: Setup) -> None:
    """The router has not broken the circle yet."""
    copy = {"severity": "error", "open": False, "conditions": []}
    for name, into in [("i-1", "i-2"), ("i-2", "i-1")]:
        setup.store.create(INCIDENTS, name, copy | {"merged_into": into})
    assert not is_open(setup.store, setup.store.get(INCIDENTS, "i-1"))
    assert recovered_since(setup.store, "i-1", setup.world.now) is None


def test_of_what_nothing_is_known_nothing_got_worse(setup: Setup) -> None:
    setup.give(REQUEST)
    setup.tick(**LATER)
    assert setup.case().stage is Stage.VERIFIED


def test_what_cannot_be_undone_has_failed(setup: Setup) -> None:
    request = replace(REQUEST, action="scale_out", target="service/other")
    setup.give(REQUEST, request)
    setup.action.health, setup.action.undoing = Health.BAD, NO
    setup.tick(**LATER)
    for one in (REQUEST, request):
        assert last_decision(setup, one) == (Stage.FAILED, ActionReason.OUTSIDE_REFUSED, f"it is bad; not undone: {NO}")
    cache = replace(REQUEST, action="flush_cache")
    setup.give(cache, commanded(Verb.APPROVE, cache.id))
    setup.tick(**LATER)
    assert last_decision(setup, cache) == (Stage.FAILED, ActionReason.UNHEALTHY, "it is bad; it cannot be undone")
    assert setup.action.undone == 0


def test_a_halt_does_not_keep_what_was_applied_from_being_undone(setup: Setup) -> None:
    setup.give(REQUEST, commanded(Verb.HALT, "*"))
    setup.action.health = Health.BAD
    setup.tick(**LATER)
    assert last_decision(setup)[:2] == (Stage.UNDONE, ActionReason.UNHEALTHY)
    assert setup.action.undone == 1


def test_what_is_to_be_undone_is_undone_whatever_it_looks_like_by_then(setup: Setup) -> None:
    setup.give(REQUEST)
    setup.action.health, setup.action.undoing = Health.BAD, DOWN
    with pytest.raises(UnavailableError):
        setup.tick(**LATER)
    setup.action.health, setup.action.undoing = Health.GOOD, None
    setup.tick(minutes=1)
    assert last_decision(setup)[:2] == (Stage.UNDONE, ActionReason.UNHEALTHY)


def test_what_another_began_to_undo_meanwhile_is_not_verified(setup: Setup) -> None:
    setup.give(REQUEST)

    def meanwhile() -> None:
        setup.action.before_verify = lambda: None
        setup.action.health, setup.action.undoing = Health.BAD, DOWN
        with pytest.raises(UnavailableError):
            setup.tick()
        setup.action.health, setup.action.undoing = Health.GOOD, None

    setup.action.before_verify = meanwhile
    setup.tick(**LATER)
    assert last_decision(setup)[:2] == (Stage.UNDONE, ActionReason.UNHEALTHY)


@pytest.mark.parametrize("answer", [Health.PENDING, DOWN, KeyError("state")], ids=["pending", "no answer", "broken"])
def test_what_never_settles_is_looked_at_for_half_an_hour(setup: Setup, answer: Health | Exception) -> None:
    setup.give(REQUEST)
    setup.action.health = answer
    for _ in range(15):
        setup.tick(minutes=2)
    assert setup.case().stage is Stage.APPLIED
    setup.tick(**LATER)
    assert setup.world.now - START == timedelta(minutes=2) + PATIENCE
    assert last_decision(setup)[:2] == (Stage.FAILED, ActionReason.NEVER_SETTLED)


def test_a_target_that_is_gone_at_the_look_counts_as_broken(setup: Setup) -> None:
    setup.give(REQUEST)
    setup.action.health = ActionError("service checkout: not found")
    setup.tick(**LATER)
    assert last_decision(setup) == (
        Stage.UNDONE,
        ActionReason.UNHEALTHY,
        "service checkout: not found; back at checkout-7",
    )


def test_while_the_bus_is_away_actions_are_applied_and_told_later(setup: Setup) -> None:
    setup.bus.down = True
    with pytest.raises(UnavailableError, match="action-decisions does not answer"):
        setup.give(REQUEST)
    assert setup.action.changed == [REQUEST.id]
    with pytest.raises(UnavailableError):
        setup.tick(**LATER)
    assert setup.case().stage is Stage.VERIFIED
    assert setup.case().waiting
    setup.bus.down = False
    setup.tick()
    assert setup.stages() == ["planned", "approved", "applied", "verified"]
    assert not setup.case().waiting


def test_what_is_broken_keeps_no_other_waiting(setup: Setup) -> None:
    other = replace(REQUEST, sequence=2, target="service/other")
    setup.give(REQUEST, other)
    document = setup.world.documents[ACTIONS, REQUEST.id]
    setup.store.replace(document, ACTIONS, {"stage": "of a later version", "waiting": True})
    setup.tick(**LATER)
    assert setup.case(other).stage is Stage.VERIFIED
    assert setup.world.gauges["aia_heartbeat_timestamp_seconds", "action_runner"] == setup.world.now.timestamp()


def test_a_tick_after_which_something_outside_is_down_is_a_heartbeat_and_comes_again(setup: Setup) -> None:
    setup.give(RISKY)
    setup.bus.down = True
    setup.world.now += timedelta(minutes=30)
    with pytest.raises(UnavailableError):
        setup.tick()
    assert ("aia_heartbeat_timestamp_seconds", "action_runner") in setup.world.gauges


def test_what_another_instance_is_doing_is_left_to_it(setup: Setup) -> None:
    told: list[str] = []

    def meanwhile() -> None:
        setup.action.before_apply = lambda: None
        with pytest.raises(BusyError) as caught:
            setup.give(REQUEST)
        told.append(str(caught.value))
        setup.tick()

    setup.action.before_apply = meanwhile
    setup.give(REQUEST)
    assert told[0].startswith(f"{REQUEST.id}:apply: claimed by test/")
    assert setup.action.calls == [REQUEST.id]
    assert setup.stages() == ["planned", "approved", "applied"]


def test_an_attempt_that_died_in_the_middle_is_taken_over_with_the_same_key(setup: Setup) -> None:
    class Gone(BaseException):
        pass

    def die() -> None:
        raise Gone

    setup.action.before_apply = die
    ledger = setup.runner.ledger
    setup.runner = replace(setup.runner, ledger=Unreleasing(setup))
    with pytest.raises(Gone):
        setup.give(REQUEST)
    setup.runner, setup.action.before_apply = replace(setup.runner, ledger=ledger), lambda: None
    with pytest.raises(BusyError):
        setup.give(REQUEST)
    setup.world.now += LEASE
    setup.give(REQUEST)
    assert setup.action.changed == [REQUEST.id]
    assert setup.stages() == ["planned", "approved", "applied"]


class Unreleasing(Ledger):
    """A ledger whose process dies before it can release a claim."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup.store, setup.runner.clock, "dying")

    def _release(self, claim: Claim) -> None:
        pass
