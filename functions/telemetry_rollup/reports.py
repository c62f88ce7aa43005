"""Browser reports: the port, and its adapter for BigQuery."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.experience import ExperienceSummary
from functions.adapters.ports import Warehouse

SUMMARIES = (Path(__file__).parent / "summaries.sql").read_text()


class Reports(Protocol):
    """Browser reports."""

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by service and kind of device, those with the most sessions first.

        Args:
            since: how far back the first report of a session is searched.
            start: first instant of the reports that count.
            end: first instant after them.
            most: number of summaries.

        Raises:
            QueryError: the table is missing.
            UnavailableError: the warehouse does not answer.
        """
        ...


class BigQueryReports:
    """The port over the warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def summaries(self, since: datetime, start: datetime, end: datetime, most: int) -> list[ExperienceSummary]:
        """Summaries by service and kind of device."""
        rows = self._warehouse.query(SUMMARIES, since=since, start=start, end=end, most=most)
        return [ExperienceSummary(**row) for row in rows]
