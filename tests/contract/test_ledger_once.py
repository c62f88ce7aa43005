"""Effects through the ledger, on each store: once, whatever fails and whoever else asks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from core.errors import BusyError, ConflictError, UnavailableError
from core.ledger import KEEP
from functions.adapters.ledger import COLLECTION, LEASE, EffectOutcome, Ledger
from functions.adapters.ports import Store
from functions.adapters.store import update
from tests.support.fakes.stores import WrappedStore

if TYPE_CHECKING:
    import subprocess

    from tests.support.servers.stores import Place

pytest_plugins = ["tests.support.servers.stores"]
T = TypeVar("T")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Effect:
    """Counts how often it happens; may fail, and may do something first."""

    def __init__(self, *, error: BaseException | None = None, first: Callable[[], object] | None = None) -> None:
        self.times = 0
        self._error = error
        self._first = first

    def __call__(self) -> None:
        if self._first:
            self._first()
        if self._error:
            raise self._error
        self.times += 1


@dataclass
class Faulty(WrappedStore):
    """A real store whose connection breaks once: at the nth write, before it arrives or before its answer does."""

    left: int
    arrives: bool

    def write(self, collection: str, act: Callable[[], T]) -> T:
        self.left -= 1
        if self.left != 0:
            return act()
        if self.arrives:
            act()
        raise UnavailableError("store: the connection broke")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Ledger:
    return Ledger(store, clock, "worker")


def test_the_same_key_has_its_effect_once(ledger: Ledger, clock: Clock) -> None:
    effect = Effect()
    assert ledger.once("page:1", effect) is EffectOutcome.PERFORMED
    clock.now += 2 * LEASE
    assert ledger.once("page:1", effect) is EffectOutcome.SKIPPED
    assert ledger.once("page:2", effect) is EffectOutcome.PERFORMED
    assert effect.times == 2


def test_while_one_performs_it_others_are_told_who_and_until_when(ledger: Ledger, store: Store, clock: Clock) -> None:
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(BusyError) as caught:
            Ledger(store, clock, "other").once("page/1", Effect(error=AssertionError("must not happen")))
        told.append(str(caught.value))

    ledger.once("page/1", Effect(first=ask), lease=timedelta(minutes=1))
    [message] = told
    assert message.startswith("page/1: claimed by worker/")
    assert message.endswith(" until 2026-01-02T12:01:00Z")


@pytest.mark.parametrize("error", [ValueError("no"), UnavailableError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_an_effect_that_fails_is_tried_again_at_once(ledger: Ledger, error: BaseException) -> None:
    with pytest.raises(type(error)):
        ledger.once("k", Effect(error=error))
    effect = Effect()
    assert ledger.once("k", effect) is EffectOutcome.PERFORMED
    assert effect.times == 1


def test_what_is_done_alone_is_done_as_often_as_it_is_asked_for(ledger: Ledger, store: Store, clock: Clock) -> None:
    def ask() -> None:
        with pytest.raises(BusyError, match="rollup: claimed by worker/"):
            Ledger(store, clock, "other").alone("rollup", Effect(error=AssertionError("must not happen")))

    effect = Effect(first=ask)
    for _ in range(2):
        ledger.alone("rollup", effect)
        with pytest.raises(ValueError, match="no"):
            ledger.alone("rollup", Effect(error=ValueError("no")))
    assert effect.times == 2


def test_what_has_many_steps_renews_its_lease_and_ends_where_another_took_over(
    ledger: Ledger, store: Store, clock: Clock
) -> None:
    other = Ledger(store, clock, "other")
    with ledger.held("restore", lease=10 * SECOND) as renew:
        for _ in range(3):
            clock.now += 9 * SECOND
            renew()
            with pytest.raises(BusyError, match="restore: claimed by worker/"):
                other.alone("restore", Effect())
        clock.now += 10 * SECOND
        with other.held("restore"), pytest.raises(BusyError, match="restore: claimed by other/"):
            renew()
    other.alone("restore", Effect())


def test_a_claim_is_taken_over_when_its_lease_has_ended(ledger: Ledger, store: Store, clock: Clock) -> None:
    crashing = Ledger(Faulty(store, left=2, arrives=False), clock, "crashing")
    with pytest.raises(UnavailableError):
        crashing.once("k", Effect(), lease=10 * SECOND)
    effect = Effect()
    clock.now += 10 * SECOND - timedelta(microseconds=1)
    with pytest.raises(BusyError):
        ledger.once("k", effect)
    clock.now += timedelta(microseconds=1)
    assert ledger.once("k", effect) is EffectOutcome.PERFORMED
    assert ledger.once("k", effect) is EffectOutcome.SKIPPED
    assert effect.times == 1


@pytest.mark.parametrize(
    ("write", "answered", "first", "soon", "later", "times"),
    [
        # the claim never arrived: nothing happened, the next one performs it
        (1, False, UnavailableError, EffectOutcome.PERFORMED, EffectOutcome.SKIPPED, 1),
        # the claim arrived, its answer did not: nothing happened, it is performed when the lease has ended
        (1, True, UnavailableError, BusyError, EffectOutcome.PERFORMED, 1),
        # the confirmation never arrived: the one case where it happens twice, and not before the lease has ended
        (2, False, UnavailableError, BusyError, EffectOutcome.PERFORMED, 2),
        # the confirmation arrived, its answer did not
        (2, True, UnavailableError, EffectOutcome.SKIPPED, EffectOutcome.SKIPPED, 1),
        # nothing broke
        (3, False, EffectOutcome.PERFORMED, EffectOutcome.SKIPPED, EffectOutcome.SKIPPED, 1),
    ],
)
def test_a_connection_that_breaks_at_any_write(
    store: Store, clock: Clock, *, write: int, answered: bool, first: object, soon: object, later: object, times: int
) -> None:
    effect = Effect()
    breaking = Ledger(Faulty(store, left=write, arrives=answered), clock, "worker")
    assert outcome(breaking, effect) is first
    clock.now += SECOND
    assert outcome(Ledger(store, clock, "second"), effect) is soon
    clock.now += LEASE
    assert outcome(Ledger(store, clock, "third"), effect) is later
    assert effect.times == times


def outcome(ledger: Ledger, effect: Effect) -> object:
    """What became of it, or the class of the error."""
    try:
        return ledger.once("k", effect)
    except (BusyError, UnavailableError) as error:
        return type(error)


@pytest.mark.parametrize("answered", [True, False])
def test_a_release_that_fails_hides_no_error_and_costs_a_lease_at_most(
    store: Store, clock: Clock, *, answered: bool
) -> None:
    breaking = Ledger(Faulty(store, left=2, arrives=answered), clock, "worker")
    with pytest.raises(ValueError, match="of the effect"):
        breaking.once("k", Effect(error=ValueError("of the effect")))
    clock.now += LEASE
    effect = Effect()
    assert Ledger(store, clock, "second").once("k", effect) is EffectOutcome.PERFORMED
    assert effect.times == 1


def test_who_was_too_slow_still_says_that_it_happened(ledger: Ledger, store: Store, clock: Clock) -> None:
    fast = Effect()

    def overtake() -> None:
        clock.now += 2 * LEASE
        Ledger(store, clock, "fast").once("k", fast)

    assert ledger.once("k", Effect(first=overtake)) is EffectOutcome.PERFORMED
    assert ledger.once("k", Effect(error=AssertionError("must not happen"))) is EffectOutcome.SKIPPED
    assert fast.times == 1


def test_who_was_too_slow_and_failed_leaves_the_claim_of_the_other(ledger: Ledger, store: Store, clock: Clock) -> None:
    def overtake() -> None:
        clock.now += 2 * LEASE
        with pytest.raises(UnavailableError):
            Ledger(Faulty(store, left=3, arrives=False), clock, "fast").once("k", Effect())

    with pytest.raises(ValueError, match="slow"):
        ledger.once("k", Effect(first=overtake, error=ValueError("slow")))
    with pytest.raises(BusyError, match="claimed by fast/"):
        ledger.once("k", Effect())


def test_too_many_at_once_are_told_to_come_again(clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.adapters.store.time.sleep", lambda seconds: None)

    class Crowded(Faulty):
        def write(self, collection: str, act: Callable[[], T]) -> T:
            raise ConflictError("k: somebody else wrote it first")

    with pytest.raises(BusyError, match="k: too many claim it at once"):
        Ledger(Crowded(store, left=1, arrives=True), clock, "worker").once("k", Effect())


def test_threads_that_ask_together_have_one_effect(store: Store) -> None:
    ledger = Ledger(store, lambda: datetime.now(UTC), "worker")
    effect = Effect()

    def ask(_: int) -> object:
        return outcome(ledger, effect)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(ask, range(40)))
    assert effect.times == 1
    assert outcomes.count(EffectOutcome.PERFORMED) == 1
    assert set(outcomes) <= {EffectOutcome.PERFORMED, EffectOutcome.SKIPPED, BusyError}


WORKER = """
import os, time
from datetime import UTC, datetime, timedelta
from core.errors import BusyError
from tests.support.fakes.stores import WrappedStore
from functions.adapters.ledger import Ledger
ledger = Ledger(store, lambda: datetime.now(UTC), "worker")
crash = sys.argv[2] if len(sys.argv) > 2 else ""

def effect(key):
    if crash == "before":
        os.kill(os.getpid(), 9)
    with open(sys.argv[1], "a") as file:
        file.write(key + "\\n")
    if crash == "after":
        os.kill(os.getpid(), 9)

for n in range(1 if crash else 8):
    while True:
        try:
            ledger.once(f"effect:{n}", lambda: effect(f"effect:{n}"), lease=timedelta(seconds=2 if crash else 60))
        except BusyError:
            time.sleep(0.05)
        else:
            break
"""


def test_processes_that_ask_together_have_each_effect_once(store_place: "Place", store: Store, tmp_path: Path) -> None:
    happened = tmp_path / "happened"
    workers = [store_place.start(WORKER, str(happened)) for _ in range(3)]
    assert [finished(worker) for worker in workers] == [0, 0, 0]
    assert sorted(happened.read_text().split()) == [f"effect:{n}" for n in range(8)]


@pytest.mark.parametrize(("crash", "times"), [("before", 1), ("after", 2)])
def test_a_worker_that_is_killed_is_followed_by_another(
    store_place: "Place", store: Store, tmp_path: Path, crash: str, times: int
) -> None:
    happened = tmp_path / "happened"
    assert finished(store_place.start(WORKER, str(happened), crash)) == -9
    assert finished(store_place.start(WORKER, str(happened))) == 0
    assert happened.read_text().split().count("effect:0") == times


def finished(worker: "subprocess.Popen[str]") -> int:
    worker.communicate(timeout=60)
    return worker.returncode


def test_later_claims_say_what_they_cover_until_they_are_released(ledger: Ledger, store: Store, clock: Clock) -> None:
    def later(name: str, *, than: str) -> frozenset[str]:
        return ledger.covered(name, prefix="shard:", after=f"shard:{than}:~")

    for key in ("a:shard:9", "shard_other:9:0", "tick:9"):
        ledger.claim(key, covers=["x", "y", "z"])
    claims = {number: ledger.claim(f"shard:{number}:0", covers=["x", f"only {number}"]) for number in range(1, 10)}
    clock.now += 2 * LEASE
    assert "x" not in later("x", than="9")
    assert "y" not in later("y", than="0")
    assert later("only 3", than="1") == {"x", "only 2", "only 3"}
    assert "only 3" not in later("only 3", than="3")
    assert "only 9" in later("only 9", than="0")
    last = claims[9]
    assert last is not None
    last.confirm(covers=["only 9"])
    assert later("x", than="8") == {"only 9"}
    other = claims[8]
    assert other is not None
    other.release()
    assert later("only 8", than="7") == {"only 9"}


def test_entries_without_what_they_cover_cover_nothing(ledger: Ledger, store: Store) -> None:
    ledger.once("shard:1", Effect())
    document = store.get(COLLECTION, "shard:1")
    assert document is not None
    store.replace(document, COLLECTION, {name: value for name, value in document.data.items() if name != "covers"})
    assert ledger.covered("x", prefix="shard:", after="shard:0") == frozenset()
    assert ledger.claim("shard:1") is None


def test_what_has_expired_is_forgotten(ledger: Ledger, store: Store, clock: Clock) -> None:
    for day in range(3):
        for key in "ab":
            ledger.once(f"{day}{key}", Effect())
        clock.now += timedelta(days=1)
    clock.now = NOON + KEEP
    assert ledger.purge() == 0
    clock.now += timedelta(days=2)
    assert ledger.purge() == 4
    assert [document.key for document in store.find(COLLECTION)] == ["2a", "2b"]
    assert ledger.purge() == 0


def test_more_than_a_page_is_forgotten(sqlite_place: "Place", clock: Clock) -> None:
    store = sqlite_place.open()
    ledger = Ledger(store, clock, "worker")
    for key in range(510):
        ledger.once(str(key), Effect())
    clock.now += KEEP + timedelta(days=1)
    assert ledger.purge() == 510
    store.close()


def test_an_entry_says_when_it_may_be_forgotten(ledger: Ledger, store: Store) -> None:
    ledger.once("k", Effect())
    assert update(store, COLLECTION, "k", lambda data: None)["expires_at"] == NOON + KEEP
