"""Folds findings into incidents, publishes what changed and tells people."""

import functools
import os
from dataclasses import dataclass

import flask
import functions_framework

from functions.adapters import config, logs
from functions.adapters.desks.build import build
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.warehouse import open_warehouse
from functions.incident_router.router import Router, handle, read

NAME = "incident_router"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    router: Router
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    built = build(NAME, config.load())
    park = Parking(open_warehouse(os.environ["GOOGLE_CLOUD_PROJECT"]), NAME, built.desks.clock)
    return Deps(router=Router(desks=built.desks, silences=built.silences), park=park)


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a finding, a command or what was decided about an action."""
    act = functools.partial(handle, deps.router)
    counts = deps.router.desks.metrics
    return answer(request, function=NAME, read=read, handle=act, park=deps.park, metrics=counts)
