"""The task `clean-up`: deletes what is kept for no longer, and says how much it deleted."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from core.errors import ConflictError
from functions.adapters.store import every
from functions.maintenance.outside import Outside
from functions.services.actions import ACTIONS
from functions.services.steps import Step

RETENTION: Mapping[str, timedelta] = {
    "ops.dead_letters": timedelta(days=90),
    "ops.maintenance_runs": timedelta(days=400),
}
"""How long rows are kept where the settings do not say; what is in no list is kept."""
PARTITION = """
SELECT column_name FROM {dataset}.INFORMATION_SCHEMA.COLUMNS
WHERE table_name = @name AND is_partitioning_column = 'YES'
"""
"""The column by which a table is partitioned."""
FORGOTTEN = (ACTIONS, "alert_replicas", "api_replays", "api_requests", "slack_threads")
"""Collections whose documents are deleted after their `expires_at`. Firestore does it by its TTL policies, other stores do not."""
COUNT = "SELECT COUNT(*) AS n FROM `{table}` WHERE `{column}` < @before"
DELETE = "DELETE FROM `{table}` WHERE `{column}` < @before"


def steps(outside: Outside, due: datetime) -> Iterator[Step]:
    """Claims that ended, documents that expired, and rows of the tables that have a retention."""
    yield Step("claims", partial(_claims, outside))
    for collection in FORGOTTEN:
        yield Step(collection, partial(_expired, outside, collection, due))
    for table, keep in sorted(retention(outside.settings.upkeep.retention).items()):
        yield Step(f"rows:{table}", partial(_rows, outside, table, due - keep))


def retention(settings: Mapping[str, timedelta]) -> Mapping[str, timedelta]:
    """How long rows are kept, by table: as the settings say, and where they do not, as is usual."""
    return {**RETENTION, **settings}


def _claims(outside: Outside) -> str:
    deleted = outside.ledger.purge()
    return f"{deleted} claims" if deleted else ""


def _expired(outside: Outside, collection: str, due: datetime) -> str:
    old = [one for one in every(outside.store, collection) if (one.data.get("expires_at") or due) < due]
    deleted = 0
    for document in old:
        try:
            outside.store.delete(document, collection)
            deleted += 1
        except ConflictError:  # it is not over after all: the next clean-up looks again
            continue
    return f"{deleted} {collection}" if deleted else ""


def _rows(outside: Outside, table: str, before: datetime) -> str:
    dataset, _, name = table.rpartition(".")
    columns = outside.warehouse.query(PARTITION.format(dataset=dataset), name=name)
    if not columns:
        return f"{table} is not partitioned: no row deleted"
    names = {"table": table, "column": columns[0]["column_name"]}
    (row,) = outside.warehouse.query(COUNT.format(**names), before=before)
    if not row["n"]:
        return ""
    outside.warehouse.query(DELETE.format(**names), before=before)
    return f"{row['n']} rows of {table}"
