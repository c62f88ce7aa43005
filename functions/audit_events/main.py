"""Detections over the audit log: entries of a log sink, and ticks."""

from functools import partial

from functions.audit_events.places import read_places
from functions.audit_events.read import read
from functions.audit_events.watch import NAME, Outside, handle
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of log entries and ticks."""
    settings = ports.settings.security
    outside = Outside(
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        settings=settings,
        places=read_places(settings.places),
    )
    return on_push(ports, read=partial(read, cron=ports.cron), handle=partial(handle, outside))


main = serve(NAME, build)
