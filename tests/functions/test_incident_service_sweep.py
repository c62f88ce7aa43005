"""The sweep when something does not go as it should: slow, busy, broken or limited, and much of it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.errors import LimitedError, UnavailableError
from core.events import Event, Severity, Status, Tick, Verb
from core.incidents.messages import Message
from core.settings import People, Route, Stakeholder, Tier, When
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.ports import BulkBus, Data, Document, Store
from functions.incident_sweep.sweep import BUDGET, Sweeper, sweep
from functions.services.incidents.documents import GROUPS, INCIDENTS
from tests.support.fakes.outside import POLICY, TARGET, KilledError, MemoryStore, Setup, World, found, set_up
from tests.support.fakes.stores import WrappedStore

ERROR = Severity.ERROR
HEARTBEAT = ("aia_heartbeat_timestamp_seconds", "incident_sweep")


@pytest.fixture
def setup() -> Setup:
    return set_up()


def now(setup: Setup, status: Status = Status.FIRING, severity: Severity = ERROR, **fields: Any) -> None:
    setup.give(replace(found(0, status, severity), observed_at=setup.world.now, **fields))


def told(setup: Setup, channel: str) -> list[str]:
    return [message.target for message in setup.world.told if message.channel == channel]


def limit(setup: Setup, name: str) -> None:
    setup.channels[name].fault = LimitedError(f"channel {name}: wait", setup.world.now + timedelta(hours=1))


def storm(setup: Setup, incidents: int) -> None:
    """Incidents of as many targets; every third is critical."""
    for n in range(incidents):
        now(setup, severity=(ERROR, Severity.WARNING, Severity.CRITICAL)[n % 3], target=f"model/m{n:03}")


@dataclass
class SlowBus:
    """Takes ten seconds to say that it takes nothing."""

    world: World

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        self.world.now += timedelta(seconds=10)
        raise UnavailableError(f"bus: {topic}: no answer")

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        self.publish(topic, events[0])


def with_bus(setup: Setup, bus: BulkBus) -> None:
    service = setup.service
    setup.service = replace(service, dispatcher=replace(service.dispatcher, bus=bus))


def test_a_bus_that_does_not_answer_keeps_no_message_from_being_sent(setup: Setup) -> None:
    storm(setup, 12)
    working = setup.service.dispatcher.bus
    with_bus(setup, SlowBus(setup.world))
    before = setup.world.now
    setup.sweep(minutes=6)
    critical_and_errors = {f"model/m{n:03}" for n in range(12) if n % 3 != 1}
    assert set(told(setup, "pager")) == critical_and_errors
    assert setup.world.now - before < timedelta(minutes=6, seconds=BUDGET + 15 * 4)
    with_bus(setup, working)
    setup.sweep(minutes=1)
    assert all(not setup.world.group(f"model/m{n:03}").pending for n in range(12))


@dataclass
class SlowStore(WrappedStore):
    """A store that takes a second for whatever is asked of it, and is asked about one group after the other."""

    world: World

    def get(self, collection: str, key: str) -> Document | None:
        self.world.now += timedelta(seconds=1)
        return super().get(collection, key)


def with_store(setup: Setup, store: Store) -> None:
    setup.service = replace(setup.service, store=store, dispatcher=replace(setup.service.dispatcher, store=store))


def test_a_slow_store_does_not_let_one_sweep_meet_the_next(setup: Setup) -> None:
    storm(setup, 100)
    with_store(setup, SlowStore(MemoryStore(setup.world, revision=10_000), setup.world))
    before = setup.world.now
    setup.sweep(minutes=6)
    assert setup.world.now - before < timedelta(minutes=6, seconds=BUDGET + 15)


def test_four_hundred_groups_that_waited_for_one_channel_are_told_the_worst_first(setup: Setup) -> None:
    limit(setup, "inbox")
    storm(setup, 400)
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    messages = [message for message in setup.world.told if message.channel == "inbox"]
    assert len({message.incident_id for message in messages}) == len(messages) == 400
    ranks = [message.severity.rank for message in messages]
    assert ranks == sorted(ranks, reverse=True)
    assert setup.world.gauges["aia_notifications_waiting", "inbox"] == 0


@dataclass
class Bucket:
    """A channel that takes one message every two seconds."""

    world: World
    free_at: datetime | None = None
    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Receipt:
        if self.free_at is not None and self.world.now < self.free_at:
            raise LimitedError("channel inbox: one every two seconds", self.free_at)
        self.free_at = self.world.now + timedelta(seconds=2)
        self.sent.append(message)
        return Receipt(DeliveryOutcome.DELIVERED)


def test_what_a_rate_does_not_let_through_in_one_sweep_goes_on_in_the_next_and_nothing_twice(setup: Setup) -> None:
    limit(setup, "inbox")
    storm(setup, 60)
    bucket = setup.service.dispatcher.channels["inbox"] = Bucket(setup.world)
    before = setup.world.now
    setup.sweep(minutes=1)
    assert setup.world.now - before <= timedelta(minutes=1, seconds=BUDGET)
    assert len(bucket.sent) == 23
    assert all(message.severity is Severity.CRITICAL for message in bucket.sent[:20])
    for _ in range(5):
        setup.sweep(minutes=1)
    opened = [message.incident_id for message in bucket.sent if message.change == "opened"]
    assert len(opened) == len(set(opened)) == 60


def test_a_channel_limited_for_an_hour_is_left_at_once_and_holds_up_no_other(setup: Setup) -> None:
    limit(setup, "inbox")
    storm(setup, 40)
    limit(setup, "inbox")
    before = setup.world.now
    setup.sweep(minutes=6)
    assert setup.world.now - before == timedelta(minutes=6)
    assert len(told(setup, "log")) == 40
    assert setup.world.gauges["aia_notifications_waiting", "inbox"] == 40
    assert setup.world.gauges[HEARTBEAT]


def many_channels(names: tuple[str, ...]) -> People:
    tier = Tier(to=names, wait=timedelta(hours=1))
    return People(
        stakeholders={"technical": Stakeholder(name="technical", tiers=(tier,))},
        routes=(Route(when=When(), to=("technical",)),),
    )


@dataclass
class Waiting:
    """A channel that is limited until another one has sent."""

    world: World
    other: threading.Event

    def send(self, message: Message) -> Receipt:
        if not self.other.is_set():
            raise LimitedError("wait", self.world.now + timedelta(seconds=5))
        return Receipt(DeliveryOutcome.DELIVERED)


@dataclass
class Telling:
    other: threading.Event
    ready: bool = False

    def send(self, message: Message) -> Receipt:
        if not self.ready:
            raise UnavailableError("no answer")
        self.other.set()
        return Receipt(DeliveryOutcome.DELIVERED)


def test_channels_that_wait_for_their_rate_hold_up_no_other() -> None:
    waiting = tuple(f"slow-{n}" for n in range(6))
    names = (*waiting, "quick")
    setup = set_up(policy=replace(POLICY, people=many_channels(names)))
    other = threading.Event()
    quick = Telling(other)
    setup.service.dispatcher.channels.update({name: Waiting(setup.world, other) for name in waiting} | {"quick": quick})
    with pytest.raises(UnavailableError):
        now(setup)
    quick.ready = True
    seconds = 0.0

    def sleep(_: float) -> None:
        nonlocal seconds
        if not other.wait(timeout=2.0):
            seconds = BUDGET

    sweeper = Sweeper(service=setup.service, sleep=sleep, monotonic=lambda: seconds)
    sweep(sweeper, Tick(job="incident_sweep", scheduled_at=setup.world.now))
    assert other.is_set()
    assert setup.world.group().pending == ()


def test_what_another_instance_is_sending_holds_up_nothing_else_in_its_channel(setup: Setup) -> None:
    now(setup, target="model/a", severity=Severity.CRITICAL)
    limit(setup, "inbox")
    now(setup, target="model/b")
    now(setup, target="model/c", severity=Severity.CRITICAL)
    setup.channels["inbox"].fault = KilledError()  # type: ignore[assignment]  # no handler may catch it
    setup.world.now += timedelta(seconds=1)
    with pytest.raises(KilledError):
        now(setup, target="model/c", severity=Severity.CRITICAL)
    setup.channels["inbox"].fault = None
    setup.sweep(seconds=5)
    assert told(setup, "inbox") == ["model/a", "model/b"]
    setup.sweep(minutes=1)
    assert told(setup, "inbox") == ["model/a", "model/b", "model/c"]


@dataclass
class Breaking(WrappedStore):
    """A store in which a group becomes unreadable as soon as something is done for it."""

    target: str
    broken: bool = False

    def get(self, collection: str, key: str) -> Document | None:
        found = super().get(collection, key)
        if found is not None and self.broken and (collection, key) == (GROUPS, self.target):
            return replace(found, data=found.data | {"group": "{}"})
        return found

    def create(self, collection: str, key: str, data: Data) -> Document:
        self.broken = self.broken or collection == "ledger"
        return super().create(collection, key, data)


def test_a_group_that_becomes_unreadable_in_the_middle_does_not_hold_up_the_others(setup: Setup) -> None:
    now(setup)
    now(setup, target="model/other")
    with_store(setup, Breaking(MemoryStore(setup.world, revision=10_000), TARGET))
    setup.sweep(minutes=6)
    assert "model/other" in told(setup, "pager")


def test_a_copy_of_an_older_shape_is_not_measured_and_stops_nothing(setup: Setup) -> None:
    setup.world.now = setup.world.now.replace(minute=0)
    old: Data = {"id": "old", "state": "open", "severity": "error", "open": True, "revision": 3, "over_on": ""}
    setup.world.documents[INCIDENTS, "old"] = Document(key="old", data=old, revision="1")
    now(setup)
    setup.sweep(minutes=60)
    assert setup.world.gauges[HEARTBEAT] == setup.world.now.timestamp()
    assert setup.world.gauges["aia_notifications_waiting", "inbox"] == 0


class ReadOnly(MemoryStore):
    def _write(self, collection: str, key: str, data: Data, expected: Document | None) -> Document:
        raise UnavailableError(f"store: {collection}/{key}: read only")


def test_a_sweep_that_can_decide_nothing_gives_no_sign_of_life(setup: Setup) -> None:
    now(setup)
    setup.sweep(minutes=1)
    seen = setup.world.gauges[HEARTBEAT]
    with_store(setup, ReadOnly(setup.world))
    for _ in range(6):
        setup.sweep(minutes=1)
    assert told(setup, "pager") == []
    assert setup.world.gauges[HEARTBEAT] < seen + 6 * 60


def test_one_group_that_cannot_be_read_is_no_reason_to_be_silent_about_the_others(setup: Setup) -> None:
    now(setup)
    now(setup, target="model/other")
    document = setup.world.documents[GROUPS, TARGET]
    setup.world.documents[GROUPS, TARGET] = replace(document, data=document.data | {"group": "{}"})
    setup.sweep(minutes=6)
    assert told(setup, "pager") == ["model/other"]


def test_two_sweeps_at_once_tell_everything_once() -> None:
    setup = set_up()
    storm(setup, 12)
    setup.world.now += timedelta(minutes=6)
    tick = Tick(job="incident_sweep", scheduled_at=setup.world.now)
    sweeper = Sweeper(service=setup.service, sleep=lambda _: None)
    both = [threading.Thread(target=sweep, args=(sweeper, tick)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    setup.sweep(seconds=40)
    assert set(setup.world.performed().values()) == {1}
    assert sorted(told(setup, "pager")) == [f"model/m{n:03}" for n in range(12) if n % 3 != 1]


@pytest.mark.parametrize("close", [False, True], ids=["it is over", "a person says so"])
def test_a_group_on_which_nothing_is_to_be_done_is_left_alone(setup: Setup, close: bool) -> None:  # noqa: FBT001 - a parameter
    now(setup, holds_until=setup.world.now + timedelta(minutes=30))
    if close:
        setup.world.now += timedelta(minutes=5)
        setup.command(Verb.RESOLVE)
    else:
        setup.world.now += timedelta(minutes=29)
        now(setup, status=Status.RESOLVED)
    setup.sweep(minutes=31)
    for _ in range(5):
        setup.sweep(minutes=1)
    assert setup.world.group().active is False
    before = dict(setup.world.documents)
    setup.sweep(days=1)
    assert setup.world.documents == before


def test_what_a_person_closed_while_it_fired_is_told_when_it_fires_again_later(setup: Setup) -> None:
    now(setup, holds_until=setup.world.now + timedelta(minutes=4))
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.RESOLVE)
    for _ in range(10):
        setup.sweep(minutes=1)
    setup.world.now += timedelta(days=1)
    now(setup, holds_until=setup.world.now + timedelta(minutes=4))
    assert [one.change.value for one in setup.world.told if one.channel == "inbox"] == ["opened", "resolved", "opened"]
