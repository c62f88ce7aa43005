"""The past of the business, loaded into a warehouse and a store: the first live tick goes on from there, and agrees with it."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery

from functions.adapters.ports import Data, Warehouse
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.registry import ROLLUPS
from infra.local.past.business import PastBusiness
from tests.support.builders import past
from tests.support.builders.business import DAY, HOUR, ORDERS, TODAY, World, world
from tests.support.builders.past import NO_MARKET, build, midnights

pytest_plugins = ["tests.support.servers.warehouse"]
NOW = TODAY + 11 * HOUR
KEPT_APART = {
    "aia_stakeholder_satisfaction_ratio",
    "aia_attributed_revenue_dollars",
    "aia_roi_ratio",
    "aia_heartbeat_timestamp_seconds",
    "aia_revenue_difference_cents",
}
"""Metrics that depend on incidents, which the past does not have, the heartbeat, and of the reconciliation, which it leaves out."""
LATE = ("aia_business_data_issues", "late", "orders")


class Counting:
    """A warehouse that counts what it is asked."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self._warehouse = warehouse

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.asked.append(parameters | {"sql": sql})
        return self._warehouse.query(sql, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise AssertionError(table)


def load(client: bigquery.Client, table: str, rows: pa.Table) -> None:
    file = io.BytesIO()
    pq.write_table(rows, file)
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
    client.load_table_from_file(file, f"{client.project}.{table}", rewind=True, job_config=config).result()


@pytest.fixture(scope="module")
def computed() -> PastBusiness:
    found = build(now=NOW, settings=NO_MARKET)
    found.run(midnights(1))
    return found


@pytest.fixture
def loaded(computed: PastBusiness, client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    """A deployment whose past has been computed up to the last midnight."""
    found = world(client, warehouse, tmp_path, ROLLUPS)
    found.settings = NO_MARKET
    tables = computed.marts() | computed.tables(TODAY - 130 * DAY, NOW)
    for name, rows in (tables | {ORDERS.table: past.SHOP.rows(TODAY - 5 * DAY, NOW)}).items():
        load(client, name, rows)
    for (collection, key), data in computed.documents().items():
        found.store.create(collection, key, data)
    return found


def test_the_first_live_tick_after_the_past_only_brings_it_up_to_now(loaded: World) -> None:
    counting = Counting(loaded.warehouse)
    loaded.warehouse = counting
    loaded.tick(NOW)
    assert len(counting.asked) == 10
    reads = [asked for asked in counting.asked if ORDERS.table in asked["sql"].replace("`", "")]
    since = [
        asked["since"] for asked in reads if "marts.revenue_hourly WHERE" not in asked["sql"]
    ]  # not reconciliation
    assert min(since) >= TODAY - 4 * DAY  # only as far back as orders may come late, and a day
    expected = {
        series(point.name, point.labels): point.value for point in build(now=NOW, settings=NO_MARKET).run([NOW])
    }
    found = measured(loaded)
    assert found == pytest.approx({key: value for key, value in expected.items() if key[0] not in KEPT_APART})
    assert {"aia_revenue_expected_dollars", "aia_customer_lifetime_value_dollars"} <= {name for name, *_ in found}


def test_a_day_goes_on_as_if_it_had_always_run(loaded: World) -> None:
    at = TODAY + DAY
    load(loaded.client, ORDERS.table, past.SHOP.rows(NOW, at))
    loaded.tick(at)
    expected = {series(point.name, point.labels): point.value for point in build(now=at, settings=NO_MARKET).run([at])}
    found = measured(loaded)
    assert found == pytest.approx({key: value for key, value in expected.items() if key[0] not in KEPT_APART})


def measured(world: World) -> dict[tuple[str, ...], float]:
    """The metrics that the past has as well."""
    return {key: value for key, value in world.metrics.values.items() if key[0] not in KEPT_APART and key != LATE}


def series(name: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """As `RecordingMetrics` names it."""
    return (name, *(labels[key] for key in sorted(labels)))
