"""Runs the rollups of the business that are due at a tick, and publishes their metrics."""

from functools import partial

from functions.bi_rollup import incidents
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.rollup import NAME, Outside, roll_up
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(
        settings=ports.settings,
        models=ports.models.all,
        tables=BigQueryTables(ports.warehouse, ports.settings.business),
        incidents=partial(incidents.read, ports.store),
        store=ports.store,
        metrics=ports.metrics,
        ledger=ports.ledger,
    )
    return on_tick(ports, partial(roll_up, outside=outside, jobs=ROLLUPS))


main = serve(NAME, build)
