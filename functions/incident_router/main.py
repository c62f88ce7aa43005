"""Folds findings into incidents, publishes their changes and notifies people."""

from functools import partial

from functions.incident_router.router import handle, read
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports
from functions.services.incidents.service import incident_service


def build(ports: Ports) -> Endpoint:
    """The endpoint of findings, commands and decisions about actions."""
    service = incident_service(
        ports.settings,
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        clock=ports.clock,
    )
    return on_push(ports, read=read, handle=partial(handle, service))


main = serve("incident_router", build)
