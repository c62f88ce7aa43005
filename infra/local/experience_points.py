"""What the visitors of the past would have been measured as, from what they reported: for the charts of the past."""

from collections.abc import Iterator

from core.experience import measures
from functions.adapters.ports import Warehouse
from functions.telemetry_rollup.reports import BigQueryReports
from functions.telemetry_rollup.rollup import WINDOW, look
from infra.local.prometheus import HistoryPoint

_HOURS = "SELECT DISTINCT TIMESTAMP_TRUNC(observed_at, HOUR) AS hour FROM telemetry.experience ORDER BY hour"


def experience_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    """What a tick at the end of every hour with a report measures, but the last one, which may not be over."""
    for row in warehouse.query(_HOURS)[:-1]:
        at = row["hour"] + WINDOW
        for seen in look(BigQueryReports(warehouse), at):
            labels = {"service": seen.service, "device": seen.device}
            for one in measures(seen):
                if one.value is not None:
                    yield HistoryPoint(name=one.name, labels=labels, at=at, value=one.value)
