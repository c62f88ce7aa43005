"""Folds findings into incidents, publishes what changed and tells people."""

import functools
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import Park, answer
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channels import open_channels
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.incident_router.effects import Performer
from functions.incident_router.router import Router, handle, read

NAME = "incident_router"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    router: Router
    park: Park


@functools.cache
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project, settings = os.environ["GOOGLE_CLOUD_PROJECT"], config.load()
    store, counts = open_store(os.environ["AIA_STORE"], project), metrics.connect(NAME)
    ledger = Ledger(store, _now, f"{NAME}@{socket.gethostname()}:{os.getpid()}")
    channels = open_channels(settings.channels, _now)
    performer = Performer(bus=open_bus(project), channels=channels, ledger=ledger, metrics=counts)
    url = os.environ.get("AIA_API_URL", "")
    router = Router(store=store, performer=performer, metrics=counts, clock=_now, routes=settings.routes, url=url)
    return Deps(router=router, park=Parking(open_warehouse(project), NAME, _now))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a finding."""
    act = functools.partial(handle, deps.router)
    counts = deps.router.metrics
    return answer(request, function=NAME, read=read, handle=act, park=deps.park, metrics=counts)


def _now() -> datetime:
    return datetime.now(UTC)
