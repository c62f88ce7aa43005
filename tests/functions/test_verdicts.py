"""Verdicts of many targets: written only where they change something, and yet nobody is told anything else."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from core.detection import ConditionSpec, Hysteresis, Observation, Outcome, Verdict
from core.events import Finding, Severity
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Document
from functions.adapters.sqlite_store import SqliteStore
from functions.services.detection import COLLECTION, Tracker, Verdicts
from tests.support.builders.budget import ALL
from tests.support.fakes.recorders import RecordingBus
from tests.support.fakes.stores import WrappedStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(minutes=15)
SPEC = ConditionSpec(target="model/m", kind="drift", source="drift_score", runbook="models.md#drift", repeat=True)
PREFIX = "drift_score_shard:"


class Reason(StrEnum):
    MOVED = "moved"


@dataclass
class CountingStore(WrappedStore):
    """Counts the writes of conditions, and the reads of single ones."""

    written: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def get(self, collection: str, key: str) -> Document | None:
        self.read += [key] * (collection == COLLECTION)
        return super().get(collection, key)

    def create(self, collection: str, key: str, data: Data) -> Document:
        self.written += [key] * (collection == COLLECTION)
        return super().create(collection, key, data)

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        self.written += [document.key] * (collection == COLLECTION)
        return super().replace(document, collection, data)


def observation(tick: int, mark: str, spec: ConditionSpec = SPEC) -> Observation:
    """A verdict: `.` good, `x` bad, `X` bad and an error, `?` not known."""
    outcome = {".": Outcome.GOOD, "?": Outcome.NOT_KNOWN}.get(mark, Outcome.BAD)
    severity = Severity.ERROR if mark == "X" else Severity.WARNING
    verdict = Verdict(outcome=outcome, reason=Reason.MOVED, summary=mark, severity=severity)
    return Observation(spec=spec, verdict=verdict, at=NOON + tick * TICK)


@dataclass
class World:
    """Detection as drift_score has it, each delivery by a new instance."""

    store: CountingStore = field(default_factory=lambda: CountingStore(SqliteStore(":memory:")))
    bus: RecordingBus = field(default_factory=RecordingBus)

    def deliver(self, *given: Observation) -> None:
        """Handle an instant, unless it was handled before: claim, read, conclude, count, confirm."""
        key = f"{PREFIX}{given[0].at:%FT%TZ}"
        ledger = Ledger(self.store, lambda: NOON, "drift_score")
        claim = ledger.claim(f"{key}:0", covers=["m"])
        if claim is None:
            return
        verdicts = Verdicts()
        for one in given:
            verdicts.conclude(one)
        verdicts.read(self.store, [one.spec.key for one in given])
        tracker = Tracker(self.store, self.bus)
        verdicts.count(
            tracker, SPEC.target, is_late=lambda: "m" in ledger.covered("m", prefix=PREFIX, after=f"{key}:~")
        )
        claim.confirm()

    def told(self) -> list[tuple[datetime, str, Severity]]:
        return [(e.observed_at, e.status.value, e.severity) for e in self.bus.events if isinstance(e, Finding)]


def reference(spec: ConditionSpec, deliveries: list[tuple[int, str]]) -> list[tuple[datetime, str, Severity]]:
    """What is told where every verdict is written: a late instant does not count, nor one that comes again."""
    bus = RecordingBus()
    tracker, newest = Tracker(SqliteStore(":memory:"), bus), -1
    for tick, mark in deliveries:
        if tick > newest:
            tracker.track(observation(tick, mark, spec))
            newest = tick
    return [(e.observed_at, e.status.value, e.severity) for e in bus.events if isinstance(e, Finding)]


@pytest.mark.parametrize("seed", range(40 if ALL else 15))
def test_whatever_the_history_people_are_told_what_they_would_be_told_if_every_verdict_was_written(seed: int) -> None:
    """Ticks that come late, out of order, and twice; with and without hysteresis, each verdict told and not."""
    rng = random.Random(seed)
    hysteresis = Hysteresis(fire_after=rng.randint(1, 3), recover_after=rng.randint(1, 3))
    spec = replace(SPEC, hysteresis=hysteresis, repeat=rng.random() < 0.5)
    marks = "".join(rng.choices("..xX?", weights=(6, 2, 2, 1, 1), k=40))
    ticks = sorted(range(len(marks)), key=lambda tick: tick + rng.uniform(0, 6) * (rng.random() < 0.3))
    deliveries = [(tick, marks[tick]) for tick in ticks for _ in range(1 + (rng.random() < 0.2))]
    world = World()
    for tick, mark in deliveries:
        world.deliver(observation(tick, mark, spec))
    assert world.told() == reference(spec, deliveries)


def test_a_late_verdict_does_not_count_though_the_newer_one_was_not_written() -> None:
    world = World()
    world.deliver(observation(1, "x"))
    world.deliver(observation(2, "."))
    for tick in (3, 5):
        world.deliver(observation(tick, "."))
    before = world.told()
    world.deliver(observation(4, "x"))
    assert world.told() == before
    world.deliver(observation(6, "x"))
    assert len(world.told()) == len(before) + 1


def test_while_a_newer_tick_is_handled_an_older_one_does_not_count() -> None:
    world = World()
    Ledger(world.store, lambda: NOON, "other").claim(f"{PREFIX}{NOON + 2 * TICK:%FT%TZ}:1", covers=["m"])
    world.deliver(observation(1, "x"))
    assert world.told() == []


def test_a_newer_tick_of_other_models_makes_no_verdict_late() -> None:
    world = World()
    Ledger(world.store, lambda: NOON, "other").claim(f"{PREFIX}{NOON + 2 * TICK:%FT%TZ}:1", covers=["other"])
    world.deliver(observation(1, "x"))
    assert len(world.told()) == 1


def test_a_steady_model_costs_no_write_and_one_read_and_a_change_costs_what_it_takes() -> None:
    world = World()
    kinds = [replace(SPEC, kind=kind) for kind in ("drift", "data_quality", "accuracy_below_floor")]
    for tick in range(96):
        world.deliver(*(observation(tick, ".", spec) for spec in kinds))
    assert world.store.written == []
    world.deliver(observation(96, "x", kinds[0]), *(observation(96, ".", spec) for spec in kinds[1:]))
    assert set(world.store.written) == {kinds[0].key}


def test_a_finding_that_the_bus_did_not_take_is_published_by_the_next_verdict_though_it_changes_nothing() -> None:
    spec, world = replace(SPEC, repeat=False), World()
    world.bus.down = True
    with pytest.raises(Exception, match="does not answer"):
        world.deliver(observation(1, "x", spec))
    world.bus.down = False
    world.deliver(observation(2, "x", spec))
    assert [tick for tick, *_ in world.told()] == [NOON + TICK]


def test_a_change_of_a_condition_is_two_writes_and_no_further_read_unless_others_wrote_it() -> None:
    world = World()
    world.deliver(observation(1, "x"))
    assert (world.store.written, world.store.read) == ([SPEC.key] * 2, [])
    verdicts, stale = Verdicts(), world.store.get_many(COLLECTION, [SPEC.key])
    world.deliver(observation(2, "X"))
    verdicts.known = stale
    verdicts.conclude(observation(3, "."))
    verdicts.count(Tracker(world.store, world.bus), SPEC.target, is_late=lambda: False)
    assert world.store.read == [SPEC.key]
    assert [(tick, status) for tick, status, _ in world.told()] == [
        (NOON + TICK, "firing"),
        (NOON + 2 * TICK, "firing"),
        (NOON + 3 * TICK, "resolved"),
    ]


def test_the_conclusion_says_what_the_condition_is_by_the_verdict() -> None:
    verdicts = Verdicts()
    assert verdicts.conclude(observation(1, "x")).firing
    assert not verdicts.conclude(observation(1, ".")).firing
