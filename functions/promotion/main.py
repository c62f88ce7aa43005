"""Compares challengers with champions, promotes them in steps, and rolls back."""

from functools import partial

from functions.adapters.registries.register import configured, open_registries
from functions.promotion.promotion import NAME, Promoter, handle, read
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports, once


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks, and of commands to promote and roll back."""
    promoter = Promoter(
        store=ports.store,
        bus=ports.bus,
        warehouse=ports.warehouse,
        metrics=ports.metrics,
        clock=ports.clock,
        registries=once(lambda: open_registries(configured(ports.settings.registry))),
        models=ports.models.all,
        time_zone=ports.settings.business.time_zone,
    )
    return on_push(ports, read=partial(read, cron=ports.cron), handle=partial(handle, promoter))


main = serve(NAME, build)
