"""Backups on BigQuery's emulator and SQLite: everything is deleted, and restored."""

import base64
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from google.cloud import bigquery

from core.errors import BackupError
from core.maintenance.backup import OWN
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.store import update
from functions.adapters.warehouse import BigQueryWarehouse
from functions.cli.main import main
from functions.maintenance import cleanup, configuration, files, optimisation
from functions.maintenance.outside import Outside
from functions.services.backups import documents, manifests, tables
from functions.services.backups.make import Backups
from functions.services.backups.restore import KEY, Restorer
from functions.services.dead_letters import PER_FUNCTION, find, newest
from tests.support.crash.breaking import Breaking, MemoryMetrics
from tests.support.fakes.compared import compared
from tests.support.fakes.deployed import Unanswering
from tests.support.fakes.ports import push
from tests.support.fakes.scanned import scanned

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
    backups = Backups(store=store, warehouse=warehouse, clock=now)
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
        tables.restore_into(warehouse, manifest.tables[1], "verify", tables.snapshots(warehouse))
    assert tables.drop_expired(warehouse, "20260103T000000") == 1


def test_by_hand_a_backup_is_made_listed_compared_and_restored(
    warehouse: BigQueryWarehouse,
    client: bigquery.Client,
    place: "Place",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {"GOOGLE_CLOUD_PROJECT": client.project, "AIA_STORE": f"sqlite://{tmp_path}/store.db"}
    for name, value in (place.environment | here).items():
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

    def refused(*arguments: str) -> str:
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code == 2, done.output
        return done.output

    assert "must not be before the first backup, 20" in refused("restore", "--at", "2020-01-01", "--yes")
    store = SqliteStore(f"{tmp_path}/store.db")
    for claimed in ("backup", "restore"):
        with Ledger(store, now, "other").held(f"maintenance:{claimed}"):
            assert f"maintenance:{claimed}: claimed by other/" in refused("restore", "--yes")
    update(store, OWN, KEY, lambda data: (data or {}) | {"exchanging": True, "finished_at": None})
    assert "backup: must wait for the restore of 20" in refused("backup")
    assert ": restored" in aia("restore", "--yes")
    assert "and equal" in aia("backup")


def test_every_statement_of_upkeep_runs_and_finds_what_there_is(warehouse: BigQueryWarehouse, tmp_path: Path) -> None:
    long_ago = NOON - timedelta(days=200)
    body = base64.b64encode(push(b'{"a": 1}')).decode()
    parked = {"id": "a", "received_at": NOON.isoformat(), "function": "api", "reason": "why", "body": body}
    old = parked | {"id": "old", "received_at": long_ago.isoformat()}
    warehouse.append("ops.dead_letters", [parked, parked | {"attempt": 2}, old])
    opened = {"type": "incident_change", "version": 1, "at": NOON.isoformat(), "state": "open", "severity": "error"}
    warehouse.append(
        "ops.incident_changes",
        [
            opened
            | {
                "id": str(n),
                "incident_id": str(n),
                "sequence": 1,
                "change": "opened",
                "target": "model/a",
                "title": "t",
            }
            for n in range(4)
        ],
    )
    store = SqliteStore(str(tmp_path / "store.db"))
    outside = Outside(
        settings=Settings(jobs={}),
        store=store,
        bus=Unanswering(),
        warehouse=warehouse,
        metrics=MemoryMetrics(Breaking()),
        ledger=Ledger(store, now, "test"),
        clock=now,
        deployment=files.deployment,
        texts=files.texts,
        tables=files.tables,
        scanned=scanned(),
        compared=compared(),
    )
    due = NOON + timedelta(hours=1)
    [letter] = newest(warehouse, NOON - timedelta(days=30), 10)
    assert (letter.id, letter.n_parked) == ("a", 2)
    assert find(warehouse, "old") is not None
    assert [row["n"] for row in warehouse.query(PER_FUNCTION, since=NOON, until=due)] == [1]
    said = [step.run() for step in cleanup.steps(outside, due)]
    assert [text for text in said if text] == ["1 rows of ops.dead_letters"]
    assert find(warehouse, "old") is None
    kept = find(warehouse, "a")
    assert kept is not None
    assert kept.data == b'{"a": 1}'
    [alarms] = [one for one in optimisation.advice(outside, due) if one.kind == "ignored_alarms"]
    assert alarms.numbers == {"n_incidents": 4, "n_acknowledged": 0}
    assert [step.run() for step in configuration.steps(outside, due)] == ["0: tables that are not as defined"]
