"""Merging killed at every boundary, at random, and replayed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from core.errors import RefusedError
from core.events import Command, Severity, Status, Verb
from core.incidents.model import State
from core.replay.engine import replay
from functions.incident_router.router import Received, RoutedEvent, handle
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.kept_decisions import inputs
from tests.support.builders.budget import boundaries, examples
from tests.support.builders.decided import decision_rows
from tests.support.fakes.merging import FAILED, FIRING, RESOLVED, A, B, C, Place
from tests.support.fakes.outside import FINDING, POLICY


def test_killed_at_every_boundary_the_same_comes_of_it() -> None:
    whole = Place()
    story(whole)
    for boundary in boundaries(whole.setup.world.boundaries):
        place = Place()
        place.setup.world.kill_at = boundary
        story(place, insist=lambda place=place: insisting(place))  # type: ignore[misc] # bound now
        assert life(place) == life(whole), f"killed at {boundary}"


def insisting(place: Place) -> Callable[[RoutedEvent, datetime], None]:
    def give(event: RoutedEvent, published_at: datetime) -> None:
        for _ in range(20):
            place.setup.world.dead = False
            try:
                handle(place.setup.service, Received(event, published_at))
            except FAILED:
                place.setup.world.now += LEASE
            else:
                return
        pytest.fail(f"never acknowledged: {event}")

    return give


def story(place: Place, insist: Callable[[], Callable[[RoutedEvent, datetime], None]] | None = None) -> None:
    """Two incidents, merged, worse, and taken out again: each event delivered until it is acknowledged."""
    world, start = place.setup.world, place.setup.world.now
    give = insist() if insist else lambda event, at: handle(place.setup.service, Received(event, at))

    def settle() -> None:
        while place.delivered < len(world.found):
            place.delivered += 1
            give(world.found[place.delivered - 1], world.now)

    def at(minute: float) -> datetime:
        world.now = max(world.now, start + timedelta(minutes=minute))
        return start + timedelta(minutes=minute)

    def find(minute: float, target: str, status: Status, severity: Severity) -> None:
        now = at(minute)
        give(replace(FINDING, target=target, status=status, severity=severity, observed_at=now), now)
        settle()

    find(0, A, FIRING, Severity.ERROR)
    find(20, B, FIRING, Severity.WARNING)
    a, b = place.named(A).id, place.named(B).id
    now = at(40)
    give(Command(verb=Verb.MERGE, subject=a, by="ada", at=now, to=b), now)
    settle()
    find(60, A, FIRING, Severity.CRITICAL)
    find(80, B, RESOLVED, Severity.WARNING)
    now = at(100)
    give(Command(verb=Verb.SPLIT, subject=a, by="ada", at=now), now)
    settle()
    find(120, A, RESOLVED, Severity.CRITICAL)
    for _ in range(6):
        world.dead = False
        try:
            place.setup.sweep(minutes=30)
        except FAILED:
            world.now += LEASE
        settle()


def life(place: Place) -> object:
    told = {(m.incident_id, m.channel, m.change) for m in place.setup.world.told if m.change != "updated"}
    return [(one.id, one.state, one.merged_into, one.lasts, one.severity) for one in place.incidents()], told


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed now and then"])
def test_nothing_ends_while_a_part_fires_whatever_is_merged_when(killed: bool) -> None:  # noqa: FBT001 - a parameter
    for seed in range(examples(40)):
        rng = random.Random(seed)
        place = Place()
        if killed:
            place.setup.world.chance = rng.random
        Mixed(place, rng, killed=killed).play()


@dataclass
class Mixed:
    """Findings, commands and reports in any order, twice and late, with kills; and what must hold at rest."""

    place: Place
    rng: random.Random
    killed: bool
    waiting: list[tuple[RoutedEvent, datetime]] = field(default_factory=list)
    fires: dict[str, bool] = field(default_factory=dict)

    def play(self) -> None:
        world = self.place.setup.world
        for _ in range(self.rng.randint(5, 20)):
            world.now += timedelta(seconds=self.rng.choice((1, 40, 300, 1300)))
            self.waiting.append((self.event(), world.now))
            if self.rng.random() < 0.7:
                self.deliver()
            if self.rng.random() < 0.3:
                self.attempt(lambda: self.place.setup.sweep(seconds=30))
        world.kill_at, world.chance = 0, lambda: 1.0
        self.rest()
        self.judge()
        for target in self.fires:
            event = replace(FINDING, target=target, status=RESOLVED, observed_at=world.now)
            self.waiting.append((event, world.now))
        self.rest()
        assert [one.id for one in self.place.incidents() if one.lasts] == []

    def event(self) -> RoutedEvent:
        world = self.place.setup.world
        known = sorted(world.incidents())
        if len(known) > 1 and self.rng.random() < 0.5:
            one, to = self.rng.sample(known, 2)
            verb = self.rng.choice((Verb.MERGE, Verb.MERGE, Verb.SPLIT, Verb.ACKNOWLEDGE))
            return Command(verb=verb, subject=one, by="ada", at=world.now, to=to if verb is Verb.MERGE else "")
        target, status = self.rng.choice((A, B, C)), self.rng.choice((FIRING, FIRING, RESOLVED))
        self.fires[target] = status is FIRING
        severity = self.rng.choice(list(Severity))
        return replace(FINDING, target=target, status=status, severity=severity, observed_at=world.now)

    def deliver(self) -> None:
        """Everything that waits, in any order; some of it twice, and what fails comes again."""
        world, place = self.place.setup.world, self.place
        self.waiting += [(finding, world.now) for finding in world.found[place.delivered :]]
        place.delivered = len(world.found)
        self.rng.shuffle(self.waiting)
        left = []
        for event, published_at in self.waiting:
            if not self.attempt(lambda e=event, p=published_at: handle(place.setup.service, Received(e, p))):  # type: ignore[misc]
                left.append((event, published_at))
            elif self.rng.random() < 0.2 and world.kill_at == 0:
                self.attempt(lambda e=event, p=published_at: handle(place.setup.service, Received(e, p)))  # type: ignore[misc]
        self.waiting = left

    def attempt(self, act: Callable[[], object]) -> bool:
        world = self.place.setup.world
        world.dead = False
        world.kill_at = world.boundaries + self.rng.randint(1, 80) if self.killed and world.chance() < 1 else 0
        try:
            act()
        except RefusedError:
            return True
        except FAILED:
            return False
        return True

    def rest(self) -> None:
        for _ in range(40):
            self.place.setup.world.now += LEASE
            self.deliver()
            self.attempt(lambda: self.place.setup.sweep(minutes=1))
            if not self.waiting and self.place.delivered == len(self.place.setup.world.found):
                return
        pytest.fail(f"no rest: {self.waiting}")

    def judge(self) -> None:
        """What fires is held by an incident that is open, itself or the one that it is a part of in the end."""
        for target, fires in self.fires.items():
            root = self.place.named(target) if fires else None
            while root and root.merged_into:
                root = self.place.incident(root.merged_into)
            assert root is None or root.state is not State.RESOLVED, f"{target} fires, and {root.id} is over"


def test_a_replay_merges_as_it_was_and_tells_the_same() -> None:
    place = Place()
    story(place)
    world = place.setup.world
    replayed = replay(inputs(decision_rows([*world.decided, *world.decided[:9]])), POLICY)
    told = {message.key: message for message in world.told}
    assert {message.key: message for _, message in replayed.messages} == told
    assert {"merged", "reopened", "escalated"} <= {message.change.value for message in told.values()}
    assert replayed.skipped == 0
