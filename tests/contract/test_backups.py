"""Backups on BigQuery's emulator and SQLite: everything is deleted, and restored."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.cloud import bigquery

from core.errors import BackupError
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.services.backups import documents, manifests, tables
from functions.services.backups.make import Backups
from functions.services.backups.restore import Restorer

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
