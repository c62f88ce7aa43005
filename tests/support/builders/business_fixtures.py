"""Shops whose orders are in the warehouse's emulator; a pytest plugin, beside `warehouse`."""

from pathlib import Path

import pytest
from google.cloud import bigquery

from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.registry import ROLLUPS
from tests.support.builders.business import TODAY, World, weeks, world


@pytest.fixture
def shop(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    """Twelve weeks of orders until today."""
    found = world(client, warehouse, tmp_path, ROLLUPS)
    found.order(*weeks(TODAY, 12))
    return found


@pytest.fixture
def empty(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    return world(client, warehouse, tmp_path, ROLLUPS)
