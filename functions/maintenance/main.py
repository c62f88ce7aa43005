"""Every ten minutes: does the tasks of upkeep that are due; sends dead letters again when a person asks for it."""

from functools import partial

from functions.adapters import advisories, iam_inventory
from functions.maintenance import files
from functions.maintenance.maintenance import NAME, Maintenance, handle, read
from functions.maintenance.outside import Outside
from functions.maintenance.registry import TASKS
from functions.maintenance.scan import Scanned
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports, scanned: Scanned | None = None) -> Endpoint:
    """The endpoint of ticks, and of commands to send a dead letter again; the scan reads the project where nothing else is given."""
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
        scanned=scanned or _scanned(ports),
    )
    return on_push(
        ports,
        read=partial(read, cron=ports.cron),
        handle=partial(handle, Maintenance(outside=outside, tasks=TASKS)),
    )


def _scanned(ports: Ports) -> Scanned:
    return Scanned(
        iam=iam_inventory.connect(ports.project),
        packages=files.packages,
        advisories=advisories.connect() if ports.settings.upkeep.advisories else None,
    )


main = serve(NAME, build)
