"""Updates incidents as time passes: escalates, expires conditions, sends deferred notifications, and measures."""

from functools import partial

from functions.incident_sweep.sweep import NAME, Sweeper, sweep
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports
from functions.services.incidents.service import incident_service


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    service = incident_service(
        ports.settings,
        store=ports.store,
        bus=ports.bus,
        ledger=ports.ledger,
        metrics=ports.metrics,
        clock=ports.clock,
    )
    return on_tick(ports, partial(sweep, Sweeper(service=service)))


main = serve(NAME, build)
