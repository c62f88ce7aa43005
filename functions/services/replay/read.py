"""The kept decisions: rows of `ops.incident_decisions`, from BigQuery day by day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from functions.adapters.ports import Warehouse
from functions.services.incidents.kept_decisions import Row, rows_of

_STATEMENT = Path(__file__).with_name("decisions.sql").read_text()
_DAY = timedelta(days=1)


def days(warehouse: Warehouse, since: datetime, until: datetime) -> Iterator[list[Row]]:
    """The rows that were published in a time, day by day: a statement's answer stays small.

    Raises:
        AiaError: BigQuery does not answer or refuses the statement.
        UnreadableError: a row has another form than this version knows.
    """
    while since < until:
        end = min(since + _DAY, until)
        yield rows_of(warehouse.query(_STATEMENT, since=since, until=end))
        since = end
