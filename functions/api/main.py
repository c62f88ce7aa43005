"""The API and the page it serves: incidents and what can be done about them, models with their drift, probes, dashboards.

Behind IAM on Google Cloud. Reading changes nothing. What people tell it to do is published as a command, which the
functions that keep incidents and run actions carry out. Every answer is JSON but the page, its parts, reports and runbooks.
"""

from datetime import UTC, datetime
from functools import partial

from functions.adapters import prometheus
from functions.api import experience
from functions.api.actions import Actions
from functions.api.backfills import Backfills
from functions.api.bus import opener
from functions.api.commands import Commands
from functions.api.dashboards import Dashboards, load
from functions.api.due import Start
from functions.api.experience import Experience
from functions.api.incidents import Incidents
from functions.api.model_settings import ModelSettings
from functions.api.pipelines import Pipelines
from functions.api.routes import Deps, answer
from functions.api.views import Views
from functions.runtime.endpoint import Answer, serve
from functions.runtime.ports import Ports, once

PATIENCE = 10.0
"""Seconds that a person waits for the bus before being told that it does not answer."""
_STARTED = datetime.now(UTC)


def build(ports: Ports) -> Answer:
    """What answers requests; files are served whatever the settings, so the rest is made when it is first needed."""
    return partial(answer, deps=once(partial(_deps, ports)))


def _deps(ports: Ports) -> Deps:
    settings, store, warehouse, clock = ports.settings, ports.store, ports.warehouse, ports.clock
    backfills = Backfills(store=store, clock=clock)
    start = Start(at=_STARTED, clock=clock, coming=lambda: backfills.coming)
    actions = Actions(store=store, warehouse=warehouse, automation=settings.automation, clock=clock, start=start)
    incidents = Incidents(store=store, actions=actions, clock=clock)
    return Deps(
        views=Views(settings=settings, known=ports.models.all, store=store, warehouse=warehouse, start=start),
        model_settings=ModelSettings(ports.models),
        incidents=incidents,
        actions=actions,
        commands=Commands(incidents=incidents, actions=actions, bus=opener(ports.project, PATIENCE), clock=clock),
        dashboards=Dashboards(
            all=load(),
            prometheus=prometheus.connect(ports.project),
            models=ports.models.all,
            clock=clock,
            started=_STARTED,
        ),
        pipelines=Pipelines(store=store, clock=clock),
        experience=Experience(bus=opener(ports.project, experience.PATIENCE), clock=clock),
        backfills=backfills,
        start=start,
    )


main = serve("api", build)
