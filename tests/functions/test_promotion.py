"""The function promotion over tables in memory: registered, compared, promoted, rolled back; delivered twice and killed anywhere."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import ConflictError, RefusedError
from core.events import Command, Status, Verb
from functions.adapters.ports import Data, Document
from functions.promotion.promotion import handle
from functions.services.incidents.documents import INCIDENTS
from functions.services.promotions import COLLECTION
from tests.support.builders.budget import ALL
from tests.support.crash.breaking import MemoryStore
from tests.support.crash.promotions import (
    AT,
    BETTER,
    DAY,
    EVEN,
    HOUR,
    POLICY,
    SHADOWED,
    WORSE,
    check_shares,
    command,
    play,
    story,
)
from tests.support.fakes.promotions import MODEL, Tables, give, promoter, tick

BY_PERSON = replace(SHADOWED, promotion=replace(POLICY, auto=False))


def tables(**pairs: Data) -> Tables:
    made = Tables(now=AT, pairs=pairs)
    made.registered = {"7": AT - DAY}
    return made


def stages(world: Tables) -> list[tuple[str, str | None, float]]:
    """The stages of the challenger and of the champion's switches, in order."""
    return [
        (one["stage"], one["version"], one["share"]) for one in world.changes.values() if one["alias"] == "champion"
    ]


def run(world: Tables, model: Any = SHADOWED, *, days: float, first: float = 0) -> None:
    for hour in range(round(first * 24), round(days * 24)):
        world.now = AT + hour * HOUR
        give(world, model, tick(world.now))


def test_a_registered_version_is_compared_promoted_and_watched() -> None:
    world = tables(**{"8": BETTER})
    world.registered["8"] = AT
    run(world, days=4)
    assert stages(world) == [("step", "7", 95), ("step", "7", 75), ("watch", "8", 100), ("promoted", "8", 100)]
    assert world.holders() == {"champion": ("8", 100), "challenger": (None, 0)}
    assert world.set == {"champion": "8", "challenger": None}
    [first] = [one for one in world.looks.values() if one["decision"] == "promote"]
    assert (first["reason"], first["n"], first["stage"], first["challenger"]) == ("better", 5000, "comparison", "8")
    assert world.found == []


@pytest.mark.parametrize(
    ("pairs", "reason"), [(WORSE, "worse"), (EVEN | {"n": 20_000}, "not better"), (EVEN, "not shown in time")]
)
def test_what_is_not_better_is_rejected_with_the_reason(pairs: Data, reason: str) -> None:
    world = tables(**{"8": pairs})
    world.registered["8"] = AT
    run(world, replace(SHADOWED, promotion=replace(POLICY, days=2)), days=3)
    *_, last = world.changes.values()
    assert (last["version"], last["stage"]) == (None, "rejected")
    assert last["why"].startswith(f"version 8: {reason}")
    assert world.champions(world.now) == ["7"]


def test_an_incident_rolls_a_step_back_and_a_finding_says_so_for_a_day() -> None:
    world = tables(**{"8": BETTER})
    world.registered["8"] = AT
    run(world, days=1)
    incident = {"open": True, "targets": [MODEL.target], "severity": "error", "opened_at": AT + DAY}
    for key, data in (
        ("late", incident),
        ("before", incident | {"opened_at": AT - DAY}),
        ("mild", incident | {"severity": "warning"}),
        ("of another", incident | {"targets": ["model/other"]}),
    ):
        MemoryStore(world, revision=world.boundaries).create(INCIDENTS, key, data)
    run(world, first=1, days=3)
    assert stages(world) == [("step", "7", 95), ("rolled back", "7", 100)]
    assert [(one.status, one.summary) for one in world.found] == [
        (Status.FIRING, f"{MODEL.name}: rolled back: version 8: incident late"),
        (Status.RESOLVED, "version 8: incident late"),
    ]


def test_a_newer_version_takes_the_place_and_one_with_traffic_is_not_disturbed() -> None:
    world = tables(**{"8": EVEN, "9": BETTER, "10": WORSE})
    world.registered["8"] = AT
    run(world, days=0.1)
    world.registered["9"] = AT + 3 * HOUR
    run(world, first=0.1, days=1)
    world.registered["10"] = AT + DAY
    run(world, first=1, days=6)
    challengers = [one["version"] for one in world.changes.values() if one["stage"] == "comparison"]
    assert challengers == ["8", "9", "10"]
    assert world.champions(world.now) == ["7", "9"]


def test_people_promote_and_roll_back_and_a_repetition_changes_nothing() -> None:
    world = tables(**{"8": BETTER})
    world.registered["8"] = AT
    run(world, BY_PERSON, days=0.2)
    assert world.holders()["challenger"] == ("8", 0)
    for verb, minute, after in (
        (Verb.PROMOTE, 1, ("7", 95)),
        (Verb.PROMOTE, 2, ("7", 75)),
        (Verb.PROMOTE, 3, ("8", 100)),
        (Verb.ROLL_BACK, 4, ("7", 100)),
    ):
        asked = command(verb, world.now + timedelta(minutes=minute))
        give(world, BY_PERSON, asked)
        changed = dict(world.changes)
        give(world, BY_PERSON, asked)
        assert (world.holders()["champion"], world.changes) == (after, changed)
    assert world.found == []  # a person knows what was done


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (command(Verb.PROMOTE, AT, "9"), "must be a registered version of delay, got '9'"),
        (command(Verb.PROMOTE, AT), "must be a registered version of delay, got ''"),
        (command(Verb.PROMOTE, AT, "7"), "must be another one than 7"),
        (command(Verb.ROLL_BACK, AT), "no version of delay was in use before"),
        (replace(command(Verb.HALT, AT), subject=MODEL.name), "must be promote or roll_back of a model, got halt"),
        (replace(command(Verb.PROMOTE, AT), subject="nobody"), "got promote 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_refused(asked: Command, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        give(tables(), SHADOWED, asked)


def test_a_registry_that_does_not_answer_delays_no_switch() -> None:
    world = tables(**{"8": BETTER})
    world.registered["8"], world.registry_down = AT, True
    run(world, days=1)
    give(world, SHADOWED, command(Verb.ROLL_BACK, world.now))
    assert (world.holders()["champion"], world.set) == (("7", 100), {})
    world.registry_down = False
    run(world, first=1, days=1.1)
    assert world.set == {"champion": "7", "challenger": None}


def test_of_two_ticks_at_once_one_decides() -> None:
    world = tables(**{"8": BETTER})
    world.registered["8"] = AT

    class Overtaken(MemoryStore):
        def create(self, collection: str, key: str, data: Data) -> Document:
            if collection == COLLECTION and not overtaking:
                overtaking.append(key)
                give(world, SHADOWED, tick(AT))
            return super().create(collection, key, data)

    overtaking: list[str] = []
    slow = replace(promoter(world, SHADOWED), store=Overtaken(world, revision=100))
    result = handle(slow, tick(AT))
    assert isinstance(result.fault if result else None, ConflictError)
    assert len(world.changes) == 1


@pytest.mark.parametrize("seed", range(400 if ALL else 20))
def test_killed_anywhere_no_version_is_lost_and_none_is_promoted_twice(seed: int) -> None:
    told = story(seed)
    wanted = play(seed, told, Tables(now=AT), killed=False, check=check_shares)
    found = play(seed, told, Tables(now=AT), killed=True, check=check_shares)
    assert found.changes == wanted.changes
    assert found.looks == wanted.looks
    assert found.holders() == wanted.holders()
    assert {one.id for one in found.found} == {one.id for one in wanted.found}
    switches = found.champions(found.now)
    assert all(one != other for one, other in itertools.pairwise(switches))
