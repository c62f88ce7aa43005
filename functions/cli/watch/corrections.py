"""Rows of a file that its table has with other values: corrected ones, as those whose labels have arrived."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from google.api_core import exceptions as api
from google.cloud import bigquery

from functions.cli.watch.loading import run
from functions.cli.watch.log import ROW

_BLOCK: Final = 10_000
"""Rows that one statement deletes."""


def corrected(client: bigquery.Client, table: str, rows: pa.Table) -> pa.Table:
    """The rows whose ids a table has with other values."""
    stored = _stored(client, table, rows.column_names)
    if stored is None:
        return rows.slice(0, 0)
    places = pc.index_in(rows[ROW], value_set=stored[ROW].combine_chunks())
    known, before = rows.filter(pc.is_valid(places)), stored.take(pc.drop_null(places))
    differs = pa.chunked_array([pa.repeat(pa.scalar(value=False), known.num_rows)])
    for name in known.column_names:
        differs = pc.or_(differs, _differs(known[name], before[name]))
    return known.filter(differs)


def delete(client: bigquery.Client, table: str, rows: pa.Table) -> None:
    """Delete the rows of these ids, so that they can be loaded anew: after a command that is killed then, the next one lacks them."""
    statement = f"DELETE FROM {_quoted(table)} WHERE {ROW} IN UNNEST(@ids)"  # noqa: S608 - a name of ours
    for start in range(0, rows.num_rows, _BLOCK):
        ids = bigquery.ArrayQueryParameter("ids", "STRING", rows[ROW].slice(start, _BLOCK).to_pylist())
        run(client, statement, ids)


def _stored(client: bigquery.Client, table: str, columns: list[str]) -> pa.Table | None:
    """Those columns of a table; None where it is not there."""
    listed = ", ".join(f"`{name}`" for name in columns)
    statement = f"SELECT {listed} FROM {_quoted(table)}"  # noqa: S608 - names of ours
    try:
        return run(client, statement).to_arrow(create_bqstorage_client=False)
    except api.NotFound:
        return None


def _differs(new: pa.ChunkedArray, old: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where values differ; null is as null, and NaN as NaN."""
    if pt.is_integer(new.type) and pt.is_floating(old.type):
        new = pc.cast(new, old.type, safe=False)  # not the other way: 2.5 would be as 2
    old = pc.cast(old, new.type, safe=False)
    same = pc.or_(pc.fill_null(pc.equal(new, old), fill_value=False), pc.and_(pc.is_null(new), pc.is_null(old)))
    if pt.is_floating(new.type):
        nan = pc.and_(pc.fill_null(pc.is_nan(new), fill_value=False), pc.fill_null(pc.is_nan(old), fill_value=False))
        same = pc.or_(same, nan)
    return pc.invert(same)


def _quoted(table: str) -> str:
    return ".".join(f"`{part}`" for part in table.split("."))
