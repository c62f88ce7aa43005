"""Delivery queues are claimed and settled in the document of the group: few reads and writes, and nothing is sent by two."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from core.errors import BusyError, UnavailableError
from core.events import Severity
from core.incidents.messages import Message
from core.settings.business import RevenueOf
from functions.adapters.notify.channel import Channel, Limited, Receipt
from functions.adapters.ports import Data, Document
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.delivery import failing_channels, in_threads
from functions.services.incidents.documents import GROUPS, USUAL, USUAL_MAX_AGE, Silences, usual_revenues
from tests.support.crash.breaking import MemoryStore
from tests.support.fakes.outside import FINDING, Setup, found, set_up


@dataclass
class CountingStore(MemoryStore):
    """Counts the reads and writes by collection; one thread at a time, as a store serves one request after the other."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    def get(self, collection: str, key: str) -> Document | None:
        with self.lock:
            self.reads[collection] += 1
            return super().get(collection, key)

    def find(self, collection: str, **query: object) -> list[Document]:  # type: ignore[override]  # whatever is asked
        with self.lock:
            self.reads[collection] += 1
            return super().find(collection, **query)  # type: ignore[arg-type]  # as above

    def _write(self, collection: str, key: str, data: Data, expected: Document | None) -> Document:
        with self.lock:
            self.writes[collection] += 1
            return super()._write(collection, key, data, expected)


@pytest.fixture
def setup() -> Setup:
    return set_up()


def counting() -> tuple[Setup, CountingStore]:
    """A setup whose two channels have a rate that is counted in the store, as in production."""
    setup = set_up()
    store = CountingStore(setup.world)
    channels: dict[str, Channel] = {
        name: Limited(channel, name=name, store=store, clock=setup.service.clock, per_minute=60)
        for name, channel in setup.channels.items()
    }
    dispatcher = replace(setup.service.dispatcher, store=store, channels=channels)
    clock = setup.service.clock
    setup.service = replace(
        setup.service,
        store=store,
        dispatcher=dispatcher,
        silences=Silences(store, clock),
        failing=failing_channels(store, clock),
        run_all=in_threads,
    )
    return setup, store


def test_opening_an_incident_takes_five_reads_and_five_writes() -> None:
    setup, store = counting()
    setup.give(FINDING)
    assert sorted(message.channel for message in setup.world.told) == ["inbox", "log"]
    assert store.reads == {"incident_groups": 1, "silences": 1, "conditions": 1, "rates": 2}
    assert store.writes == {"incident_groups": 2, "incidents": 1, "rates": 2}


def test_what_is_measured_by_orders_is_read_once_in_a_minute() -> None:
    setup, store = counting()
    usual = usual_revenues(store, setup.service.clock)
    policy = replace(setup.service.policy, revenue_of={FINDING.target: RevenueOf(sources=("shop",))})
    setup.service = replace(setup.service, usual=usual, policy=policy)
    setup.give(FINDING)
    assert store.reads.pop(USUAL) == 1
    assert sum(store.reads.values()) == sum(store.writes.values()) == 5
    store.reads.clear()
    store.writes.clear()
    setup.world.now += USUAL_MAX_AGE / 2
    setup.give(replace(FINDING, target="model/other"))
    assert sum(store.reads.values()) == sum(store.writes.values()) == 5
    setup.world.now += USUAL_MAX_AGE
    setup.give(replace(FINDING, target="model/third"))
    assert store.reads[USUAL] == 1


def test_a_repetition_takes_one_read() -> None:
    setup, store = counting()
    setup.give(FINDING)
    store.reads.clear()
    store.writes.clear()
    setup.give(FINDING)
    assert store.reads == {"incident_groups": 1}
    assert store.writes == {}


def test_another_instance_sends_nothing_that_is_claimed_and_sends_the_rest(setup: Setup) -> None:
    with sending(setup, "inbox"):
        with pytest.raises(BusyError, match="notify:inbox: claimed by"):
            setup.give(found(1, severity=Severity.CRITICAL))
        assert [message.change.value for message in setup.world.told if message.channel == "log"] == [
            "opened",
            "escalated",
        ]
    assert [message.change.value for message in setup.world.told if message.channel == "inbox"] == [
        "opened",
        "escalated",
    ]
    assert setup.world.group().pending == ()
    assert setup.world.group().claims == ()


def test_claims_of_an_instance_that_is_gone_end_by_themselves(setup: Setup) -> None:
    setup.channels["inbox"].fault = KilledByHost()
    with pytest.raises(KilledByHost):
        setup.give(FINDING)
    setup.channels["inbox"].fault = None
    with pytest.raises(BusyError):
        setup.give(FINDING)
    setup.world.now += LEASE
    setup.give(FINDING)
    assert [message.channel for message in setup.world.told] == ["inbox", "log"]


def test_a_decision_whose_write_was_not_answered_is_acted_on_at_the_next_delivery(setup: Setup) -> None:
    store = setup.service.store
    assert isinstance(store, MemoryStore)
    create = store.create

    def unanswered(collection: str, key: str, data: Data) -> Document:
        store.create = create  # type: ignore[method-assign]  # the store of this test alone
        create(collection, key, data)
        raise UnavailableError("the answer was lost")

    store.create = unanswered  # type: ignore[method-assign]  # as above
    with pytest.raises(UnavailableError, match="lost"):
        setup.give(FINDING)
    assert setup.world.told == []
    setup.give(FINDING)
    assert [message.channel for message in setup.world.told] == ["inbox", "log"]


def test_what_was_sent_is_saved_though_a_slower_channel_is_killed(setup: Setup) -> None:
    setup.channels["log"].fault = KilledByHost()
    with pytest.raises(KilledByHost):
        setup.give(FINDING)
    setup.channels["log"].fault = None
    setup.world.now += LEASE
    setup.give(FINDING)
    assert [message.channel for message in setup.world.told] == ["inbox", "log"]


def test_what_could_not_be_saved_early_is_saved_with_the_rest(setup: Setup) -> None:
    store = setup.service.store
    assert isinstance(store, MemoryStore)
    replaced, refusals = store.replace, iter([True])

    def once_down(document: Document, collection: str, data: Data) -> Document:
        if collection == GROUPS and next(refusals, False):
            raise UnavailableError("store: no answer")
        return replaced(document, collection, data)

    store.replace = once_down  # type: ignore[method-assign]  # the store of this test alone
    setup.give(FINDING)
    assert [message.channel for message in setup.world.told] == ["inbox", "log"]
    assert setup.world.group().pending == ()
    setup.give(FINDING)
    assert len(setup.world.told) == 2


class KilledByHost(BaseException):
    """The process is gone, and releases nothing."""


@contextmanager
def sending(setup: Setup, name: str) -> Iterator[None]:
    """While the channel takes its time with the first message of another thread."""
    started, go_on = threading.Event(), threading.Event()
    channel = setup.channels[name]

    class Slow:
        def send(self, message: Message) -> Receipt:
            if not started.is_set():
                started.set()
                assert go_on.wait(10)
            return channel.send(message)

    channels = {**setup.service.dispatcher.channels, name: Slow()}
    other = replace(setup.service, dispatcher=replace(setup.service.dispatcher, channels=channels), run_all=in_threads)
    mine, setup.service = setup.service, other
    thread = threading.Thread(target=setup.give, args=(FINDING,))
    thread.start()
    assert started.wait(10)
    setup.service = mine
    try:
        yield
    finally:
        go_on.set()
        thread.join()
