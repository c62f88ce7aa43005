"""Whatever happens in whatever order: copies match their group, every message is sent once, and groups come to rest."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BusyError, UnavailableError
from core.events import Command, Event, Finding, Severity, Status, Verb
from core.incidents.commands import VERBS
from core.incidents.model import CONDITIONS_LIMIT
from core.incidents.policy import Graph
from core.settings import Dependency
from functions.adapters.store import normal
from functions.incident_router.router import Received, handle
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.documents import GROUPS, incident_data, read_group
from tests.support.builders.budget import some
from tests.support.fakes.outside import FINDING, POLICY, KilledError, Setup, set_up

TABLE = "table/flights"
MODELS = ("model/a", "model/b", "model/c")
GRAPH = Graph([Dependency(target=model, needs=TABLE) for model in MODELS])


def some_event(rng: random.Random, setup: Setup) -> Finding | Command:
    at = setup.world.now - timedelta(minutes=rng.choice((0, 0, 0, 2, 45)))
    known = sorted(setup.world.incidents())
    if known and rng.random() < 0.25:
        verb = rng.choice(sorted(VERBS - {Verb.REOPEN, Verb.MERGE}))
        return Command(verb=verb, subject=rng.choice(known), by=rng.choice(("ada", "bob")), at=at, note="why")
    return replace(
        FINDING,
        target=rng.choice((*MODELS, TABLE)),
        kind=rng.choice(("drift", "latency")),
        status=rng.choice(tuple(Status)),
        severity=rng.choice(tuple(Severity)),
        observed_at=at,
        holds_until=rng.choice((None, at + timedelta(minutes=10))),
    )


def survived(setup: Setup, event: Finding | Command) -> bool:
    setup.world.dead = False
    try:
        handle(setup.service, Received(event, setup.world.now))
    except (KilledError, UnavailableError, BusyError):
        return False
    return True


def sweep(setup: Setup, **later: float) -> None:
    setup.world.dead = False
    try:
        setup.sweep(**later)
    except (KilledError, UnavailableError, BusyError):
        setup.world.now += LEASE


def assert_at_rest(setup: Setup) -> None:
    kept = setup.world.incidents()
    for (collection, _), document in setup.world.documents.items():
        if collection != GROUPS:
            continue
        group = read_group(document.data)
        assert group.pending == ()
        assert not group.active or any(one.escalates for one in group.state.incidents)
        for incident in group.state.incidents:
            wanted = incident_data(group, incident.id)
            assert wanted is not None
            copy = kept[incident.id]
            stable = (
                "state",
                "severity",
                "open",
                "over_on",
                "timeline",
                "notified",
                "merged_into",
                "sequence",
                "group",
            )
            assert {name: copy[name] for name in stable} == {name: normal(wanted)[name] for name in stable}
    assert not [copy for copy in kept.values() if copy["open"]]
    again = {key for key, times in setup.world.performed().items() if times > 1}
    assert again <= setup.world.excused


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed now and then"])
def test_incidents_of_a_group_come_to_rest_with_copies_that_agree(killed: bool) -> None:  # noqa: FBT001 - a parameter
    for seed in some(range(60), 6):
        rng = random.Random(seed)
        setup = set_up(policy=replace(POLICY, graph=GRAPH))
        waiting: list[Finding | Command] = []
        for _ in range(rng.randint(5, 25)):
            setup.world.now += timedelta(seconds=rng.choice((1, 20, 90, 700, 4000)))
            setup.world.kill_at = setup.world.boundaries + rng.randint(1, 60) if killed else 0
            waiting.append(some_event(rng, setup))
            rng.shuffle(waiting)
            waiting = [event for event in waiting if not survived(setup, event)]
            if rng.random() < 0.5:
                setup.world.kill_at = setup.world.boundaries + rng.randint(1, 60) if killed else 0
                sweep(setup, seconds=30)
        setup.world.kill_at = 0
        for _ in range(20):
            setup.world.now += LEASE
            waiting = [event for event in waiting if not survived(setup, event)]
        assert waiting == []
        for _ in range(3):
            sweep(setup, days=15)
        for _ in range(3):
            sweep(setup, hours=1)
        assert_at_rest(setup)


def test_more_conditions_than_are_remembered_leave_no_incident_open_for_ever() -> None:
    targets = [f"model/m{n:02}" for n in range(39)]
    graph = Graph([Dependency(target=target, needs=TABLE) for target in targets])
    setup = set_up(policy=replace(POLICY, graph=graph))
    pairs = [(target, kind) for target in targets for kind in ("a", "b", "c")][: CONDITIONS_LIMIT + 15]
    for status in (Status.FIRING, Status.RESOLVED):
        for target, kind in pairs:
            setup.world.now += timedelta(seconds=1)
            one = replace(FINDING, target=target, kind=kind, status=status, observed_at=setup.world.now)
            setup.give(replace(one, severity=Severity.ERROR))
    for _ in range(3):
        setup.sweep(hours=2)
    setup.sweep(days=15)
    setup.sweep(hours=1)
    assert [copy["target"] for copy in setup.world.incidents().values() if copy["open"]] == []
    assert_at_rest(setup)


def storm(setup: Setup, targets: list[str], **fields: Any) -> None:
    """Everything fires and gets worse, over ten minutes; nothing outside takes anything."""
    for severity in (Severity.WARNING, Severity.ERROR, Severity.CRITICAL):
        for target in targets:
            setup.world.now += timedelta(seconds=5)
            one = replace(FINDING, target=target, severity=severity, observed_at=setup.world.now, **fields)
            with pytest.raises(UnavailableError):
                setup.give(one)


def test_every_incident_of_a_group_is_told_when_the_outside_was_away_while_it_began() -> None:
    targets = [f"model/m{n:02}" for n in range(16)]
    setup = set_up(policy=replace(POLICY, graph=Graph([Dependency(target=one, needs=TABLE) for one in targets])))
    setup.channels["inbox"].fault = UnavailableError("no answer")
    storm(setup, targets)
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    told = [one.target for one in setup.world.told if one.channel == "inbox" and one.severity is Severity.CRITICAL]
    assert sorted(told) == targets


def test_whatever_a_group_says_while_nothing_outside_answers_every_decision_is_saved_and_everybody_told_at_last() -> (
    None
):
    targets = [f"model/{'m' * 200}{n:02}" for n in range(16)]
    setup = set_up(policy=replace(POLICY, graph=Graph([Dependency(target=one, needs=TABLE) for one in targets])))
    bus = setup.service.dispatcher.bus
    publish = bus.publish

    def down(topic: str, event: Event, **attributes: str) -> None:
        raise UnavailableError("bus: no answer")

    bus.publish = down  # type: ignore[method-assign]  # the bus of this test alone
    for channel in setup.channels.values():
        channel.fault = UnavailableError("no answer")
    storm(setup, targets, summary="ж" * 2000, runbook="ж" * 2000)
    setup.sweep(minutes=6)
    assert len(setup.world.group(targets[0]).state.incidents) == 16
    bus.publish = publish  # type: ignore[method-assign]  # as above
    for channel in setup.channels.values():
        channel.fault = None
    for _ in range(70):
        setup.sweep(minutes=1)
    assert setup.world.group(targets[0]).pending == ()
    assert {one.target for one in setup.world.told if one.channel == "pager"} == set(targets)


def test_what_is_forgotten_is_not_opened_again_by_what_says_that_all_is_well() -> None:
    setup = set_up(policy=replace(POLICY, graph=GRAPH))

    def give(target: str, kind: str, status: Status) -> None:
        one = replace(FINDING, target=target, kind=kind, status=status, observed_at=setup.world.now)
        setup.give(replace(one, severity=Severity.ERROR))
        setup.world.now += timedelta(minutes=2)

    give("model/c", "drift", Status.FIRING)
    give("model/c", "drift", Status.RESOLVED)
    (first,) = setup.world.incidents()
    setup.sweep(hours=1)
    give("model/b", "drift", Status.FIRING)
    before = setup.world.incidents()[first]
    give("model/c", "latency", Status.RESOLVED)
    assert setup.world.incidents()[first] == before
    assert len(setup.world.incidents()) == 2
    assert set(setup.world.performed().values()) == {1}


def test_what_fires_again_after_it_was_forgotten_is_told() -> None:
    setup = set_up(policy=replace(POLICY, graph=GRAPH))
    start = setup.world.now

    def give(target: str, status: Status, minute: float) -> None:
        at = start + timedelta(minutes=minute)
        setup.world.now = max(setup.world.now, at)
        setup.give(replace(FINDING, target=target, status=status, severity=Severity.ERROR, observed_at=at))

    give("model/c", Status.FIRING, 0)
    give("model/c", Status.RESOLVED, 2)
    setup.sweep(minutes=5)
    give("model/b", Status.FIRING, 60)
    give("model/c", Status.FIRING, 20)
    told = [one.change.value for one in setup.world.told if one.channel == "inbox" and one.target == "model/c"]
    assert told == ["opened", "resolved", "opened"]
    assert len({one["id"] for one in setup.world.incidents().values()}) == 3
