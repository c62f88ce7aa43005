"""Which version is in use: by the rows that pipelines write, by registrations, and by changes of the champion."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import bigquery

from core.versions import AliasChange, AliasName, Metric, Version
from functions.adapters.registries import aliases, record, register
from functions.adapters.training import history
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api import versions as shown
from functions.drift_score.prepared import NEWEST_VERSIONS
from functions.drift_score.slots import statements

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SEVEN = Version(
    model="delay",
    version="7",
    reference_start=AT - 60 * DAY,
    reference_end=AT - 30 * DAY,
    created_at=AT,
    parameters={"rounds": 300, "columns": ["hour"]},
    metrics={"auc": Metric(value=0.7, low=0.68, high=0.72)},
    requested_by="person:ann",
)
EIGHT = replace(SEVEN, version="8", created_at=AT + DAY, reference_end=AT, trained_from=AT - DAY, trained_until=AT)
CHANGE = AliasChange(
    model="delay", alias=AliasName.CHAMPION, version="8", changed_at=AT + 3 * DAY, changed_by="person:ann", why="better"
)


def in_use(warehouse: BigQueryWarehouse, *, days: int) -> str:
    return history.version_in_use(warehouse, "delay", AT + days * DAY)


def test_a_registered_version_is_in_use_from_the_change_of_the_champion_on(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    bare = {key: getattr(SEVEN, key) for key in ("model", "version", "reference_start", "reference_end", "created_at")}
    warehouse.append("ops.model_versions", [bare])  # as a pipeline of its own writes it
    assert (in_use(warehouse, days=-1), in_use(warehouse, days=2)) == ("", "7")
    for _ in range(2):
        register.write(EIGHT, warehouse)
    assert in_use(warehouse, days=2) == "7"
    found = [warehouse.query(NEWEST_VERSIONS, models=["delay", "x"], at=AT + days * DAY) for days in (-1, 0, 2)]
    assert [[(row["version"], row["reference_end"]) for row in rows] for rows in found] == [
        [],
        [("7", AT - 30 * DAY)],
        [("8", AT)],  # registered, and not in use
    ]
    for _ in range(2):
        aliases.write(CHANGE, warehouse)
    aliases.write(replace(CHANGE, alias=AliasName.CHALLENGER, version=None), warehouse)
    assert [in_use(warehouse, days=days) for days in (-1, 0, 2, 3)] == ["", "7", "7", "8"]
    [used] = warehouse.query(statements.VERSIONS, models=["delay"], window_end=AT + 9 * DAY)
    assert (used["version"], used["in_use_from"], used["reference_end"]) == ("8", CHANGE.changed_at, AT)
    back = replace(CHANGE, version="7", changed_at=AT + 5 * DAY)
    aliases.write(back, warehouse)
    assert (in_use(warehouse, days=4), in_use(warehouse, days=5)) == ("8", "7")
    rows = shown.read(warehouse, "delay")
    assert [record.from_row(row) for row in rows.versions] == [
        EIGHT,
        replace(SEVEN, parameters={}, metrics={}, requested_by=""),
    ]
    assert [(row["alias"], row["version"]) for row in rows.changes] == [
        ("champion", "7"),
        ("challenger", None),
        ("champion", "8"),
        ("champion", "7"),
    ]


def test_models_without_a_champion_go_on_by_their_newest_row(warehouse: BigQueryWarehouse) -> None:
    bare = {key: getattr(SEVEN, key) for key in ("model", "version", "reference_start", "reference_end", "created_at")}
    again = bare | {"created_at": AT + 2 * DAY}
    warehouse.append("ops.model_versions", [bare, bare | {"version": "8", "created_at": AT + DAY}, again])
    assert [in_use(warehouse, days=days) for days in (0, 1, 2)] == ["7", "8", "7"]


def test_the_first_version_of_a_model_is_in_use_when_it_is_registered(warehouse: BigQueryWarehouse) -> None:
    register.write(SEVEN, warehouse)
    assert in_use(warehouse, days=0) == "7"
    register.write(SEVEN, warehouse)
    assert warehouse.query("SELECT * FROM ops.model_aliases") == []
