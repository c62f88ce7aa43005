"""Tables in a backup: snapshots (`CREATE SNAPSHOT TABLE`), and clones of them.

BigQuery stores of a snapshot only what its table no longer has. The emulator takes the same statements, without options: so a
snapshot has no expiration of its own, and is dropped when it is old.
"""

from collections.abc import Container

from core.errors import BackupError
from core.maintenance.backup import DATASETS, TableBackup, expired, scratch_name, snapshot_name
from functions.adapters.ports import Warehouse

TABLES = "SELECT table_name, table_type FROM {dataset}.INFORMATION_SCHEMA.TABLES"
SNAPSHOT = "CREATE SNAPSHOT TABLE {name} CLONE {table}"
CLONE = "CREATE OR REPLACE TABLE {name} CLONE {table}"
DROP = "DROP TABLE IF EXISTS {name}"
DROP_SNAPSHOT = "DROP SNAPSHOT TABLE {name}"
COUNT = "SELECT COUNT(*) AS n FROM {name}"
COMPARE = """
WITH
  a AS (SELECT TO_JSON_STRING(t) AS line, COUNT(*) AS n FROM {one} AS t GROUP BY line),
  b AS (SELECT TO_JSON_STRING(t) AS line, COUNT(*) AS n FROM {other} AS t GROUP BY line)
SELECT COUNTIF(IFNULL(a.n, 0) != IFNULL(b.n, 0)) AS n_different, IFNULL(SUM(b.n), 0) AS n_rows
FROM a FULL OUTER JOIN b USING (line)
"""


def live_tables(warehouse: Warehouse) -> list[str]:
    """The tables that are backed up, as in `ops.findings`; views are not, and neither are snapshots."""
    found = [
        f"{dataset}.{row['table_name']}"
        for dataset in DATASETS
        for row in warehouse.query(TABLES.format(dataset=dataset))
        if row["table_type"] in ("BASE TABLE", "CLONE")
    ]
    return sorted(found)


def snapshots(warehouse: Warehouse) -> frozenset[str]:
    """All snapshots, as in `backups.ops__findings__20260102T010000`."""
    rows = warehouse.query(TABLES.format(dataset="backups"))
    return frozenset(f"backups.{row['table_name']}" for row in rows if row["table_type"] == "SNAPSHOT")


def snapshot(warehouse: Warehouse, table: str, name: str) -> None:
    """Make a snapshot of a table."""
    warehouse.query(SNAPSHOT.format(name=name, table=table))


def described(warehouse: Warehouse, table: str, backup: str) -> TableBackup:
    """A table of a backup, as its manifest has it."""
    name = snapshot_name(table, backup)
    return TableBackup(table=table, snapshot=name, rows=_rows(warehouse, name), rows_live=_rows(warehouse, table))


def restore_into(warehouse: Warehouse, backup: TableBackup, use: str, there: Container[str]) -> str:
    """Restore a table into a scratch table of that use, replacing it, and compare the two; its name.

    Args:
        warehouse: has the snapshot, and takes the scratch table.
        backup: of the table.
        use: of the scratch table.
        there: the snapshots that there are.

    Raises:
        BackupError: the snapshot is missing, or they are not equal as multisets of rows.
    """
    if backup.snapshot not in there:
        raise BackupError(f"{backup.table}: its snapshot {backup.snapshot} is missing")
    scratch = scratch_name(backup.table, use)
    warehouse.query(CLONE.format(name=scratch, table=backup.snapshot))
    check(warehouse, backup, scratch)
    return scratch


def check(warehouse: Warehouse, backup: TableBackup, restored: str) -> None:
    """Compare a restored table with the snapshot, row for row, whatever their order.

    Raises:
        BackupError: they differ, or the snapshot has not the rows that it had when it was made.
    """
    (found,) = warehouse.query(COMPARE.format(one=backup.snapshot, other=restored))
    if found["n_different"]:
        raise BackupError(f"{backup.table}: {found['n_different']} distinct rows differ from {backup.snapshot}")
    if found["n_rows"] != backup.rows:
        raise BackupError(f"{backup.table}: must have {backup.rows} rows, got {found['n_rows']}")


def replace(warehouse: Warehouse, table: str, scratch: str) -> None:
    """Let a table be what a scratch table is, in one statement; it need not exist."""
    warehouse.query(CLONE.format(name=table, table=scratch))


def drop(warehouse: Warehouse, scratch: str) -> None:
    """Drop a scratch table, if there is one."""
    warehouse.query(DROP.format(name=scratch))


def drop_expired(warehouse: Warehouse, before: str) -> int:
    """Drop the snapshots of backups with smaller ids; the number of them."""
    old = expired(snapshots(warehouse), before=before)
    for name in old:
        warehouse.query(DROP_SNAPSHOT.format(name=name))
    return len(old)


def _rows(warehouse: Warehouse, table: str) -> int:
    (row,) = warehouse.query(COUNT.format(name=table))
    return int(row["n"])
