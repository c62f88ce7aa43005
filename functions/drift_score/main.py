"""Scores every model at a tick: how far its inputs have moved, and how right it was by the labels that have arrived."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from core.settings import Settings
from functions.adapters import config, events, logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import Park, answer
from functions.adapters.ledger import Ledger
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import NAME, Outside, score_models


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
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    store, warehouse = open_store(os.environ["AIA_STORE"], project), open_warehouse(project)
    predictions = BigQueryPredictions(warehouse)
    outside = Outside(
        predictions=predictions,
        results=BigQueryResults(warehouse),
        store=store,
        bus=open_bus(project),
        metrics=metrics.connect(NAME),
        ledger=Ledger(store, _now, NAME),
        profiles=Profiles(store, predictions),
    )
    return Deps(settings=config.load(), outside=outside, park=Parking(warehouse, NAME, _now))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a tick."""
    read = functools.partial(events.tick, cron=config.schedule(deps.settings, NAME))
    handle = functools.partial(score_models, models=deps.settings.models, outside=deps.outside)
    return answer(request, function=NAME, read=read, handle=handle, park=deps.park, metrics=deps.outside.metrics)


def _now() -> datetime:
    return datetime.now(UTC)
