"""Runs the rollups of the business that are due at a tick, and publishes their metrics."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, events, logs, metrics
from functions.adapters.endpoint import Park, answer
from functions.adapters.ledger import Ledger
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.bi_rollup import incidents
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.rollup import NAME, Outside, roll_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs."""

    outside: Outside
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    store, warehouse = open_store(os.environ["AIA_STORE"], project), open_warehouse(project)
    settings = config.load()
    outside = Outside(
        settings=settings,
        tables=BigQueryTables(warehouse, settings.business),
        incidents=functools.partial(incidents.read, store),
        store=store,
        metrics=metrics.connect(NAME),
        ledger=Ledger(store, _now, NAME),
    )
    return Deps(outside=outside, park=Parking(warehouse, NAME, _now))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a tick."""
    outside = deps.outside
    read = functools.partial(events.tick, cron=config.schedule(outside.settings, NAME))
    handle = functools.partial(roll_up, outside=outside, jobs=ROLLUPS)
    return answer(request, function=NAME, read=read, handle=handle, park=deps.park, metrics=outside.metrics)


def _now() -> datetime:
    return datetime.now(UTC)
