"""Checks from outside, every minute, whatever probe is due, and tells what changed."""

import functools
import os
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, events, logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.health_check.check import NAME, Deps, check


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    return Deps(
        settings=config.load(),
        store=open_store(os.environ["AIA_STORE"], project),
        bus=open_bus(project),
        metrics=metrics.connect(NAME),
        park=Parking(open_warehouse(project), NAME, lambda: datetime.now(UTC)),
    )


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a tick."""
    read = functools.partial(events.tick, cron=config.schedule(deps.settings, NAME))
    handle = functools.partial(check, deps=deps)
    return answer(request, function=NAME, read=read, handle=handle, park=deps.park, metrics=deps.metrics)
