"""Folds findings into incidents, publishes their changes and notifies people."""

import functools
import os
from dataclasses import dataclass

import flask
import functions_framework

from functions.adapters import config, logs
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.warehouse import open_warehouse
from functions.incident_router.router import handle, read
from functions.services.incidents.build import build
from functions.services.incidents.service import IncidentService

NAME = "incident_router"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    service: IncidentService
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    service = build(NAME, config.load())
    park = Parking(open_warehouse(os.environ["GOOGLE_CLOUD_PROJECT"]), NAME, service.clock)
    return Deps(service=service, park=park)


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request with a finding, a command or a decision about an action."""
    act = functools.partial(handle, deps.service)
    return answer(request, function=NAME, read=read, handle=act, park=deps.park, metrics=deps.service.metrics)
