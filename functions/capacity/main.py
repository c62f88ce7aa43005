"""Every five minutes: forecasts the usage of resources, predicts when limits are reached, and finds anomalies of metrics."""

from functools import partial

from functions.capacity.watch import NAME, Outside, watch
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(
        settings=ports.settings.capacity,
        prometheus=ports.prometheus,
        warehouse=ports.warehouse,
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
    )
    return on_tick(ports, partial(watch, outside=outside))


main = serve(NAME, build)
