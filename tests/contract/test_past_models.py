"""States of models in the past, read once for many instants: the same as the query of bi_rollup gives for each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from core.settings import Business
from functions.adapters.ports import Data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.satisfaction import MODEL_STATES
from infra.local.past.load import load_rows
from infra.local.past.models import LoadedModels
from infra.local.past.plan import Part, Plan, extended, read_plan, with_part, write_plan, write_reached
from infra.local.past.tables import schema, table_of

pytest_plugins = ["tests.support.servers.warehouse"]
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 4, 15, 37, tzinfo=UTC)
TODAY = datetime(2026, 3, 4, tzinfo=UTC)
SCORES, PERFORMANCE = "ops.drift_scores_raw", "ops.model_performance_raw"


def row(name: str, ago: int, **given: Any) -> Data:
    end = TODAY - ago * DAY
    about = {"window_start": end - 7 * DAY, "window_end": end, "scored_at": end, "written_at": end}
    return dict.fromkeys(schema(name).names) | about | given


def score(ago: int, *, drifted: bool, model: str = "m", role: str = "feature", feature: str = "f") -> Data:
    fixed = {"version": "1", "test": "ks", "mode": "exact", "n_reference": 9, "n_current": 9, "verdict": "drift"}
    return row(SCORES, ago, model=model, feature=feature, role=role, drifted=drifted, **fixed)


def accuracy(ago: int, value: float | None, model: str = "m") -> Data:
    return row(PERFORMANCE, ago, model=model, version="1", measure="accuracy", value=value, n_labels=9, n_current=9)


def planned(folder: Path, *, loaded: int | None) -> None:
    """A plan of 20 days, of which the track of the model has loaded the newest ones."""
    plan = extended(Plan(), TODAY - 20 * DAY, NOW, window=DAY)
    write_plan(folder, plan)
    if loaded is not None:
        part = Part(index=0, start=TODAY - loaded * DAY, end=NOW, instants=())
        write_reached(folder, "model", with_part(plan, "model", part, charts=False))


@pytest.fixture
def warehouse(client: bigquery.Client) -> BigQueryWarehouse:
    scores = [
        *(score(ago, drifted=ago % 3 == 0) for ago in range(12) if ago != 5),
        *(score(ago, drifted=False, feature="g") for ago in range(12)),
        score(2, drifted=True, role="prediction", feature="p"),
        *(score(ago, drifted=ago == 9, model="other") for ago in (1, 9)),
    ]
    measured = [accuracy(ago, None if ago in {0, 4} else 0.9 - ago / 100) for ago in range(12)]
    load_rows(client, SCORES, "window_end", table_of(SCORES, scores))
    load_rows(client, PERFORMANCE, "window_end", table_of(PERFORMANCE, measured))
    return BigQueryWarehouse(client)


def test_every_instant_has_the_windows_that_the_query_gives(tmp_path: Path, warehouse: BigQueryWarehouse) -> None:
    planned(tmp_path, loaded=20)
    models = LoadedModels(tmp_path, lambda: warehouse)
    tables = BigQueryTables(warehouse, Business())
    by_name = lambda one: one.model  # noqa: E731 - a key
    for ago in (3, 0, 8, 14):
        until = TODAY - ago * DAY
        found = models(until - 7 * DAY, until)
        assert sorted(found, key=by_name) == sorted(
            tables.read(MODEL_STATES, since=until - 7 * DAY, until=until), key=by_name
        )
        assert ago == 14 or found


def test_rows_that_are_not_in_yet_are_waited_for(tmp_path: Path, warehouse: BigQueryWarehouse) -> None:
    planned(tmp_path, loaded=3)
    days_when_opened: list[int] = []

    def opened() -> BigQueryWarehouse:
        days_when_opened.append((TODAY - read_plan(tmp_path).spans[0].loaded["model"]) // DAY)
        return warehouse

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(LoadedModels(tmp_path, opened), TODAY - 7 * DAY, TODAY)
        planned(tmp_path, loaded=15)
        assert found.result()
    assert days_when_opened == [15]


@pytest.mark.parametrize("loaded", [None, 3])
def test_rows_that_do_not_come_are_not_waited_for_without_end(
    tmp_path: Path, client: bigquery.Client, loaded: int | None
) -> None:
    planned(tmp_path, loaded=loaded)
    models = LoadedModels(tmp_path, lambda: BigQueryWarehouse(client), patience=0.0)
    assert models(TODAY - 7 * DAY, TODAY) == []
