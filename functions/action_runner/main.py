"""Runs automated responses: within their guard rails, once, looked at afterwards and undone when it got worse."""

import functools
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from functions.action_runner.effects import Runner
from functions.action_runner.read import read
from functions.action_runner.runner import NAME, handle
from functions.adapters import config, logs, metrics
from functions.adapters.actions.registry import Registry
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import Park, answer
from functions.adapters.ledger import Ledger
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside; `cron` is the schedule of its job."""

    runner: Runner
    cron: str
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project, settings = os.environ["GOOGLE_CLOUD_PROJECT"], config.load()
    store, bus, warehouse = open_store(os.environ["AIA_STORE"], project), open_bus(project), open_warehouse(project)
    runner = Runner(
        store=store,
        bus=bus,
        ledger=Ledger(store, _now, f"{NAME}@{socket.gethostname()}:{os.getpid()}"),
        metrics=metrics.connect(NAME),
        clock=_now,
        actions=Registry(settings, warehouse, bus),
        automation=settings.automation,
    )
    return Deps(runner=runner, cron=settings.jobs[NAME], park=Parking(warehouse, NAME, _now))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a request for an action, a command or a tick."""
    opened = functools.partial(read, cron=deps.cron)
    act = functools.partial(handle, deps.runner)
    return answer(request, function=NAME, read=opened, handle=act, park=deps.park, metrics=deps.runner.metrics)


def _now() -> datetime:
    return datetime.now(UTC)
