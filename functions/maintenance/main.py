"""Every ten minutes: does the tasks of upkeep that are due; sends dead letters again when a person asks for it."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from functions.adapters import advisories, config, deployment, iam_inventory
from functions.maintenance import files
from functions.maintenance.compared import Compared, LocalStack
from functions.maintenance.maintenance import NAME, Maintenance, handle, read
from functions.maintenance.outside import Outside
from functions.maintenance.registry import TASKS
from functions.maintenance.scan import Scanned
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports, scanned: Scanned | None = None, compared: Compared | None = None) -> Endpoint:
    """The endpoint of ticks, and of commands to send a dead letter again; what is not given reads the project."""
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
        compared=compared or _compared(ports, os.environ),
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


def _compared(ports: Ports, environ: Mapping[str, str]) -> Compared:
    """What is compared, as the environment says: Terraform names its record, and a local stack its own."""
    record, stack = environ.get("AIA_DEPLOYMENT_RECORD"), environ.get("AIA_STACK_RECORD")
    return Compared(
        settings=config.FILE,
        deployment=deployment.connect(ports.project, environ["AIA_LOCATION"], record) if record else None,
        stack=LocalStack(file=Path(stack)) if stack else None,
    )


main = serve(NAME, build)
