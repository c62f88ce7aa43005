"""What a running system lacks of a log: rows that its table does not have, and windows that were not scored."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from functions.cli.api import Json
from functions.cli.watch import past, tables
from functions.cli.watch.deployed import Deployed
from functions.cli.watch.log import TIME, Log
from functions.cli.watch.settings import made_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is to be done.

    Attributes:
        rows: to be loaded, in the columns of the model's table; None where a view gives them.
        since: windows that end later are to be scored; None for all of them.
    """

    rows: pa.Table | None
    since: datetime | None


def pending(system: Deployed, settings: Json, log: Log, *, is_view: bool, is_new: bool) -> Pending:
    """Compare a log with what the system has of it, as an interrupted command left it or a whole one.

    Args:
        system: that runs.
        settings: of the model.
        log: its rows.
        is_view: whether the rows are in a table of BigQuery already.
        is_new: whether the system has no such model; scores of an earlier one of the name do not count.
    """
    rows = None if is_view else tables.new_rows(system.bigquery(), settings["table"], tables.rows_of(settings, log))
    if is_new:
        return Pending(rows=rows, since=None)
    newest = past.newest(system.warehouse(), settings["name"], since=made_at(settings))
    if rows is not None and rows.num_rows and newest is not None:
        newest = min(newest, pc.min(rows[TIME]).as_py())
    return Pending(rows=rows, since=newest)
