"""The action runner is killed at every boundary, and many of it run at once: nothing lost, nothing applied twice."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from core.actions.guards import TRAITS
from core.actions.plan import Health
from core.events import ActionRequest, Command, Mode, Severity, Stage, Tick, Verb
from core.settings.response import ActionName, Automation
from functions.action_runner.runner import NAME
from tests.support.builders.budget import boundaries, examples
from tests.support.fakes.automation import (
    REQUEST,
    RISKY,
    START,
    Setup,
    assert_told_in_full,
    commanded,
    set_up,
)

CHANGED = {Stage.APPLIED, Stage.VERIFIED, Stage.UNDONE}
UNCHANGED = {Stage.PLANNED, Stage.REFUSED, Stage.REJECTED, Stage.EXPIRED}
REQUESTS = (
    REQUEST,
    RISKY,
    replace(REQUEST, sequence=2),
    replace(REQUEST, sequence=3, target="service/search"),
    replace(REQUEST, sequence=4, action="flush_cache", target="cache/sessions"),
    replace(REQUEST, sequence=5, action="collect_diagnostics"),
    replace(REQUEST, sequence=6, action="scale_out", mode=Mode.DRY_RUN),
    replace(REQUEST, sequence=7, action="no_such_action"),
)
COMMANDS = (
    commanded(Verb.APPROVE, RISKY.id),
    commanded(Verb.REJECT, RISKY.id),
    commanded(Verb.APPROVE, REQUESTS[4].id),
    commanded(Verb.HALT, "*"),
    commanded(Verb.RESUME, "*", at=START + timedelta(minutes=1)),
)
STORY: tuple[ActionRequest | Command, ...] = (REQUEST, RISKY, COMMANDS[0], REQUESTS[2])
ROUNDS = 45
"""Ticks of a minute: the longest a case waits for anything."""


def tell(setup: Setup, *, health: Health = Health.GOOD) -> None:
    """A whole story, with redelivery: two requests, an approval, a refusal, and the looks afterwards."""
    setup.action.health = health
    for event in STORY:
        setup.redeliver(event)
    finish(setup)


def finish(setup: Setup) -> None:
    for _ in range(ROUNDS):
        setup.world.now += timedelta(minutes=1)
        setup.acknowledged(Tick(job=NAME, scheduled_at=setup.world.now))


def assert_all_is_well(setup: Setup, requests: set[str]) -> None:
    """Nothing is lost, told in full, and no key changed anything twice, nor without its place in the budget."""
    setup.world.kill_at, setup.world.dead = 0, False
    assert_told_in_full(setup)
    cases = {case.request.id: case for case in setup.cases()}
    assert set(cases) == requests
    changed = Counter(setup.action.changed)
    assert set(changed.values()) <= {1}
    assert set(changed) <= {one.request_id for one in setup.guards().applications}
    for key, case in cases.items():
        assert case.over
        assert not (case.stage in CHANGED and key not in changed)
        assert not (case.stage in UNCHANGED and key in changed)
        assert (case.stage is Stage.UNDONE) <= (key not in setup.action.standing)


@pytest.mark.parametrize("health", [Health.GOOD, Health.BAD])
def test_killed_at_any_boundary_nothing_is_lost_and_nothing_is_applied_twice(health: Health) -> None:
    whole = set_up()
    tell(whole, health=health)
    repeated = published_again = 0
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.world.kill_at = boundary
        tell(setup, health=health)
        assert_all_is_well(setup, {REQUEST.id, RISKY.id, REQUESTS[2].id})
        assert setup.action.changed == whole.action.changed
        assert [case.stage for case in setup.cases()] == [case.stage for case in whole.cases()]
        assert len(setup.action.calls) <= len(whole.action.calls) + 1
        assert setup.action.undone == whole.action.undone
        again = len(setup.world.published) - len(whole.world.published)
        assert 0 <= again <= 1
        repeated += len(setup.action.calls) - len(whole.action.calls)
        published_again += again
    assert repeated > 0, "no kill between an effect and its confirmation was tried"
    assert published_again > 0


def test_killed_again_and_again_with_faults_everywhere_in_any_order() -> None:
    stages: Counter[Stage] = Counter()
    taken_over = 0
    for seed in range(examples(1500)):
        rng = random.Random(seed)
        setup = set_up(automation=Automation(per_hour=rng.randint(1, 4)))
        setup.world.chance = rng.random
        setup.action.health = rng.choice(list(Health))
        requests = rng.sample(REQUESTS, k=rng.randint(1, len(REQUESTS)))
        events: list[ActionRequest | Command] = [*requests, *rng.sample(COMMANDS, k=rng.randint(0, len(COMMANDS)))]
        events += rng.choices(events, k=rng.randint(0, 6))
        rng.shuffle(events)
        for event in events:
            setup.world.kill_at = setup.world.boundaries + rng.randint(1, 80)
            setup.redeliver(event) if rng.random() < 0.6 else setup.acknowledged(event)
            setup.world.now += timedelta(seconds=rng.randint(-30, 90))
        setup.world.kill_at = 0
        for event in requests:
            setup.redeliver(event)
        setup.world.chance = lambda: 1.0
        finish(setup)
        assert_all_is_well(setup, {request.id for request in requests})
        assert_within_budget(setup)
        stages.update(case.stage for case in setup.cases())
        taken_over += len(setup.action.calls) - len(setup.action.changed)
    assert set(stages) >= CHANGED - {Stage.APPLIED} | UNCHANGED | {Stage.FAILED}
    assert taken_over > 0


def assert_within_budget(setup: Setup) -> None:
    applications = [one for one in setup.guards().applications if not TRAITS[one.action].reads]
    for start in applications:
        within = [one for one in applications if start.at <= one.at < start.at + timedelta(hours=1)]
        assert len(within) <= setup.runner.automation.per_hour


def test_the_severity_that_counts_is_that_before_the_crash() -> None:
    """What is known after a crash of how bad it was before must not be how bad it is by then."""
    whole = set_up()
    whole.incident(Severity.ERROR)
    whole.give(REQUEST)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.incident(Severity.ERROR)
        setup.world.kill_at = boundary
        died = not setup.acknowledged(REQUEST)
        setup.world.dead, setup.world.kill_at = False, 0
        if died and setup.action.changed:
            setup.incident(Severity.CRITICAL)
            setup.world.now += timedelta(minutes=2)
            setup.redeliver(REQUEST)
            setup.tick(minutes=2)
            assert setup.case().stage is Stage.UNDONE


@pytest.mark.parametrize("health", [Health.GOOD, Health.BAD])
def test_another_instance_that_comes_in_between_at_any_boundary_changes_nothing(health: Health) -> None:
    """At each boundary in turn another instance is given the request, the approval and a tick."""
    whole = set_up()
    tell(whole, health=health)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()

        def meanwhile(setup: Setup = setup) -> None:
            tick = Tick(job=NAME, scheduled_at=setup.world.now)
            for event in (REQUEST, RISKY, COMMANDS[0], tick) if setup.world.now == START else (tick,):
                setup.acknowledged(event)

        setup.world.meet_at, setup.world.meanwhile = boundary, meanwhile
        tell(setup, health=health)
        assert_all_is_well(setup, {REQUEST.id, RISKY.id, REQUESTS[2].id})
        assert sorted(setup.action.calls) == sorted(whole.action.calls)
        assert setup.action.undone == whole.action.undone
        assert [case.stage for case in setup.cases()] == [case.stage for case in whole.cases()]
        assert len(setup.world.published) == len(whole.world.published)


def test_a_rejection_that_comes_in_between_at_any_boundary_is_never_forgotten() -> None:
    whole = set_up()
    whole.give(RISKY)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()

        def meanwhile(setup: Setup = setup) -> None:
            setup.redeliver(RISKY)
            setup.redeliver(COMMANDS[1])

        setup.world.meet_at, setup.world.meanwhile = boundary, meanwhile
        setup.redeliver(RISKY)
        setup.redeliver(commanded(Verb.APPROVE, RISKY.id, by="bob"))
        finish(setup)
        assert setup.stages(RISKY) == ["planned", "awaiting_approval", "rejected"]
        assert setup.action.calls == []


def test_while_one_applies_another_leaves_it_alone() -> None:
    for name in ActionName:
        request = replace(REQUEST, action=name)
        setup = set_up()

        def meanwhile(setup: Setup = setup, request: ActionRequest = request) -> None:
            setup.action.before_apply = lambda: None
            for event in (request, commanded(Verb.APPROVE, request.id), Tick(job=NAME, scheduled_at=START)):
                setup.acknowledged(event)

        setup.action.before_apply = meanwhile
        setup.redeliver(request)
        setup.redeliver(commanded(Verb.APPROVE, request.id))
        finish(setup)
        assert setup.action.calls == [request.id]
        assert setup.case(request).stage is Stage.VERIFIED
