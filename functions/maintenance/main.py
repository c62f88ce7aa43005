"""Every ten minutes: does the tasks of upkeep that are due; sends dead letters again when a person asks for it."""

from functools import partial

from functions.maintenance import files
from functions.maintenance.maintenance import NAME, Maintenance, handle, read
from functions.maintenance.outside import Outside
from functions.maintenance.registry import TASKS
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks, and of commands to send a dead letter again."""
    outside = Outside(
        settings=ports.settings,
        store=ports.store,
        bus=ports.bus,
        warehouse=ports.warehouse,
        metrics=ports.metrics,
        ledger=ports.ledger,
        clock=ports.clock,
        deployment=files.deployment,
        texts=files.texts,
        tables=files.tables,
    )
    return on_push(
        ports,
        read=partial(read, cron=ports.cron),
        handle=partial(handle, Maintenance(outside=outside, tasks=TASKS)),
    )


main = serve(NAME, build)
