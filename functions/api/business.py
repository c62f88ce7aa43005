"""The business as the rollups have computed it: its metrics by day, and the forecasts of revenue."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache

_SQL = {name: (Path(__file__).parent / f"{name}.sql").read_text() for name in ("business_metrics", "revenue_forecasts")}
USUAL = timedelta(days=30)
"""How far back from the end of a range it begins, where nobody says."""
MOST = 5000
"""Rows of an answer: the newest."""
_TOGETHER = timedelta(minutes=1)
"""Within which all readers are given the same range."""
_FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Business:
    """Reads the marts.

    Attributes:
        warehouse: has them.
        clock: now.
    """

    warehouse: Warehouse
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def metrics(self, values: Data) -> list[Data]:
        """The metrics of each day of a range, the newest first."""
        return [row | {"labels": json.loads(row["labels"])} for row in self._rows("business_metrics", values)]

    def forecasts(self, values: Data) -> list[Data]:
        """The forecasts that were made within a range, the newest first."""
        return self._rows("revenue_forecasts", values)

    def _rows(self, statement: str, values: Data) -> list[Data]:
        now = self.clock()
        until = values["until"] or now - (now - now.min.replace(tzinfo=now.tzinfo)) % _TOGETHER + _TOGETHER
        since = values["since"] or until - USUAL

        def read() -> list[Data]:
            return self.warehouse.query(_SQL[statement], since=since, until=until, most=MOST)

        return self._cache((statement, since, until), read, seconds=_FRESH_SECONDS)
