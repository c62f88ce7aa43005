"""The tracker on the real stores: killed, overtaken, delivered again, and many instances at once."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import pytest

from core.detection import ConditionSpec, ConditionState, Hysteresis, Observation, Outcome, Verdict
from core.errors import UnavailableError
from core.events import Event, Finding, Severity, Status
from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.ports import Data, Document, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.services.detection import COLLECTION, Tracker
from tests.support.crash.breaking import Breaking, KilledError
from tests.support.fakes.stores import WrappedStore

T = TypeVar("T")

pytest_plugins = ["tests.support.servers.stores"]
AnyStore = SqliteStore | FirestoreStore
AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPEC = ConditionSpec(target="model/churn", kind="drift", source="drift_score", runbook="models.md#drift")
REPEATING = replace(SPEC, repeat=True, hysteresis=Hysteresis(fire_after=2, recover_after=2))
CUMULATIVE = replace(SPEC, repeat=True, cumulative=True)
MARKS = {"x": Outcome.BAD, ".": Outcome.GOOD, "?": Outcome.NOT_KNOWN}
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


class Reason(StrEnum):
    MOVED = "moved"


@dataclass
class Outside(Breaking):
    """A bus, and the boundaries that its calls and those of a store pass; see `Around`."""

    published: list[Finding] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        if self.down:
            raise UnavailableError("bus: does not answer")
        assert (topic, isinstance(event, Finding)) == ("findings", True)
        assert isinstance(event, Finding)
        self.published.append(event)
        self.boundary()

    def told(self) -> list[tuple[int, Status]]:
        """The minute and the status of each finding, once each, in the order in which it was first published."""
        found = [((one.observed_at - AT) // MINUTE, one.status) for one in self.published]
        return list(dict.fromkeys(found))


@dataclass
class Around(WrappedStore):
    """A store whose calls pass boundaries, before and after; `overtake` happens once, just before a write."""

    outside: Outside
    overtake: Callable[[], None] | None = None

    def get(self, collection: str, key: str) -> Document | None:
        self.outside.boundary()
        return super().get(collection, key)

    def find(
        self, collection: str, *, where: Mapping[str, Any] | None = None, after: str = "", limit: int = 1000
    ) -> list[Document]:
        self.outside.boundary()
        return super().find(collection, where=where, after=after, limit=limit)

    def write(self, collection: str, act: Callable[[], T]) -> T:
        self.outside.boundary()
        if self.overtake is not None:
            first, self.overtake = self.overtake, None
            first()
        document = act()
        self.outside.boundary()
        return document


def seen(mark: str, minute: int, spec: ConditionSpec = SPEC, severity: Severity = Severity.WARNING) -> Observation:
    verdict = Verdict(outcome=MARKS[mark], reason=Reason.MOVED, summary="churn: it moved", severity=severity)
    return Observation(spec=spec, verdict=verdict, at=AT + minute * MINUTE)


def story(marks: str, spec: ConditionSpec = SPEC) -> list[Observation]:
    return [seen(mark, minute, spec) for minute, mark in enumerate(marks)]


def deliver(tracker: Tracker, outside: Outside, *observations: Observation) -> None:
    """As Pub/Sub does: what fails comes again."""
    for one in observations:
        while True:
            outside.dead = False
            try:
                tracker.track(one)
            except (KilledError, UnavailableError):
                continue
            break


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def tracker(store: AnyStore, outside: Outside) -> Tracker:
    return Tracker(store, outside)


def kept(store: Store, key: str = SPEC.key) -> Data:
    document = store.get(COLLECTION, key)
    assert document is not None
    return document.data


def test_a_state_is_kept_as_it_was_counted(tracker: Tracker, store: AnyStore, outside: Outside) -> None:
    first = tracker.track(seen("x", 0, REPEATING, Severity.ERROR))
    assert first == ConditionState(streak=1, at=AT, since=AT, severity=Severity.ERROR, reason="moved")
    second = tracker.track(seen("x", 1, REPEATING))
    assert tracker.track(seen("?", 2, REPEATING)) == second
    assert kept(store) == {
        "source": "drift_score",
        "status": "firing",
        "at": AT + MINUTE,
        "streak": 0,
        "since": AT + MINUTE,
        "severity": "warning",
        "reason": "moved",
        "unsent": [],
        "has_unsent": False,
        "unknown_since": None,
        "unknown_told": False,
    }
    [finding] = outside.published
    assert (finding.status, finding.observed_at, finding.summary) == (FIRING, AT + MINUTE, "churn: it moved")


def test_of_a_new_condition_that_is_not_known_nothing_is_kept(tracker: Tracker, store: AnyStore) -> None:
    assert tracker.track(seen("?", 0)) == ConditionState()
    assert tracker.track(seen(".", 0, CUMULATIVE)) == ConditionState()
    assert store.find(COLLECTION) == []


@pytest.mark.parametrize(
    ("spec", "marks", "told"),
    [
        (SPEC, "x.?x", [(0, FIRING), (1, RESOLVED), (3, FIRING)]),
        (REPEATING, "xxx..", [(1, FIRING), (2, FIRING), (4, RESOLVED)]),
        (CUMULATIVE, ".xx.", [(1, FIRING), (2, FIRING), (3, RESOLVED)]),
    ],
    ids=["changes", "repeating", "cumulative"],
)
def test_killed_between_any_two_calls_it_does_what_it_would_have_done(
    store: AnyStore, outside: Outside, spec: ConditionSpec, marks: str, told: list[tuple[int, Status]]
) -> None:
    def run(world: Outside, number: int) -> Data:
        mine = replace(spec, target=f"model/m{number}")
        deliver(Tracker(Around(store, world), world), world, *story(marks, mine))
        return kept(store, mine.key)

    whole = run(outside, 0)
    assert outside.told() == told
    assert len(outside.published) == len(told)
    for kill_at in range(1, outside.boundaries + 1):
        world = Outside(kill_at=kill_at)
        assert run(world, kill_at) == whole
        assert world.told() == told


def test_delivered_again_late_and_out_of_order_it_has_the_effect_of_once(tracker: Tracker, outside: Outside) -> None:
    given = story("xx.x..", REPEATING)
    for number in range(len(given)):
        deliver(tracker, outside, given[number], *given[number::-1], given[number])
    told = [(1, FIRING), (3, FIRING), (5, RESOLVED)]
    assert (outside.told(), len(outside.published)) == (told, 3)


def test_a_second_verdict_about_an_instant_that_says_something_else_counts_for_nothing(
    store: AnyStore, outside: Outside
) -> None:
    """The instance dies when the first is kept; when the tick comes again, the target is up."""
    outside.kill_at = 3
    with pytest.raises(KilledError):
        Tracker(Around(store, outside), outside).track(seen("x", 0))
    assert outside.published == []
    tracker = Tracker(store, Outside())
    assert tracker.track(seen(".", 0)).firing
    assert isinstance(tracker.bus, Outside)
    assert tracker.bus.told() == [(0, FIRING)]


def test_a_write_that_loses_against_a_newer_one_is_computed_again_and_publishes_nothing(
    store: AnyStore, tracker: Tracker, outside: Outside
) -> None:
    newer = Around(store, outside, overtake=lambda: tracker.track(seen(".", 2)) and None)
    assert Tracker(newer, outside).track(seen("x", 1)).at == AT + 2 * MINUTE
    assert newer.overtake is None
    assert outside.published == []
    older = Around(store, outside, overtake=lambda: tracker.track(seen("x", 3)) and None)
    assert Tracker(older, outside).track(seen(".", 4)).status is RESOLVED
    assert outside.told() == [(3, FIRING), (4, RESOLVED)]


def test_what_the_bus_did_not_take_waits_in_its_order_for_the_next_verdict(
    store: AnyStore, tracker: Tracker, outside: Outside
) -> None:
    outside.down = True
    for one in story("x.x"):
        with pytest.raises(UnavailableError):
            tracker.track(one)
    assert (len(kept(store)["unsent"]), kept(store)["has_unsent"]) == (3, True)
    outside.down = False
    tracker.track(seen("?", 3))
    assert outside.told() == [(0, FIRING), (1, RESOLVED), (2, FIRING)]
    assert kept(store)["has_unsent"] is False


def test_what_waits_is_published_for_one_detector_and_not_for_another(
    store: AnyStore, tracker: Tracker, outside: Outside
) -> None:
    others = replace(SPEC, source="health_check", target="probe/api")
    for spec in (SPEC, others):
        assert tracker.record(seen("x", 0, spec)).firing
    assert outside.published == []
    tracker.publish_unsent("health_check")
    assert [one.target for one in outside.published] == ["probe/api"]
    assert (kept(store)["has_unsent"], kept(store, others.key)["has_unsent"]) == (True, False)
    assert set(tracker.read("health_check")) == {others.key}
    tracker.publish_unsent("drift_score")
    tracker.publish_unsent("drift_score")
    assert len(outside.published) == 2


def test_a_verdict_that_changes_nothing_of_what_was_read_does_not_ask_the_store(
    store: AnyStore, outside: Outside
) -> None:
    tracker = Tracker(Around(store, outside), outside)
    state = tracker.record(seen("x", 1, CUMULATIVE))
    known, asked = tracker.read(SPEC.source), outside.boundaries + 1
    outside.boundary()
    for old in (seen("x", 1, CUMULATIVE), seen(".", 0, CUMULATIVE), seen("?", 2, CUMULATIVE)):
        assert tracker.record(old, known) == state
    new = replace(CUMULATIVE, target="model/new")
    assert tracker.record(seen(".", 2, new), known) == ConditionState()
    assert outside.boundaries == asked
    assert not tracker.record(seen(".", 2, CUMULATIVE), known).firing


def test_what_fires_and_what_waits_is_not_forgotten(store: AnyStore, tracker: Tracker, outside: Outside) -> None:
    fires, waits, over = (replace(SPEC, target=f"pipeline/{name}") for name in ("fires", "waits", "over"))
    keys = [spec.key for spec in (fires, waits, over)]
    tracker.track(seen("x", 0, fires))
    tracker.record(seen("x", 0, waits))
    tracker.record(seen(".", 1, waits))
    deliver(tracker, outside, *story("x.", over))
    assert not tracker.forget(keys, tracker.read(SPEC.source))
    assert set(tracker.read(SPEC.source)) == {fires.key, waits.key}
    tracker.publish_unsent(SPEC.source)
    tracker.track(seen(".", 1, fires))
    assert tracker.forget(keys, tracker.read(SPEC.source))
    assert tracker.forget(keys, {})
    assert store.find(COLLECTION) == []


def test_instances_at_once_count_every_verdict_once(outside: Outside, opened: Callable[[], AnyStore]) -> None:
    given = story("x" * 6)
    spec = replace(SPEC, hysteresis=Hysteresis(fire_after=3))
    trackers = [Tracker(opened(), outside) for _ in range(4)]

    def run(tracker: Tracker) -> None:
        for one in given:
            tracker.track(replace(one, spec=spec))

    threads = [threading.Thread(target=run, args=(tracker,)) for tracker in trackers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = kept(trackers[0].store)
    assert (data["status"], data["at"], data["streak"], data["has_unsent"]) == ("firing", AT + 5 * MINUTE, 0, False)
    assert outside.told() == [(2, FIRING)]
