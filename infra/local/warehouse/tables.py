"""Creates the tables and views that `infra/tables` defines, in the local warehouse."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from infra.local.warehouse.definitions import FOLDER, TableDefinition, ViewDefinition, read_definitions, read_views

LABEL = "definitions"
"""The label of a dataset that says of which definitions its tables were made."""


def create_tables(client: bigquery.Client, folder: Path = FOLDER) -> None:
    """Create the missing datasets, tables, columns and views of the folder; existing tables stay, views are made anew.

    A dataset carries a label that says of which definitions its tables and views were made. Where it is the same, and all
    of them are there, none of them is asked for.
    """
    definitions, views = read_definitions(folder), read_views(folder)
    for dataset in sorted({definition.dataset for definition in definitions}):
        _create_dataset(
            client,
            dataset,
            [definition for definition in definitions if definition.dataset == dataset],
            [view for view in views if view.dataset == dataset],
        )


def _create_dataset(
    client: bigquery.Client, name: str, definitions: Sequence[TableDefinition], views: Sequence[ViewDefinition]
) -> None:
    mark = _mark(definitions, views)
    dataset = bigquery.Dataset(f"{client.project}.{name}")
    dataset.labels = {LABEL: mark}
    try:
        client.create_dataset(dataset)
    except Conflict:
        dataset = client.get_dataset(dataset.reference)
        there = {table.table_id for table in client.list_tables(dataset)}
        if dataset.labels.get(LABEL) == mark and there >= {
            *(one.name for one in definitions),
            *(one.name for one in views),
        }:
            return
    for definition in definitions:
        _create(client, definition)
    for view in views:
        _create_view(client, view)
    if dataset.labels.get(LABEL) != mark:
        dataset.labels[LABEL] = mark
        client.update_dataset(dataset, ["labels"])


def _mark(definitions: Sequence[TableDefinition], views: Sequence[ViewDefinition]) -> str:
    """What changes when a column or a view does; fit for a label."""
    columns = [
        *((definition.name, [column["name"] for column in definition.schema]) for definition in definitions),
        *((view.name, view.query) for view in views),
    ]
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


def _create_view(client: bigquery.Client, view: ViewDefinition) -> None:
    """Create or replace a view; a table of its name, of an earlier version, is moved into what the view reads."""
    try:
        found = client.get_table(f"{client.project}.{view.id}")
    except NotFound:
        found = None
    if found is not None and found.table_type == "TABLE":
        columns = ", ".join(f"`{field.name}`" for field in found.schema)
        moved = f"INSERT INTO {view.id}_raw ({columns}, written_at) SELECT {columns}, scored_at FROM {view.id}"  # noqa: S608 - names of ours
        client.query(moved).result()
        client.delete_table(found)
    client.query(f"CREATE OR REPLACE VIEW {view.id} AS {view.query.format(project=client.project)}").result()


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
