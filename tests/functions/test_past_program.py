"""The programs of the history: every part is in once, whatever kills them, and nobody is told of the past."""

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from core.errors import UnavailableError
from core.events import PipelineRun
from functions.adapters.ports import Data, Document, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api.freshness import COLLECTION, KEY
from infra.local.past.plan import DAY, Part, Plan, extended, read_plan, write_plan
from infra.local.past.program import Backfill
from infra.local.past.tables import table_of
from infra.local.past.track import Computed
from infra.local.prometheus import HistoryPoint
from tests.support.fakes.recorders import RecordingBus

pytest_plugins = ["tests.support.servers.warehouse"]
TODAY = datetime(2026, 3, 4, tzinfo=UTC)
NOW = TODAY + timedelta(hours=15)
TABLE = "ops.data_quality_raw"
WEEK = timedelta(days=7)


@dataclass
class Days:
    """A track with one row, one point and one document a day."""

    name: str = "model"
    first: timedelta = 2 * DAY
    size: timedelta = 4 * DAY
    computed: list[Part] = field(default_factory=list)

    def compute(self, part: Part) -> Computed:
        self.computed.append(part)
        return Computed(
            points=[HistoryPoint(name="aia_drift_rows", labels={"model": "m"}, at=at, value=1) for at in part.instants],
            tables={TABLE: table_of(TABLE, [row(at) for at in part.instants])},
            documents={("past", f"{at:%Y-%m-%d}"): {"at": at} for at in part.instants},
        )


def row(at: datetime) -> Data:
    about = {"window_start": at - WEEK, "window_end": at, "scored_at": at, "written_at": at}
    return {"model": "m", "version": "1", "issue": "stale", "issues": 0, "features": "", **about}


class DeadError(BaseException):
    """The program is killed."""


@dataclass
class Deadly:
    """A store on which the program dies at its n-th call."""

    inner: Store
    calls: int

    def _call(self, name: str, *arguments: Any, **named: Any) -> Any:
        self.calls -= 1
        if self.calls == 0:
            raise DeadError
        return getattr(self.inner, name)(*arguments, **named)

    def get(self, collection: str, key: str) -> Document | None:
        found: Document | None = self._call("get", collection, key)
        return found

    def create(self, collection: str, key: str, data: Data) -> Document:
        made: Document = self._call("create", collection, key, data)
        return made

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        made: Document = self._call("replace", document, collection, data)
        return made

    def delete(self, document: Document, collection: str) -> None:
        raise AssertionError(collection)

    def find(self, collection: str, **_: Any) -> list[Document]:
        raise AssertionError(collection)


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore(":memory:")


def planned(folder: Path, days: int) -> Plan:
    plan = extended(Plan(), TODAY - days * DAY - WEEK, NOW, window=WEEK)
    write_plan(folder, plan)
    return plan


def backfill(
    folder: Path, client: bigquery.Client, store: Store, bus: RecordingBus, track: Days | None = None
) -> Backfill:
    return Backfill(
        folder=folder,
        track=track or Days(),
        client=lambda: client,
        store=store,
        bus=lambda: bus,
        prometheus_url="http://127.0.0.1:9",
    )


def days_of(client: bigquery.Client) -> list[datetime]:
    rows = BigQueryWarehouse(client).query(f"SELECT window_end FROM {TABLE} ORDER BY window_end")
    return [row["window_end"] for row in rows]


def blocks(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "prometheus").glob("*/meta.json")]


def test_the_newest_part_comes_first_and_in_the_end_all_is_in(
    client: bigquery.Client, store: SqliteStore, tmp_path: Path
) -> None:
    plan, bus, track = planned(tmp_path, 8), RecordingBus(), Days()
    backfill(tmp_path, client, store, bus, track).run()
    assert [part.end for part in track.computed] == sorted((part.end for part in track.computed), reverse=True)
    assert days_of(client) == list(plan.instants)
    assert {one.key for one in store.find("past")} == {f"{at:%Y-%m-%d}" for at in plan.instants}
    with_ticks = [part for part in track.computed if part.instants]
    assert len(blocks(tmp_path)) == len(with_ticks) == 3
    assert [part.start for part in track.computed][-1] == plan.spans[0].start, "rows from before the first tick as well"
    runs = [event for event in bus.events if isinstance(event, PipelineRun)]
    assert len(runs) == len(bus.events), "of the past nothing but its own runs is published"
    assert {(run.pipeline, run.status.value) for run in runs} == {("history-model", "succeeded")}
    assert {run.stage for run in runs} == {"compute", "charts", "load", ""}


def test_progress_is_told_from_the_beginning_and_done_when_every_track_is(
    client: bigquery.Client, store: SqliteStore, tmp_path: Path
) -> None:
    planned(tmp_path, 8)
    backfill(tmp_path, client, store, RecordingBus()).run()
    found = store.get(COLLECTION, KEY)
    assert found is not None
    assert {name: found.data[name] for name in ("days", "of", "done")} == {"days": 0, "of": 9, "done": False}
    backfill(tmp_path, client, store, RecordingBus(), Days(name="business")).run()
    found = store.get(COLLECTION, KEY)
    assert found is not None
    assert {name: found.data[name] for name in ("days", "of", "done")} == {"days": 9, "of": 9, "done": True}
    assert found.data["since"] == read_plan(tmp_path).spans[0].start


@pytest.mark.parametrize("calls", range(1, 17, 3))
def test_killed_at_any_call_it_goes_on_and_every_part_is_in_once(
    client: bigquery.Client, store: SqliteStore, tmp_path: Path, calls: int
) -> None:
    plan = planned(tmp_path, 8)
    with contextlib.suppress(DeadError):
        backfill(tmp_path, client, Deadly(store, calls), RecordingBus()).run()
    backfill(tmp_path, client, store, RecordingBus()).run()
    assert days_of(client) == list(plan.instants)
    assert {one.key for one in store.find("past")} == {f"{at:%Y-%m-%d}" for at in plan.instants}
    assert len(blocks(tmp_path)) == 3


def test_what_a_function_wrote_meanwhile_stands(client: bigquery.Client, store: SqliteStore, tmp_path: Path) -> None:
    planned(tmp_path, 3)
    live = {"at": NOW}
    store.create("past", f"{TODAY:%Y-%m-%d}", live)
    backfill(tmp_path, client, store, RecordingBus()).run()
    kept = store.get("past", f"{TODAY:%Y-%m-%d}")
    assert kept is not None
    assert kept.data == live


def test_a_bus_that_does_not_answer_costs_the_report_only(
    client: bigquery.Client, store: SqliteStore, tmp_path: Path
) -> None:
    plan = planned(tmp_path, 3)
    backfill(tmp_path, client, store, RecordingBus(down=True)).run()
    assert days_of(client) == list(plan.instants)


def test_a_store_that_does_not_answer_ends_the_program_and_the_next_one_goes_on(
    client: bigquery.Client, tmp_path: Path
) -> None:
    plan = planned(tmp_path, 3)
    with pytest.raises(UnavailableError):
        backfill(tmp_path, client, SqliteStore("/nowhere/store.db"), RecordingBus()).run()
    backfill(tmp_path, client, SqliteStore(":memory:"), RecordingBus()).run()
    assert days_of(client) == list(plan.instants)
