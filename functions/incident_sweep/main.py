"""Updates incidents as time passes: escalates, expires conditions, sends deferred notifications, and measures."""

from functools import partial

from functions.incident_sweep.sweep import NAME, Sweeper, handle, read
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports
from functions.services.incidents.service import incident_service


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks and of batches of them."""
    service = incident_service(
        ports.settings,
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        clock=ports.clock,
    )
    sweeper = Sweeper(service=service)
    return on_push(ports, read=partial(read, cron=ports.cron), handle=partial(handle, sweeper))


main = serve(NAME, build)
