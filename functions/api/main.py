"""The API and the page it serves: incidents and what can be done about them, models with their drift, probes, dashboards.

Behind IAM on Google Cloud. Reading changes nothing. What people tell it to do is published as a command, which the
functions that keep incidents and run actions carry out. Every answer is JSON but the page, its parts, reports and runbooks.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, logs, prometheus
from functions.adapters.once import once
from functions.adapters.ports import RowBus
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.api import experience
from functions.api.actions import Actions
from functions.api.backfills import Backfills
from functions.api.commands import Commands
from functions.api.dashboards import Dashboards, load
from functions.api.due import Start
from functions.api.experience import Experience
from functions.api.incidents import Incidents
from functions.api.pipelines import Pipelines
from functions.api.routes import Deps, answer
from functions.api.views import Views

PATIENCE = 10.0
"""Seconds that a person waits for the bus before being told that it does not answer."""
_STARTED = datetime.now(UTC)


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project, settings = os.environ["GOOGLE_CLOUD_PROJECT"], config.load()
    store, warehouse = open_store(os.environ["AIA_STORE"], project), open_warehouse(project)
    backfills = Backfills(store=store, clock=_now)
    start = Start(at=_STARTED, clock=_now, coming=lambda: backfills.coming)
    actions = Actions(store=store, warehouse=warehouse, automation=settings.automation, clock=_now, start=start)
    incidents = Incidents(store=store, actions=actions, clock=_now)
    return Deps(
        views=Views(settings=settings, store=store, warehouse=warehouse, start=start),
        incidents=incidents,
        actions=actions,
        commands=Commands(incidents=incidents, actions=actions, bus=opener(project, PATIENCE), clock=_now),
        dashboards=Dashboards(
            all=load(),
            prometheus=prometheus.connect(project),
            models=[model.name for model in settings.models],
            clock=_now,
            started=_STARTED,
        ),
        pipelines=Pipelines(store=store, clock=_now),
        experience=Experience(bus=opener(project, experience.PATIENCE), clock=_now),
        backfills=backfills,
        start=start,
    )


@functions_framework.http
def main(request: flask.Request) -> flask.Response:
    """Answer one request."""
    return answer(request, deps)


def opener(project: str, patience: float) -> Callable[[], RowBus]:
    """What opens the bus when it is first needed, and gives the open one from then on."""

    @once
    def opened() -> RowBus:
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - what only reads starts without it

        return open_bus(project, patience=patience)

    return opened


def _now() -> datetime:
    return datetime.now(UTC)
