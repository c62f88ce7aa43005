"""Shops whose orders are in the warehouse's emulator; a pytest plugin, beside `warehouse`."""

from functools import cache
from pathlib import Path

import pytest
from google.cloud import bigquery

from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.registry import ROLLUPS
from tests.support.builders.business import ORDERS, TODAY, World, weeks, world
from tests.support.builders.flights import append, lines


@cache
def _orders() -> bytes:
    return lines(weeks(TODAY, 12))


@pytest.fixture
def shop(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    """Twelve weeks of orders until today."""
    found = world(client, warehouse, tmp_path, ROLLUPS)
    append(client, ORDERS.table, _orders())
    return found


@pytest.fixture
def empty(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    return world(client, warehouse, tmp_path, ROLLUPS)
