"""Every minute: rolls up the telemetry of applications into minutes, and measures services and agents."""

from functools import partial

from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports
from functions.service_rollup.rollup import NAME, Outside, roll_up


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(warehouse=ports.warehouse, metrics=ports.metrics, policy=ports.settings.opentelemetry)
    return on_tick(ports, partial(roll_up, outside=outside))


main = serve(NAME, build)
