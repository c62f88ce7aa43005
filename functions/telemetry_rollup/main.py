"""Measures user experience every five minutes: sessions, frames, page loads and failures, by service and kind of device."""

from functools import partial

from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports
from functions.telemetry_rollup.rollup import NAME, BigQueryReports, Outside, roll_up


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(reports=BigQueryReports(ports.warehouse), metrics=ports.metrics)
    return on_tick(ports, partial(roll_up, outside=outside))


main = serve(NAME, build)
