"""Groups say when they are due: nobody hears later, the worst go first, and what is left is due still."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import UnavailableError
from core.events import Command, Finding, Severity, Status, Verb
from core.incidents.commands import VERBS as VERBS_OF_INCIDENTS
from core.incidents.due import LONGEST_REST
from core.settings.response import Policy
from functions.incident_router.router import Received
from functions.incident_router.router import handle as route
from functions.incident_sweep import sweep as sweeps
from functions.incident_sweep.sweep import Sweeper, handle
from tests.support.builders.budget import some
from tests.support.fakes.outside import FINDING, POLICY, TARGET, MemoryBus, Setup, set_up

TIMING = Policy(resolve_after=timedelta(hours=1), acknowledgement_timeout=timedelta(minutes=20))
VERBS = (*sorted(VERBS_OF_INCIDENTS - {Verb.COMMENT, Verb.MERGE}), Verb.SILENCE, Verb.UNSILENCE)
HEARTBEAT = "aia_heartbeat_timestamp_seconds", "incident_sweep"


def some_event(rng: random.Random, setup: Setup) -> Finding | Command:
    now, known = setup.world.now, sorted(setup.world.incidents())
    verb = rng.choice(VERBS)
    if verb in (Verb.SILENCE, Verb.UNSILENCE) and rng.random() < 0.3:
        until = now + timedelta(minutes=rng.choice((7, 45))) if verb is Verb.SILENCE else None
        return Command(verb=verb, subject="model/*", by="ada", at=now, until=until)
    if known and verb not in (Verb.SILENCE, Verb.UNSILENCE) and rng.random() < 0.3:
        return Command(verb=verb, subject=rng.choice(known), by="ada", at=now)
    status = rng.choice((Status.FIRING, Status.FIRING, Status.RESOLVED))
    held = rng.choice((None, None, now + timedelta(minutes=12)))
    severity = rng.choice((Severity.ERROR, Severity.CRITICAL, Severity.WARNING))
    return replace(FINDING, status=status, severity=severity, observed_at=now, holds_until=held)


def messages(seed: int, *, every: bool) -> set[tuple[object, ...]]:
    """What is sent, and when, in hours of sweeps each minute, over the groups that are due, or over every group that is active."""
    rng, setup = random.Random(seed), set_up(policy=replace(POLICY, timing=TIMING))
    sent: set[tuple[object, ...]] = set()
    for _ in range(12):
        route(setup.service, Received(some_event(rng, setup), setup.world.now))
        for _ in range(rng.choice((1, 3, 20, 80))):
            if every:
                setup.sweeper = None
            setup.sweep(minutes=1)
            sent |= {(setup.world.now, message.key, message.change, message.text) for message in setup.world.told}
            setup.world.told.clear()
    return sent


@pytest.mark.parametrize("seed", some(range(8), 4))
def test_what_is_sent_is_what_looking_at_every_group_each_minute_sends(seed: int) -> None:
    assert messages(seed, every=False) == messages(seed, every=True)


def firing(setup: Setup, target: str, severity: Severity = Severity.ERROR, minutes: float = 0) -> None:
    setup.world.now += timedelta(minutes=minutes)
    setup.give(replace(FINDING, target=target, severity=severity, observed_at=setup.world.now))


def test_a_group_that_is_not_due_is_not_read_again() -> None:
    setup = set_up()
    firing(setup, TARGET)
    setup.sweep(minutes=1)
    setup.world.documents.clear()
    setup.sweep(minutes=1)
    assert setup.world.gauges[HEARTBEAT] == setup.world.now.timestamp()


def test_an_active_group_is_looked_at_now_and_then_in_any_case() -> None:
    setup = set_up()
    firing(setup, TARGET, Severity.WARNING)
    assert setup.world.group().due_at == setup.world.now + LONGEST_REST
    setup.sweep(minutes=LONGEST_REST / timedelta(minutes=1))
    assert setup.world.group().due_at == setup.world.now + LONGEST_REST
    setup.give(replace(FINDING, status=Status.RESOLVED, observed_at=setup.world.now))
    setup.sweep(minutes=2)
    assert setup.world.group().due_at is None


def test_settings_by_which_a_group_is_due_earlier_count_at_once() -> None:
    setup = set_up()
    firing(setup, TARGET)
    setup.sweep(minutes=1)
    technical = POLICY.people.stakeholders["technical"]
    soon = replace(technical, tiers=(replace(technical.tiers[0], wait=timedelta(minutes=2)), technical.tiers[1]))
    people = replace(POLICY.people, stakeholders=POLICY.people.stakeholders | {"technical": soon})
    setup.service = replace(setup.service, policy=replace(POLICY, people=people))
    setup.sweep(seconds=30)
    assert paged(setup) == []
    setup.sweep(seconds=30)
    assert paged(setup) == [TARGET]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Seven groups whose escalation is due, of which one request decides two."""
    monkeypatch.setattr(sweeps, "BATCH", 2)
    setup = set_up()
    for number in range(6):
        firing(setup, f"model/{number}", minutes=0.1)
    firing(setup, "model/worst", Severity.CRITICAL, minutes=0.1)
    setup.sweep()
    setup.world.swept.clear()
    setup.world.told.clear()
    setup.world.now += timedelta(minutes=5)
    return setup


def paged(setup: Setup) -> list[str]:
    return [message.target for message in setup.world.told if message.channel == "pager"]


def test_where_many_are_due_the_worst_goes_first_and_the_rest_is_published_as_batches(many: Setup) -> None:
    oldest = many.world.group("model/1").due_at
    many.sweep()
    assert paged(many) == ["model/worst", "model/0"]
    assert [batch.groups for batch in many.world.swept] == [
        ("model/1", "model/2"),
        ("model/3", "model/4"),
        ("model/5",),
    ]
    assert oldest is not None
    assert many.world.gauges[HEARTBEAT] == oldest.timestamp()
    assert many.sweeper is not None
    for batch in [*many.world.swept, *many.world.swept]:  # delivered twice
        handle(many.sweeper, batch)
    assert sorted(paged(many)) == [*(f"model/{number}" for number in range(6)), "model/worst"]
    many.sweep()
    assert many.world.gauges[HEARTBEAT] == many.world.now.timestamp()


def test_what_waits_is_never_0_where_not_all_that_is_due_was_swept(many: Setup) -> None:
    waiting = "aia_notifications_waiting"
    many.sweep()
    assert not [key for key in many.world.gauges if key[0] == waiting and many.world.gauges[key] == 0]
    assert many.sweeper is not None
    for batch in many.world.swept:
        handle(many.sweeper, batch)
    many.sweep()
    assert {many.world.gauges[key] for key in many.world.gauges if key[0] == waiting} == {0}


def test_a_batch_that_was_lost_is_due_at_the_next_sweep(many: Setup) -> None:
    many.sweep()
    many.world.swept.clear()
    many.sweep(minutes=1)
    assert paged(many)[2:] == ["model/1", "model/2"]


def test_more_groups_than_a_sweep_takes_are_left_and_the_heartbeat_says_since_when(
    many: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "MOST_GROUPS", 3)
    many.sweep()
    assert [batch.groups for batch in many.world.swept] == [("model/1",)]
    assert many.world.gauges[HEARTBEAT] < many.world.now.timestamp()


def test_a_batch_without_time_for_all_its_groups_comes_again(many: Setup) -> None:
    many.sweep()
    late = Sweeper(service=many.service, sleep=lambda _: None, monotonic=lambda: 0.0, budget=0.0)
    with pytest.raises(UnavailableError, match="2 of 2 groups"):
        handle(late, many.world.swept[0])


def test_where_the_bus_takes_no_batch_the_worst_are_told_and_the_tick_comes_again(
    many: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnavailableError("bus: no answer")

    monkeypatch.setattr(MemoryBus, "publish", refuse)
    with pytest.raises(UnavailableError):
        many.sweep()
    assert paged(many) == ["model/worst", "model/0"]
    assert many.world.gauges[HEARTBEAT] < many.world.now.timestamp()
