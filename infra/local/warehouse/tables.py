"""Creates the tables that `infra/tables` defines, in the local warehouse."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from google.api_core.exceptions import Conflict
from google.cloud import bigquery

from infra.local.warehouse.definitions import FOLDER, TableDefinition, read_definitions

LABEL = "definitions"
"""The label of a dataset that says of which definitions its tables were made."""


def create_tables(client: bigquery.Client, folder: Path = FOLDER) -> None:
    """Create the missing datasets, tables and columns of the folder; existing ones stay.

    A dataset carries a label that says of which definitions its tables were made. Where it is the same, and all tables
    are there, none of them is asked for.
    """
    definitions = read_definitions(folder)
    for dataset in sorted({definition.dataset for definition in definitions}):
        _create_dataset(client, dataset, [definition for definition in definitions if definition.dataset == dataset])


def _create_dataset(client: bigquery.Client, name: str, definitions: Sequence[TableDefinition]) -> None:
    mark = _mark(definitions)
    dataset = bigquery.Dataset(f"{client.project}.{name}")
    dataset.labels = {LABEL: mark}
    try:
        client.create_dataset(dataset)
    except Conflict:
        dataset = client.get_dataset(dataset.reference)
        there = {table.table_id for table in client.list_tables(dataset)}
        if dataset.labels.get(LABEL) == mark and there.issuperset(definition.name for definition in definitions):
            return
    for definition in definitions:
        _create(client, definition)
    if dataset.labels.get(LABEL) != mark:
        dataset.labels[LABEL] = mark
        client.update_dataset(dataset, ["labels"])


def _mark(definitions: Sequence[TableDefinition]) -> str:
    """What changes when a column does; fit for a label."""
    columns = [(definition.name, [column["name"] for column in definition.schema]) for definition in definitions]
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]


def _create(client: bigquery.Client, definition: TableDefinition) -> None:
    table = bigquery.Table(f"{client.project}.{definition.id}", schema=list(definition.schema))
    table.description = definition.description
    table.time_partitioning = bigquery.TimePartitioning(
        type_=definition.partition["type"], field=definition.partition["field"]
    )
    table.clustering_fields = list(definition.cluster) or None
    try:
        client.create_table(table)
    except Conflict:  # it was there; `exists_ok` would ask for it again
        _extend(client, table)


def _extend(client: bigquery.Client, table: bigquery.Table) -> None:
    """Add the columns that a table of an earlier version lacks; they are nullable, as BigQuery has it."""
    current = client.get_table(table.reference)
    known = {field.name for field in current.schema}
    missing = [field for field in table.schema if field.name not in known]
    if not missing:
        return
    for field in missing:
        added = f"ADD COLUMN IF NOT EXISTS `{field.name}` {field.field_type}"
        client.query(f"ALTER TABLE `{table.dataset_id}`.`{table.table_id}` {added}").result()
    current.schema = [*current.schema, *missing]
    client.update_table(current, ["schema"])  # the emulator keeps what it says of a table apart from its columns
