"""The incident service on the real stores: routers and sweeps of many instances at once, and the documents they leave."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BusyError, ConflictError, UnavailableError
from core.events import Command, Finding, Severity, Status, Tick, Verb
from core.incidents.due import LONGEST_REST
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import Graph
from core.settings import Dependency
from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.store import normal
from functions.incident_router.router import Received, handle
from functions.incident_sweep.sweep import Sweeper, sweep
from functions.services.incidents.documents import GROUPS, INCIDENTS, Silences, incident_data, read_group
from functions.services.incidents.service import IncidentService
from tests.support.fakes.outside import POLICY, TARGET, Setup, found, set_up

pytest_plugins = ["tests.support.servers.stores"]
AnyStore = SqliteStore | FirestoreStore
TABLE, OTHER = "table/flights", "model/other"
GRAPH = Graph([Dependency(target=TARGET, needs=TABLE), Dependency(target=OTHER, needs=TABLE)])
GROUP = GRAPH.group(TARGET)


@pytest.fixture
def setup(store: AnyStore) -> Setup:
    return set_up(store, policy=replace(POLICY, graph=GRAPH))


@pytest.fixture
def instances(setup: Setup, opened: Callable[[], AnyStore]) -> list[IncidentService]:
    """Services of several instances: each with a connection, a ledger and silences of its own."""
    return [_instance(setup, opened(), n) for n in range(3)]


def _instance(setup: Setup, store: AnyStore, n: int) -> IncidentService:
    clock = setup.service.clock
    dispatcher = replace(setup.service.dispatcher, store=store)
    return replace(setup.service, store=store, dispatcher=dispatcher, silences=Silences(store, clock))


def groups(store: AnyStore) -> dict[str, IncidentGroup]:
    return {document.key: read_group(document.data) for document in store.find(GROUPS)}


def copies(store: AnyStore, **where: Any) -> dict[str, Any]:
    return {document.key: document.data for document in store.find(INCIDENTS, where=where)}


def assert_copies_match_their_group(store: AnyStore) -> None:
    kept = copies(store)
    for group in groups(store).values():
        for incident in group.state.incidents:
            wanted = incident_data(group, incident.id)
            assert wanted is not None
            stable = {name: value for name, value in normal(wanted).items() if name != "revision"}
            assert {name: kept[incident.id][name] for name in stable} == stable


def until_done(act: Callable[[], None]) -> None:
    while True:
        try:
            return act()
        except (BusyError, ConflictError):
            continue


def together(acts: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=until_done, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_routers_and_sweeps_of_many_instances_at_once_tell_everything_once(
    setup: Setup, store: AnyStore, instances: list[IncidentService]
) -> None:
    at = setup.world.now
    findings = [
        replace(found(0, severity=Severity.ERROR, kind=f"kind-{n % 2}"), observed_at=at, target=(TARGET, OTHER)[n // 2])
        for n in range(4)
    ]
    tick = Tick(job="incident_sweep", scheduled_at=at)

    def given(service: IncidentService, finding: Finding) -> Callable[[], None]:
        return lambda: handle(service, Received(finding, at))

    def swept(service: IncidentService) -> Callable[[], None]:
        return lambda: sweep(Sweeper(service=service, sleep=lambda _: None), tick)

    together(
        [given(service, one) for service in instances for one in findings] + [swept(service) for service in instances]
    )
    setup.sweep(seconds=40)
    (group,) = groups(store).values()
    assert group.pending == ()
    assert len(group.state.incidents) == 2
    assert set(setup.world.performed().values()) == {1}
    assert sorted(one.target for one in setup.world.told if one.channel == "inbox") == sorted([TARGET, OTHER])
    assert_copies_match_their_group(store)


def test_a_group_is_found_by_the_sweep_for_as_long_as_time_may_change_it(setup: Setup, store: AnyStore) -> None:
    def active() -> list[str]:
        every = setup.world.now + LONGEST_REST
        return [one.key for name in Severity for one in store.due(GROUPS, where={"severity": name.value}, until=every)]

    at = setup.world.now
    setup.give(replace(found(0, severity=Severity.ERROR), observed_at=at))
    assert active() == [GROUP]
    for _ in range(6):
        setup.sweep(minutes=1)
    assert [one.change for one in setup.world.told if one.channel == "pager"] == ["escalated"]
    setup.command(Verb.ACKNOWLEDGE, subject=next(iter(copies(store))))
    assert active() == [GROUP]
    setup.give(replace(found(0, Status.RESOLVED, Severity.ERROR), observed_at=setup.world.now))
    for _ in range(3):
        setup.sweep(minutes=1)
    assert active() == []
    (copy,) = copies(store, over_on=setup.world.now.date().isoformat()).values()
    assert (copy["state"], copy["acknowledged_by"]) == ("resolved", "ada")
    assert copies(store, open=True) == {}
    assert_copies_match_their_group(store)


def test_silences_made_and_ended_by_many_instances_at_once_all_count(
    setup: Setup, instances: list[IncidentService]
) -> None:
    at = setup.world.now
    until = at + timedelta(hours=1)
    made = [Command(verb=Verb.SILENCE, subject=f"model/m{n}", by="ada", at=at, until=until) for n in range(6)]
    later = at + timedelta(seconds=1)
    ended = [Command(verb=Verb.UNSILENCE, subject=f"model/m{n}", by="bob", at=later) for n in range(0, 6, 2)]
    everything = [(service, one) for one in (*made, *ended) for service in instances]

    def given(service: IncidentService, command: Command) -> Callable[[], None]:
        return lambda: handle(service, Received(command, at))

    together([given(*one) for one in everything])
    setup.world.now += timedelta(minutes=1)
    for service in instances:
        held = sorted(one.pattern for one in service.silences() if one.at <= setup.world.now < one.until)
        assert held == ["model/m1", "model/m3", "model/m5"]


def test_a_decision_whose_write_was_answered_by_nobody_is_made_once(setup: Setup, store: AnyStore) -> None:
    replaced = type(store).replace
    silent = iter([True])

    def unanswered(self: Any, document: Any, collection: str, data: Any) -> Any:
        written = replaced(self, document, collection, data)
        if collection == GROUPS and next(silent, False):
            raise UnavailableError("the answer was lost")
        return written

    setup.give(replace(found(0, severity=Severity.ERROR), observed_at=setup.world.now))
    worse = replace(found(0, severity=Severity.CRITICAL), observed_at=setup.world.now + timedelta(minutes=1))
    setup.world.now += timedelta(minutes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "replace", unanswered)
        with pytest.raises(UnavailableError, match="lost"):
            setup.give(worse)
    assert [one.change for one in setup.world.told if one.channel == "inbox"] == ["opened"]
    setup.give(worse)
    assert [one.change for one in setup.world.told if one.channel == "inbox"] == ["opened", "escalated"]
    assert set(setup.world.performed().values()) == {1}
    assert_copies_match_their_group(store)
