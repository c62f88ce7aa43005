"""The action runner on the real stores: many at once, and a store that is slow, read-only or crowded."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from core.actions.plan import Health
from core.errors import BusyError, ConflictError, UnavailableError
from core.events import ActionRequest, Command, Mode, Stage, Tick, Verb
from core.settings.response import ActionName, Automation, Limits
from functions.action_runner.runner import NAME
from functions.adapters.ports import Data, Document, Store
from functions.adapters.sqlite_store import SqliteStore
from tests.support.fakes.automation import (
    REQUEST,
    RISKY,
    MemoryStore,
    Setup,
    World,
    assert_told_in_full,
    commanded,
    set_up,
)
from tests.support.fakes.stores import WrappedStore

T = TypeVar("T")

if TYPE_CHECKING:
    from tests.support.servers.stores import Place

pytest_plugins = ["tests.support.servers.stores"]
LIMITS = {ActionName.RESTART_SERVICE: Limits(per_hour=100), ActionName.ROLLBACK_MODEL: Limits(per_hour=100)}


def test_a_whole_life_on_each_store(store: Store) -> None:
    setup = set_up(store)
    setup.give(REQUEST, RISKY, replace(REQUEST, sequence=2, mode=Mode.DRY_RUN))
    setup.give(commanded(Verb.APPROVE, RISKY.id), commanded(Verb.HALT, "*"))
    setup.give(replace(REQUEST, sequence=3, target="service/search"))
    setup.give(commanded(Verb.RESUME, "*", at=setup.world.now + timedelta(seconds=1)))
    setup.action.health = Health.BAD
    setup.tick(minutes=2)
    assert_told_in_full(setup)
    assert setup.stages() == ["planned", "approved", "applied", "undone"]
    assert setup.stages(RISKY) == ["planned", "awaiting_approval", "approved", "applied", "undone"]
    assert all(case.over and not case.waiting for case in setup.cases())
    assert [one.action for one in setup.guards().applications] == ["restart_service", "rollback_model"]


@contextmanager
def instances(place: "Place", count: int, automation: Automation) -> Iterator[list[Setup]]:
    """Several of the function, with a connection to the store each, and one outside."""
    world = World()
    setups = [set_up(place.open(), automation=automation, world=world) for _ in range(count)]
    for setup in setups:
        setup.action = setups[0].action
        setup.runner = replace(setup.runner, actions=setups[0].runner.actions)
    yield setups
    for setup in setups:
        assert isinstance(setup.store, SqliteStore)
        setup.store.close()


def until_done(setup: Setup, event: ActionRequest | Command) -> None:
    while True:
        try:
            return setup.give(event)
        except (BusyError, ConflictError):
            continue


def at_once(setups: list[Setup], events: list[ActionRequest] | list[Command]) -> None:
    """Every instance is given every event."""
    with ThreadPoolExecutor(2 * len(setups)) as pool:
        list(pool.map(lambda turn: until_done(*turn), [(setup, event) for event in events for setup in setups]))


def test_instances_that_run_at_once_never_spend_more_than_the_budget(sqlite_place: "Place") -> None:
    with instances(sqlite_place, 3, Automation(per_hour=4, limits=LIMITS)) as setups:
        requests = [replace(REQUEST, sequence=n, target=f"service/{n}") for n in range(10)]
        at_once(setups, requests)
        assert len(setups[0].action.changed) == 4
        assert sorted(setups[0].action.calls) == sorted(setups[0].action.changed)
        stages = [case.stage for case in setups[0].cases()]
        assert (stages.count(Stage.APPLIED), stages.count(Stage.REFUSED)) == (4, 6)
        assert_told_in_full(setups[0])
        assert len({one.id for one in setups[0].world.published}) == len(setups[0].world.published)


def test_instances_that_run_at_once_keep_the_cooldown_of_a_target(sqlite_place: "Place") -> None:
    with instances(sqlite_place, 3, Automation(limits=LIMITS)) as setups:
        at_once(setups, [replace(REQUEST, sequence=n) for n in range(8)])
        assert len(setups[0].action.calls) == 1
        assert_told_in_full(setups[0])


def test_one_of_an_approval_and_a_rejection_at_once_counts(sqlite_place: "Place") -> None:
    with instances(sqlite_place, 2, Automation(limits=LIMITS, per_hour=100)) as setups:
        requests = [replace(RISKY, sequence=n, target=f"model/{n}") for n in range(6)]
        setups[0].give(*requests)
        words = [commanded(verb, one.id) for one in requests for verb in (Verb.APPROVE, Verb.REJECT)]
        at_once(setups, words)
        cases = setups[0].cases()
        assert {case.stage for case in cases} <= {Stage.APPLIED, Stage.REJECTED}
        applied = [case.request.id for case in cases if case.stage is Stage.APPLIED]
        assert sorted(setups[0].action.calls) == sorted(applied)
        assert_told_in_full(setups[0])


def test_a_store_that_others_hold_too_long_applies_nothing_and_heals(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    setup = set_up(SqliteStore(path, patience=0.05))
    setup.give(replace(REQUEST, mode=Mode.DRY_RUN, sequence=9))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"):
        setup.give(REQUEST)
    assert setup.action.calls == []
    other.execute("ROLLBACK")
    other.close()
    setup.give(REQUEST)
    assert setup.action.calls == [REQUEST.id]
    assert isinstance(setup.store, SqliteStore)
    setup.store.close()


@dataclass
class Moody(WrappedStore):
    """A store whose writes do what a test wants, as long as it wants."""

    mood: Callable[[str], None] = lambda collection: None

    def write(self, collection: str, act: Callable[[], T]) -> T:
        self.mood(collection)
        return act()


@pytest.mark.parametrize("read_only", ["guards", "actions", "ledger"])
def test_where_nothing_can_be_written_nothing_is_applied(read_only: str) -> None:
    def refuse(collection: str) -> None:
        if collection == read_only:
            raise UnavailableError(f"{collection}: attempt to write a readonly database")

    world = World()
    store = Moody(MemoryStore(world), refuse)
    setup = set_up(store, world=world)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="readonly"):
            setup.give(REQUEST)
    assert setup.action.calls == []
    store.mood = lambda collection: None
    setup.give(REQUEST)
    assert setup.action.calls == [REQUEST.id]
    assert setup.stages() == ["planned", "approved", "applied"]
    assert len(setup.guards().applications) == 1


@pytest.mark.parametrize("crowded", ["guards", "actions", "ledger"])
def test_a_crowded_store_is_tried_again_and_then_later(crowded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.adapters.store.time.sleep", lambda seconds: None)
    left = 10**9

    def collide(collection: str) -> None:
        nonlocal left
        if collection == crowded and left > 0:
            left -= 1
            raise ConflictError(f"{collection}: somebody else wrote it first")

    world = World()
    setup = set_up(Moody(MemoryStore(world), collide), world=world)
    with pytest.raises((ConflictError, BusyError)):
        setup.give(REQUEST)
    assert setup.action.calls == []
    left = 10
    setup.give(REQUEST)
    assert setup.action.calls == [REQUEST.id]
    assert setup.stages() == ["planned", "approved", "applied"]


@pytest.mark.parametrize("key", ["guards", "actions", "ledger"])
def test_a_write_that_arrived_although_its_answer_did_not_counts_once(key: str) -> None:
    """The connection breaks after each write of a collection in turn."""
    for nth in range(1, 20):
        world = World()
        store = Lossy(MemoryStore(world), key, nth)
        setup = set_up(store, world=world)
        setup.redeliver(REQUEST)
        for _ in range(3):
            setup.world.now += timedelta(minutes=2)
            setup.redeliver(Tick(job=NAME, scheduled_at=setup.world.now))
        assert setup.action.changed == [REQUEST.id]
        assert len(setup.action.calls) <= 1 + (key == "ledger")
        assert setup.stages() == ["planned", "approved", "applied", "verified"]
        assert not setup.case().waiting
        assert len(setup.guards().applications) == 1


@dataclass
class Lossy(Moody):
    """A store that loses the answer of one write."""

    collection: str = ""
    nth: int = 0

    def __init__(self, inner: MemoryStore, collection: str, nth: int) -> None:
        super().__init__(inner)
        self.collection, self.nth = collection, nth

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self._lose(collection, super().create(collection, key, data))

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self._lose(collection, super().replace(document, collection, data))

    def _lose(self, collection: str, written: Document) -> Document:
        self.nth -= collection == self.collection
        if self.nth == 0 and collection == self.collection:
            raise UnavailableError("the connection broke")
        return written
