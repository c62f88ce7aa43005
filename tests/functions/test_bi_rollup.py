"""One tick of bi_rollup: due rollups run once, failed ones at the next delivery, and old results are not published."""

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
from functions.adapters.stores import open_store
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.result import MetricValue, RollupResult, load
from functions.bi_rollup.rollup import NAME, Outside, RollupJob, roll_up
from functions.runtime.endpoint import finish
from tests.support.fakes.recorders import RecordingMetrics

AT = datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY, FIVE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)
HEART = ("aia_heartbeat_timestamp_seconds", "bi_rollup")
ROI = ("aia_roi_ratio",)
RANK = ("aia_market_rank",)


class KilledError(BaseException):
    """The process is gone."""


def _dies(*_: object) -> RollupResult:
    raise KilledError


class NoWarehouse:
    """A warehouse that nobody here may ask."""

    def query(self, sql: str, **_: object) -> list[Data]:
        raise AssertionError(sql)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise AssertionError(table, rows)


def _no_incidents(since: datetime, until: datetime) -> list[Incident]:
    raise AssertionError((since, until))


@dataclass
class World:
    """Two rollups that count how often they run, and their ports."""

    folder: Path
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    runs: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    fails: dict[str, Exception] = field(default_factory=dict)
    enabled: set[str] = field(default_factory=lambda: {"often", "daily"})
    now: datetime = AT

    def __post_init__(self) -> None:
        self.store = open_store(f"sqlite://{self.folder}/store.db", "test")
        self.jobs = [
            self._job("often", "aia_roi_ratio", FIVE, 2 * FIVE),
            self._job("daily", "aia_market_rank", DAY, 2 * DAY),
        ]

    def _job(self, name: str, metric: str, every: timedelta, max_age: timedelta) -> RollupJob:
        def run(_: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
            if error := self.fails.get(name):
                raise error
            self.runs[name, due] += 1
            value = MetricValue(metric, due.timestamp())
            return RollupResult(due=due, metrics=(value,), complete_until={f"marts.{name}": due})

        def enabled(_: Settings) -> bool:
            return name in self.enabled

        return RollupJob(name=name, every=every, enabled=enabled, run=run, max_age=max_age)

    def tick(self, at: datetime = AT) -> None:
        tick = Tick(job=NAME, scheduled_at=at)
        finish(tick, roll_up(tick, self._outside(), self.jobs), function=NAME, metrics=self.metrics)

    def _outside(self) -> Outside:
        return Outside(
            settings=Settings(jobs={}),
            models=lambda: {model.name: model for model in Settings(jobs={}).models},
            tables=BigQueryTables(NoWarehouse(), Business()),
            incidents=_no_incidents,
            store=self.store,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: self.now, "bi_rollup"),
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_rollup_runs_for_its_own_instant_and_is_published(world: World) -> None:
    world.tick()
    assert world.runs == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    assert (world.metrics.values[ROI], world.metrics.values[RANK]) == (AT.timestamp(), MIDNIGHT.timestamp())
    assert world.metrics.values["aia_rollup_timestamp_seconds", "marts.daily"] == MIDNIGHT.timestamp()
    assert world.metrics.values[HEART] == AT.timestamp()


def test_a_tick_that_comes_twice_runs_nothing_twice(world: World) -> None:
    world.tick()
    world.tick()
    assert set(world.runs.values()) == {1}


def test_a_daily_rollup_runs_once_a_day_and_is_published_at_every_tick(world: World) -> None:
    for n in range(4):
        world.metrics.values.clear()
        world.tick(AT + n * FIVE)
        assert world.metrics.values[RANK] == MIDNIGHT.timestamp()
    assert world.runs["daily", MIDNIGHT] == 1
    assert sum(world.runs.values()) == 5


def test_a_day_begins_with_the_first_tick_after_midnight_whenever_that_is(world: World) -> None:
    world.tick(MIDNIGHT - FIVE)
    world.tick(AT)
    assert [due for name, due in world.runs if name == "daily"] == [MIDNIGHT - DAY, MIDNIGHT]


def test_a_late_tick_does_not_run_a_rollup_with_a_newer_result(world: World) -> None:
    world.tick(AT)
    world.metrics.values.clear()
    world.tick(AT - 2 * FIVE)
    assert world.runs == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    kept = load(world.store, "often")
    assert kept is not None
    assert kept.due == AT
    assert ROI not in world.metrics.values  # the stored result is of a later instant
    assert world.metrics.values[RANK] == MIDNIGHT.timestamp()


def test_a_late_tick_of_yesterday_does_not_replace_a_newer_result(world: World) -> None:
    world.tick(AT)
    world.tick(AT - DAY)
    assert world.runs["daily", MIDNIGHT - DAY] == 0
    kept = load(world.store, "daily")
    assert kept is not None
    assert kept.due == MIDNIGHT


@pytest.mark.parametrize("data", [{"due": AT, "made": 1}, {"metrics": [{"name": "x"}]}, {"metrics": 5}])
def test_a_stored_result_of_another_version_is_computed_again(world: World, data: Data) -> None:
    world.tick(AT - FIVE)
    kept = world.store.get("business", "often")
    assert kept is not None
    world.store.replace(kept, "business", data)
    world.tick(AT)
    result = load(world.store, "often")
    assert result is not None
    assert result.due == AT


def test_a_result_deleted_from_the_store_is_computed_again_at_the_next_tick(world: World) -> None:
    world.tick()
    for _ in range(2):
        kept = world.store.get("business", "daily")
        assert kept is not None
        world.store.delete(kept, "business")
        world.tick(AT + FIVE)
    assert world.runs["daily", MIDNIGHT] == 3


def test_a_crash_does_not_affect_rollups_before_it(world: World) -> None:
    world.jobs[1] = replace(world.jobs[1], run=_dies)
    for n in range(3):
        with pytest.raises(KilledError):
            world.tick(AT + n * FIVE)
        assert world.metrics.values[ROI] == (AT + n * FIVE).timestamp()


def test_a_rollup_with_many_steps_continues_after_a_crash_and_at_the_next_tick(world: World) -> None:
    first = MIDNIGHT - 20 * DAY
    died = False

    def step(_: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
        nonlocal died
        at = min(due, previous.due + DAY if previous else first)
        if at == first + 3 * DAY and not died:
            died = True
            raise KilledError
        world.runs["often", at] += 1
        return RollupResult(due=at)

    world.jobs[0] = replace(world.jobs[0], run=step)
    with pytest.raises(KilledError):
        world.tick()
    for n in range(2):
        assert world.runs["daily", MIDNIGHT] == 0  # it depends on the one that is not complete
        world.tick(AT + n * FIVE)
    assert world.runs["daily", MIDNIGHT] == 1
    assert set(world.runs.values()) == {1}
    assert world.runs["often", first + 19 * DAY] == 1


def test_after_a_transient_error_the_tick_is_redelivered_for_the_rest(world: World) -> None:
    world.fails = {"daily": UnavailableError("BigQuery does not answer")}
    with pytest.raises(UnavailableError):
        world.tick()
    assert world.metrics.values[ROI] == AT.timestamp()
    assert HEART not in world.metrics.values
    world.fails = {}
    world.tick()
    assert world.runs == {("often", AT): 1, ("daily", MIDNIGHT): 1}
    assert HEART in world.metrics.values


def test_rollups_after_a_transient_error_wait(world: World) -> None:
    world.fails = {"often": UnavailableError("BigQuery does not answer")}
    with pytest.raises(UnavailableError):
        world.tick()
    assert world.runs == {}


def test_a_refused_rollup_does_not_block_the_others_and_is_not_retried(world: World) -> None:
    world.fails = {"often": QueryError("BigQuery refused the statement: telemetry.nowhere")}
    world.tick()
    assert world.runs == {("daily", MIDNIGHT): 1}
    assert HEART not in world.metrics.values
    world.fails = {}
    world.tick()
    assert world.runs == {("often", AT): 1, ("daily", MIDNIGHT): 1}


def test_a_bug_in_a_rollup_does_not_block_the_others_and_is_raised(world: World) -> None:
    world.fails = {"often": RuntimeError("broken")}
    with pytest.raises(RuntimeError, match="broken"):
        world.tick()
    assert world.runs == {("daily", MIDNIGHT): 1}


def test_an_old_result_is_published_up_to_its_maximum_age(world: World) -> None:
    world.tick()
    world.fails = {"often": QueryError("refused")}
    for after, shown in ((2 * FIVE, True), (3 * FIVE, False)):
        world.metrics.values.clear()
        world.tick(AT + after)
        assert (ROI in world.metrics.values) is shown
        # freshness is published at any age
        assert world.metrics.values["aia_rollup_timestamp_seconds", "marts.often"] == AT.timestamp()


def test_a_rollup_that_another_instance_runs_is_left_alone(world: World) -> None:
    ledger = Ledger(world.store, lambda: world.now, "another")

    def meanwhile() -> None:
        with pytest.raises(BusyError):
            world.tick()

    ledger.alone("bi_rollup:often", meanwhile)
    assert world.runs == {}


def test_after_a_crash_the_rollup_runs_when_its_lease_has_expired(world: World) -> None:
    broken = replace(world.jobs[0], run=_dies)
    world.store, kept = open_store(f"sqlite://{world.folder}/store.db", "test"), world.jobs
    world.jobs = [broken, kept[1]]
    with pytest.raises(KilledError):
        world.tick()
    world.jobs = kept
    world.now += timedelta(minutes=6)
    world.tick()
    assert world.runs == {("often", AT): 1, ("daily", MIDNIGHT): 1}


def test_a_rollup_that_is_not_enabled_does_not_run(world: World) -> None:
    world.enabled = {"daily"}
    world.tick()
    assert world.runs == {("daily", MIDNIGHT): 1}
    assert ROI not in world.metrics.values
    assert HEART in world.metrics.values
