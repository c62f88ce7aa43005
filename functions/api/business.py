"""The business as the rollups have computed it: its metrics by day."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.listing import LAST, LONGEST, Place, next_cursor, read_cursor
from functions.api.parameters import PAGED, RANGE, Parameter, Text, next_step, range_of

METRICS = (Path(__file__).parent / "business_metrics.sql").read_text()
PARAMETERS = (Parameter("name", Text(LONGEST), "A metric, as in aia_revenue_dollars."), *RANGE, *PAGED)
USUAL = timedelta(days=30)
"""How far back from the end of a range it begins, where nobody says."""
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

    def metrics(self, values: Mapping[str, Any]) -> Data:
        """A page of the metrics of each day of a range, the newest first.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the warehouse does not answer.
        """
        after, most = read_cursor(values["cursor"], Place), values["limit"]
        since, until = range_of(values, usual=USUAL).ending(next_step(self.clock()))
        parameters: Data = {
            "since": since,
            "until": until,
            "before": after.at if after else until,
            "before_id": after.id if after else LAST,
            "name": values["name"] or "",
            "most": most + 1,
        }

        def read() -> list[Data]:
            return self.warehouse.query(METRICS, **parameters)

        found = self._cache(tuple(parameters.values()), read, seconds=_FRESH_SECONDS)
        return {
            "metrics": [row | {"labels": json.loads(row["labels"])} for row in found[:most]],
            "next": next_cursor(found, most, lambda row: Place(row["day"], row["name"] + row["labels"])),
        }
