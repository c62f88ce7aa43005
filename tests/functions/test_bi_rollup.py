"""One tick of bi_rollup: what is due is made once, whatever fails comes with the next delivery, what is old is not shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import BusyError, QueryError, UnavailableError
from core.events import Tick
from core.incidents.model import Incident
from core.settings import Business, Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.store import open_store
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.figures import Figure, Made, load
from functions.bi_rollup.rollup import Outside, Part, roll_up
from tests.support.fakes.recorders import RecordingMetrics

AT = datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY, FIVE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)
HEART = ("aia_heartbeat_timestamp_seconds", "bi_rollup")
ROI = ("aia_roi_ratio",)
RANK = ("aia_market_rank",)


class KilledError(BaseException):
    """The process is gone."""


def _dies(*_: object) -> Made:
    raise KilledError


class NoWarehouse:
    """A warehouse that nobody here may ask."""

    def query(self, sql: str, **_: object) -> list[Data]:
        raise AssertionError(sql)

    def append(self, table: str, rows: Sequence[Data]) -> None:
        raise AssertionError(table, rows)


def _no_incidents(since: datetime, until: datetime) -> list[Incident]:
    raise AssertionError((since, until))


@dataclass
class World:
    """Two parts that count how often they are made, and an outside of their own."""

    folder: Path
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    made: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    fails: dict[str, Exception] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=lambda: {"often", "daily"})
    now: datetime = AT

    def __post_init__(self) -> None:
        self.store = open_store(f"sqlite://{self.folder}/store.db", "test")
        self.parts = [
            self._part("often", "aia_roi_ratio", FIVE, 2 * FIVE),
            self._part("daily", "aia_market_rank", DAY, 2 * DAY),
        ]

    def _part(self, name: str, metric: str, every: timedelta, lasts: timedelta) -> Part:
        def make(_: Outside, due: datetime, before: Made | None) -> Made:
            if error := self.fails.get(name):
                raise error
            self.made[name, due] += 1
            figure = Figure(metric, due.timestamp())
            return Made(due=due, figures=(figure,), rollups={f"marts.{name}": due})

        def wanted(_: Settings) -> bool:
            return name in self.wanted

        return Part(name=name, every=every, wanted=wanted, make=make, lasts=lasts)

    def tick(self, at: datetime = AT) -> None:
        roll_up(Tick(job="bi_rollup", scheduled_at=at), self._outside(), self.parts)

    def _outside(self) -> Outside:
        return Outside(
            settings=Settings(jobs={}),
            tables=BigQueryTables(NoWarehouse(), Business()),
            incidents=_no_incidents,
            store=self.store,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: self.now, "bi_rollup"),
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_part_is_made_for_its_own_instant_and_shown(world: World) -> None:
    world.tick()
    assert world.made == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    assert (world.metrics.values[ROI], world.metrics.values[RANK]) == (AT.timestamp(), MIDNIGHT.timestamp())
    assert world.metrics.values["aia_rollup_timestamp_seconds", "marts.daily"] == MIDNIGHT.timestamp()
    assert world.metrics.values[HEART] == AT.timestamp()


def test_a_tick_that_comes_twice_makes_nothing_twice(world: World) -> None:
    world.tick()
    world.tick()
    assert set(world.made.values()) == {1}


def test_what_is_daily_is_made_once_a_day_and_shown_at_every_tick(world: World) -> None:
    for n in range(4):
        world.metrics.values.clear()
        world.tick(AT + n * FIVE)
        assert world.metrics.values[RANK] == MIDNIGHT.timestamp()
    assert world.made["daily", MIDNIGHT] == 1
    assert sum(world.made.values()) == 5


def test_a_day_begins_with_the_first_tick_after_midnight_whenever_that_is(world: World) -> None:
    world.tick(MIDNIGHT - FIVE)
    world.tick(AT)
    assert [due for name, due in world.made if name == "daily"] == [MIDNIGHT - DAY, MIDNIGHT]


def test_a_late_tick_makes_nothing_of_what_has_been_made_for_later(world: World) -> None:
    world.tick(AT)
    world.metrics.values.clear()
    world.tick(AT - 2 * FIVE)
    assert world.made == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    kept = load(world.store, "often")
    assert kept is not None
    assert kept.due == AT
    assert ROI not in world.metrics.values  # what is kept is about a later instant
    assert world.metrics.values[RANK] == MIDNIGHT.timestamp()


def test_a_late_tick_of_yesterday_goes_nowhere_back(world: World) -> None:
    world.tick(AT)
    world.tick(AT - DAY)
    assert world.made["daily", MIDNIGHT - DAY] == 0
    kept = load(world.store, "daily")
    assert kept is not None
    assert kept.due == MIDNIGHT


def test_what_is_taken_out_of_the_store_is_made_anew_at_the_next_tick(world: World) -> None:
    world.tick()
    for _ in range(2):
        kept = world.store.get("business", "daily")
        assert kept is not None
        world.store.delete(kept, "business")
        world.tick(AT + FIVE)
    assert world.made["daily", MIDNIGHT] == 3


def test_a_part_that_dies_takes_none_with_it_that_was_made_before(world: World) -> None:
    world.parts[1] = replace(world.parts[1], make=_dies)
    for n in range(3):
        with pytest.raises(KilledError):
            world.tick(AT + n * FIVE)
        assert world.metrics.values[ROI] == (AT + n * FIVE).timestamp()


def test_what_takes_many_steps_goes_on_where_it_died_and_at_the_next_tick(world: World) -> None:
    first = MIDNIGHT - 20 * DAY
    died = False

    def step(_: Outside, due: datetime, before: Made | None) -> Made:
        nonlocal died
        at = min(due, before.due + DAY if before else first)
        if at == first + 3 * DAY and not died:
            died = True
            raise KilledError
        world.made["often", at] += 1
        return Made(due=at)

    world.parts[0] = replace(world.parts[0], make=step)
    with pytest.raises(KilledError):
        world.tick()
    for n in range(2):
        assert world.made["daily", MIDNIGHT] == 0  # it needs what is not complete
        world.tick(AT + n * FIVE)
    assert world.made["daily", MIDNIGHT] == 1
    assert set(world.made.values()) == {1}
    assert world.made["often", first + 19 * DAY] == 1


def test_when_something_does_not_answer_the_tick_comes_again_for_what_is_left(world: World) -> None:
    world.fails = {"daily": UnavailableError("BigQuery does not answer")}
    with pytest.raises(UnavailableError):
        world.tick()
    assert world.metrics.values[ROI] == AT.timestamp()
    assert HEART not in world.metrics.values
    world.fails = {}
    world.tick()
    assert world.made == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    assert HEART in world.metrics.values


def test_what_follows_a_part_that_waits_waits_with_it(world: World) -> None:
    world.fails = {"often": UnavailableError("BigQuery does not answer")}
    with pytest.raises(UnavailableError):
        world.tick()
    assert world.made == {}


def test_a_part_that_is_refused_keeps_none_of_the_others_and_needs_no_retry(world: World) -> None:
    world.fails = {"often": QueryError("BigQuery refused the statement: telemetry.nowhere")}
    world.tick()
    assert world.made == {("daily", MIDNIGHT): 1}
    assert HEART not in world.metrics.values
    world.fails = {}
    world.tick()
    assert world.made == {("often", AT): 1, ("daily", MIDNIGHT): 1}


def test_a_fault_of_the_program_keeps_none_of_the_others_and_is_raised(world: World) -> None:
    world.fails = {"often": RuntimeError("broken")}
    with pytest.raises(RuntimeError, match="broken"):
        world.tick()
    assert world.made == {("daily", MIDNIGHT): 1}


def test_figures_that_were_not_made_anew_are_shown_for_a_while_and_then_missing(world: World) -> None:
    world.tick()
    world.fails = {"often": QueryError("refused")}
    for after, shown in ((2 * FIVE, True), (3 * FIVE, False)):
        world.metrics.values.clear()
        world.tick(AT + after)
        assert (ROI in world.metrics.values) is shown
        # how far the table reaches is said all the same
        assert world.metrics.values["aia_rollup_timestamp_seconds", "marts.often"] == AT.timestamp()


def test_who_is_at_it_is_not_disturbed(world: World) -> None:
    ledger = Ledger(world.store, lambda: world.now, "another")

    def meanwhile() -> None:
        with pytest.raises(BusyError):
            world.tick()

    ledger.alone("bi_rollup:often", meanwhile)
    assert world.made == {}


def test_after_a_process_that_died_the_part_is_made_when_its_lease_is_over(world: World) -> None:
    broken = replace(world.parts[0], make=_dies)
    world.store, kept = open_store(f"sqlite://{world.folder}/store.db", "test"), world.parts
    world.parts = [broken, kept[1]]
    with pytest.raises(KilledError):
        world.tick()
    world.parts = kept
    world.now += timedelta(minutes=6)
    world.tick()
    assert world.made == {("often", AT): 1, ("daily", MIDNIGHT): 1}


def test_what_the_settings_do_not_ask_for_is_not_made(world: World) -> None:
    world.wanted = {"daily"}
    world.tick()
    assert world.made == {("daily", MIDNIGHT): 1}
    assert ROI not in world.metrics.values
    assert HEART in world.metrics.values
