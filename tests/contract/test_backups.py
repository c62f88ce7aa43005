"""Backups on BigQuery's emulator and SQLite: everything is deleted, and restored."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from google.cloud import bigquery

from core.errors import BackupError
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.cli.main import main
from functions.services.backups import documents, manifests, tables
from functions.services.backups.make import Backups
from functions.services.backups.restore import Restorer

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def few_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all the tables only two: each costs some statements."""
    listed = tables.live_tables

    def wanted(warehouse: BigQueryWarehouse) -> list[str]:
        return [name for name in listed(warehouse) if name in ("ops.dead_letters", "marts.customers")]

    monkeypatch.setattr(tables, "live_tables", wanted)


def rows(warehouse: BigQueryWarehouse) -> Counter[str]:
    return Counter(
        row["line"] for row in warehouse.query("SELECT TO_JSON_STRING(t) AS line FROM ops.dead_letters AS t")
    )


def test_tables_and_documents_come_back_as_they_were(
    warehouse: BigQueryWarehouse, client: bigquery.Client, tmp_path: Path
) -> None:
    parked = {"id": "a", "received_at": NOON.isoformat(), "function": "api", "reason": "é\n'"}
    warehouse.append("ops.dead_letters", [parked, parked, parked | {"id": "b", "attempt": 3}])
    store = SqliteStore(str(tmp_path / "store.db"))
    fields = {"at": NOON, "value": float("inf"), "$x": ["é", None, 1.5], "deep": {"a": {"b": True}}}
    for number in range(3):
        store.create("conditions", f"model/{number}", fields | {"n": number})
    backups = Backups(store=store, warehouse=warehouse, clock=now, keep=timedelta(days=30))
    for step in backups.steps(NOON):
        step.run()
    manifest = manifests.newest(warehouse, NOON)
    assert [(one.table, one.rows, one.rows_live) for one in manifest.tables] == [
        ("marts.customers", 0, 0),
        ("ops.dead_letters", 3, 3),
    ]
    assert manifests.read(warehouse)[0].status is manifests.Status.VERIFIED
    exported = warehouse.query("SELECT * FROM backups.documents")
    warehouse.append(documents.TABLE, exported[:1])  # a streaming insert may arrive twice
    before = rows(warehouse)

    warehouse.query("DROP TABLE marts.customers")
    warehouse.query("DELETE FROM ops.dead_letters WHERE id = 'a'")
    for document in store.find("conditions"):
        store.delete(document, "conditions")
    store.create("conditions", "model/9", {})
    restorer = Restorer(store=store, warehouse=warehouse, clock=now)
    restorer.begin(manifest)
    for step in restorer.steps(manifest):
        step.run()
    assert restorer.finish() == []
    assert rows(warehouse) == before
    assert warehouse.query("SELECT COUNT(*) AS n FROM marts.customers") == [{"n": 0}]
    assert {one.key: one.data for one in store.find("conditions")} == {
        f"model/{number}": fields | {"n": number} for number in range(3)
    }
    assert {table.table_id for table in client.list_tables("backups")} == {
        "documents",
        "manifests",
        "marts__customers__20260102T120000",
        "ops__dead_letters__20260102T120000",
    }
    warehouse.append("ops.dead_letters", [parked])  # what is restored is a table like any other
    assert rows(warehouse).total() == before.total() + 1

    warehouse.query("DROP SNAPSHOT TABLE backups.ops__dead_letters__20260102T120000")
    with pytest.raises(BackupError, match=r"ops\.dead_letters: its snapshot .* is missing"):
        tables.restore_into(warehouse, manifest.tables[1], "verify")
    assert tables.drop_expired(warehouse, "20260103T000000") == 1


def test_by_hand_a_backup_is_made_listed_compared_and_restored(
    warehouse: BigQueryWarehouse,
    client: bigquery.Client,
    place: "Place",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {"GOOGLE_CLOUD_PROJECT": client.project, "AIA_STORE": f"sqlite://{tmp_path}/store.db"}
    settings = tmp_path / "monitoring.yaml"
    settings.write_text("version: 1\njobs: {}\n")
    for name, value in (place.environment | here | {"AIA_SETTINGS": str(settings)}).items():
        monkeypatch.setenv(name, value)
    parked = {"id": "a", "received_at": NOON.isoformat(), "function": "api", "reason": "why"}
    warehouse.append("ops.dead_letters", [parked])

    def aia(*arguments: str) -> str:
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "made, restored into scratch tables, and equal" in aia("backup")
    assert re.search(r"verified\W+2\W+1\W+0\W", aia("backup", "--list"))
    assert "restored into scratch tables, and equal" in aia("restore", "--verify")
    warehouse.query("DROP TABLE ops.dead_letters")
    assert "put:ops.dead_letters" in aia("restore", "--yes")
    assert rows(warehouse).total() == 1
    refused = CliRunner().invoke(main, ["restore", "--at", "2020-01-01", "--yes"])
    assert (refused.exit_code, "must not be before the first backup" in refused.output) == (2, True)
