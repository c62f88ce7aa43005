"""Measures what people see, every five minutes: sessions, frames, page loads and failures, by service and kind of device."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from core.settings import Settings
from functions.adapters import config, events, logs, metrics
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.warehouse import open_warehouse
from functions.telemetry_rollup.reports import BigQueryReports
from functions.telemetry_rollup.rollup import NAME, Outside, roll_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs."""

    settings: Settings
    outside: Outside
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    warehouse = open_warehouse(os.environ["GOOGLE_CLOUD_PROJECT"])
    return Deps(
        settings=config.load(),
        outside=Outside(reports=BigQueryReports(warehouse), metrics=metrics.connect(NAME)),
        park=Parking(warehouse, NAME, lambda: datetime.now(UTC)),
    )


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a tick."""
    read = functools.partial(events.tick, cron=config.schedule(deps.settings, NAME))
    handle = functools.partial(roll_up, outside=deps.outside)
    return answer(request, function=NAME, read=read, handle=handle, park=deps.park, metrics=deps.outside.metrics)
