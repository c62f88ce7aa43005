"""How a test finds the tables of the warehouse empty: what the tests before it have written is deleted."""

from google.cloud import bigquery

from infra.local.warehouse import read_definitions, read_views
from tests.support.servers.writes import Writes

_TABLES = frozenset(definition.id for definition in read_definitions())
_THERE = _TABLES | {view.id for view in read_views()}
FILLED = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in sorted(_TABLES))
"""The tables that have rows."""


def empty_tables(client: bigquery.Client, writes: Writes) -> None:
    """Leave no row and no table of another test."""
    tables = writes.tables & _TABLES
    if writes.any:
        _drop_others(client)
        tables = {table for [table] in client.query_and_wait(FILLED)}
    for table in tables:
        client.query_and_wait(f"DELETE FROM {table} WHERE TRUE")
    writes.forget()


def _drop_others(client: bigquery.Client) -> None:
    """Drop the tables and views that tests have created; the emulator deletes no view through the API of tables."""
    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.reference):
            name = f"{table.dataset_id}.{table.table_id}"
            if name not in _THERE:
                kind = "VIEW" if table.table_type == "VIEW" else "TABLE"
                client.query_and_wait(f"DROP {kind} {name}")
