"""Runs the rollups of the business that are due at a tick, publishes their metrics, and sends the reports that are due."""

from functools import partial

from functions.adapters import prometheus, recommender
from functions.bi_rollup import incidents
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.machines import EndpointUtilisation
from functions.bi_rollup.predictions import BigQueryPredictions
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.reports import Handler, read, report_sender
from functions.bi_rollup.rollup import NAME, Outside, roll_up
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks, and of commands to send a report."""
    outside = Outside(
        settings=ports.settings,
        models=ports.models.all,
        tables=BigQueryTables(ports.warehouse, ports.settings.business),
        incidents=partial(incidents.read, ports.store),
        store=ports.store,
        metrics=ports.metrics,
        ledger=ports.ledger,
        predictions=BigQueryPredictions(ports.warehouse, ports.models.all),
        bytes_of=ports.warehouse.bytes_of,
        utilisation=EndpointUtilisation(ports.settings.resources, partial(prometheus.connect, ports.project)),
        recommender=recommender.connect().active,
    )
    handler = Handler(roll_up=partial(roll_up, outside=outside, jobs=ROLLUPS), sender=report_sender(ports))
    return on_push(ports, read=partial(read, cron=ports.cron), handle=handler)


main = serve(NAME, build)
