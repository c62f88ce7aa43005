"""What browsers reported: the port, and BigQuery behind it."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.experience import Seen
from functions.adapters.ports import Warehouse

SEEN = (Path(__file__).parent / "seen.sql").read_text()


class Reports(Protocol):
    """What browsers reported."""

    def seen(self, since: datetime, start: datetime, end: datetime, most: int) -> list[Seen]:
        """What was seen before `end`, by service and kind of device, those with the most sessions first.

        Args:
            since: how far back the first report of a session is looked for.
            start: from where on reports count.
            end: before which they do.
            most: services by devices.

        Raises:
            QueryError: the table is missing.
            UnavailableError: nothing answers.
        """
        ...


class BigQueryReports:
    """The port over the warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def seen(self, since: datetime, start: datetime, end: datetime, most: int) -> list[Seen]:
        """What was seen before `end`, by service and kind of device."""
        rows = self._warehouse.query(SEEN, since=since, start=start, end=end, most=most)
        return [Seen(**row) for row in rows]
