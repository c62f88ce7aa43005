"""Retraining requests: asked for once, whatever crashes, whatever comes again, in any order; over a real store."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConflictError, UnavailableError
from core.events import Event, Finding, RetrainingRequest
from core.settings import Model, Retraining
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score import retrain
from functions.drift_score.bigquery import BigQueryPredictions
from functions.drift_score.retrain import Limits, RetrainingPorts, Seen, consider, publish_pending
from tests.support.builders.drift import MODEL, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, flights, labels
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics

HOUR = timedelta(hours=1)
POLICY = Retraining(important=("temperature",), cooldown=6 * HOUR, minimum_labels=500)
ASKING = replace(MODEL, retraining=POLICY)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = trained(tmp_path)
    past = flights(3000, TRAINED, seed=1, span=10 * DAY)
    world.load("telemetry.flight_labels", labels(past[:600], TRAINED, right=0.95))
    world.models = (ASKING,)
    return world


def asked(world: World) -> list[RetrainingRequest]:
    return [event for event in world.bus.events if isinstance(event, RetrainingRequest)]


def counted(world: World) -> dict[str, float]:
    values = world.metrics.values.items()
    return {key[2]: value for key, value in values if key[0] == "aia_retraining_requests_total"}


def test_drift_of_an_important_feature_asks_once_however_often_the_tick_comes(world: World) -> None:
    world.load(MODEL.table, flights(300, TICK, seed=2, shift=15))
    for _ in range(5):
        world.tick()
        world.forget_claims()
    [request] = asked(world)
    assert (request.id, request.reason, request.model_version) == ("delay:2026-03-01T12:00:00Z", "drift", "1")
    assert (request.features, request.n_labels, request.accuracy) == (("temperature",), 600, None)
    assert request.window_end == TICK - timedelta(hours=12)
    assert request.requested_by == "finding:model/delay:drift:2026-03-01T12:00:00Z"
    assert counted(world) == {"drift": 1}


def test_an_accuracy_that_is_certainly_below_the_floor_asks(world: World) -> None:
    rows = flights(300, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", labels(rows, TICK, right=0.6))
    world.tick()
    [request] = asked(world)
    assert (request.reason, request.features, request.floor) == ("below_floor", (), 0.85)
    assert request.accuracy == pytest.approx(0.6)
    [finding] = [event for event in world.bus.events if isinstance(event, Finding) and "accuracy" in event.kind]
    assert request.requested_by == f"finding:{finding.id}"


@pytest.mark.parametrize(
    ("model", "shift", "reasons"),
    [
        (ASKING, 0, []),
        (replace(ASKING, fire_after=3), 15, []),
        (replace(ASKING, retraining=replace(POLICY, important=("distance",))), 15, ["not_important"]),
        (
            replace(ASKING, retraining=replace(POLICY, minimum_labels=601)),
            15,
            ["not_enough_labels: needs 601 labels since 2025-12-31, has 600"],
        ),
    ],
    ids=["steady", "not yet firing", "not important", "too few labels"],
)
def test_what_does_not_ask_says_why_once_and_nothing_where_there_is_no_cause(
    world: World, model: Model, shift: int, reasons: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    world.load(MODEL.table, flights(300, TICK, seed=2, shift=shift))
    world.models = (model,)
    with caplog.at_level("INFO"):
        for minutes in (0, 15):
            world.tick(TICK + timedelta(minutes=minutes))
    assert asked(world) == []
    said = [line for line in caplog.messages if line.startswith("no retraining")]
    assert said == [f"no retraining: delay: {reason}" for reason in reasons]


def test_within_the_cooldown_nothing_more_is_asked(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.load(MODEL.table, flights(300, TICK, seed=2, shift=15))
    with caplog.at_level("INFO"):
        for hours in (0, 2, 3, 6, 7):
            world.tick(TICK + hours * HOUR)
    assert [request.requested_at for request in asked(world)] == [TICK, TICK + 6 * HOUR]
    assert caplog.messages.count("no retraining: delay: cooldown") == 2


@dataclass
class Selective(RecordingBus):
    """A bus that takes findings and, for a while, no requests."""

    refuses: bool = True

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        if self.refuses and topic == "retraining":
            raise UnavailableError("bus: retraining does not answer")
        super().publish(topic, event, **attributes)


def test_a_bus_that_is_down_keeps_the_request_for_the_next_delivery(world: World) -> None:
    world.load(MODEL.table, flights(300, TICK, seed=2, shift=15))
    bus = Selective()
    world.bus = bus
    with pytest.raises(UnavailableError, match="retraining does not answer"):
        world.tick()
    document = world.store.get("retraining", "delay")
    assert document is not None
    assert document.data["pending"]
    bus.refuses = False
    world.tick()
    assert [request.requested_at for request in asked(world)] == [TICK]
    assert counted(world) == {"drift": 1}


class CrashError(BaseException):
    """The process dies."""


@dataclass
class Crashing:
    """Anything, of which each call may crash just before or just after it has happened."""

    inner: object
    rng: random.Random
    chance: float

    def __getattr__(self, name: str) -> Callable[..., Any]:
        real = getattr(self.inner, name)

        def call(*arguments: object, **named: object) -> object:
            if self.rng.random() < self.chance:
                raise CrashError
            answer = real(*arguments, **named)
            if self.rng.random() < self.chance:
                raise CrashError
            return answer

        return call


@dataclass
class Bus:
    events: list[RetrainingRequest] = field(default_factory=list)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        assert topic == "retraining"
        assert isinstance(event, RetrainingRequest)
        self.events.append(event)


class Labels:
    """A warehouse that holds five thousand labels."""

    def query(self, _: str, **__: object) -> list[Data]:
        return [{"n_labels": 5000}]

    def append(self, table: str, _: object, *, together: str = "") -> None:
        raise AssertionError(table)


def seen(hours: int) -> Seen:
    return Seen(version="3", drifted=("temperature",), limits=Limits(), at=TICK + hours * HOUR)


def desk(store: object, bus: object) -> RetrainingPorts:
    predictions = BigQueryPredictions(Labels())
    return RetrainingPorts(predictions=predictions, store=store, bus=bus, metrics=RecordingMetrics())  # type: ignore[arg-type]  # proxies


@pytest.mark.parametrize("seed", range(60))
def test_crashes_at_any_call_and_in_any_order_lose_no_request_and_invent_none(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    store, bus = SqliteStore(f"{tmp_path}/store.db"), Bus()
    hours = list(range(24))
    if seed % 2:
        rng.shuffle(hours)
    decided = set()
    for hour in hours:
        chances = [0.15] * rng.randint(1, 3) + [0.0] * (rng.random() < 0.7)  # some ticks are never completed
        for chance in chances:
            with suppress(CrashError):
                consider(desk(Crashing(store, rng, chance), Crashing(bus, rng, chance)), ASKING, seen(hour))
            if document := store.get(retrain.COLLECTION, "delay"):
                decided.add(document.data["requested_at"])
    publish_pending(desk(store, bus), "delay")
    by_id = {event.id: event for event in bus.events}
    assert {event.requested_at for event in by_id.values()} == decided
    assert all(event == by_id[event.id] for event in bus.events)
    instants = sorted(decided)
    assert all(later - earlier >= POLICY.cooldown for earlier, later in pairwise(instants))


def test_of_two_ticks_at_once_the_slower_comes_again_and_sees_the_cooldown(tmp_path: Path) -> None:
    store, bus = SqliteStore(f"{tmp_path}/store.db"), Bus()

    class Late(SqliteStore):
        overtaken = False

        def create(self, collection: str, key: str, data: Data) -> Any:
            if not self.overtaken:
                self.overtaken = True
                consider(desk(store, bus), ASKING, seen(1))
            return super().create(collection, key, data)

    with pytest.raises(ConflictError):
        consider(desk(Late(f"{tmp_path}/store.db"), bus), ASKING, seen(0))
    consider(desk(store, bus), ASKING, seen(0))
    assert [event.requested_at for event in bus.events] == [TICK + HOUR]
