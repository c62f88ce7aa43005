"""Looks after incidents as time passes: escalates, expires conditions, sends deferred notifications, and measures."""

import functools
import os
from dataclasses import dataclass

import flask
import functions_framework

from core.events import Tick
from functions.adapters import config, events, logs
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.push import Message
from functions.adapters.warehouse import open_warehouse
from functions.incident_sweep.sweep import Sweeper, sweep
from functions.services.incidents.build import build

NAME = "incident_sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside, and its schedule."""

    sweeper: Sweeper
    park: Park
    cron: str


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    settings = config.load()
    service = build(NAME, settings)
    park = Parking(open_warehouse(os.environ["GOOGLE_CLOUD_PROJECT"]), NAME, service.clock)
    return Deps(sweeper=Sweeper(service=service), park=park, cron=config.schedule(settings, NAME))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a tick."""

    def read(message: Message) -> Tick:
        return events.tick(message, deps.cron)

    act = functools.partial(sweep, deps.sweeper)
    return answer(request, function=NAME, read=read, handle=act, park=deps.park, metrics=deps.sweeper.service.metrics)
