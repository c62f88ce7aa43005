"""Follows the runs of pipelines: how they end, how long their stages take, and which are late."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.vertex_runs import VertexJobs
from functions.adapters.warehouse import open_warehouse
from functions.pipeline_monitor.monitor import NAME, Monitor, handle
from functions.pipeline_monitor.read import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside, and its schedule."""

    monitor: Monitor
    park: Park
    cron: str


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    warehouse = open_warehouse(project)
    monitor = Monitor(
        store=open_store(os.environ["AIA_STORE"], project),
        bus=open_bus(project),
        warehouse=warehouse,
        metrics=metrics.connect(NAME),
        jobs=VertexJobs(),
        project=project,
    )
    park = Parking(warehouse, NAME, lambda: datetime.now(UTC))
    return Deps(monitor=monitor, park=park, cron=config.schedule(config.load(), NAME))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries an event about a run, an entry of Vertex AI's log, or a tick."""
    opened = functools.partial(read, cron=deps.cron)
    act = functools.partial(handle, deps.monitor)
    return answer(request, function=NAME, read=opened, handle=act, park=deps.park, metrics=deps.monitor.metrics)
