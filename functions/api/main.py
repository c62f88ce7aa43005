"""The API and the page: incidents and commands about them, models with their drift, probes, dashboards.

On Google Cloud it is behind IAM. Reading changes nothing. Commands of people are published, and the
functions that own incidents and actions execute them. Every response is JSON, except the page, its files, reports and
runbooks.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from core.access import role_of
from functions.adapters.ports import RowBus
from functions.api import experience
from functions.api.actions import Actions
from functions.api.answers import Answers
from functions.api.capacity import Capacity
from functions.api.channels import Channels
from functions.api.commands import Commands
from functions.api.compliance import Compliance
from functions.api.coverage import Coverage
from functions.api.dashboards import Dashboards, load
from functions.api.dependencies import Dependencies
from functions.api.deployment import is_local
from functions.api.experience import Experience
from functions.api.freshness import Backfills, Start
from functions.api.incidents import Incidents
from functions.api.maintenance import Maintenance
from functions.api.model_page import ModelPage
from functions.api.model_settings import ModelSettings
from functions.api.on_call import on_call_now
from functions.api.pipelines import Pipelines
from functions.api.promotions import Promotions
from functions.api.recommendations import Recommendations
from functions.api.reports import Reports
from functions.api.retraining import Trainings
from functions.api.routes import Services, answer
from functions.api.rules import Rules
from functions.api.dashboards import load
from functions.api.routes import answer
from functions.api.services import Services, Sources, compose
from functions.api.session import open_session
from functions.runtime.endpoint import Answer, serve
from functions.runtime.iap import Iap, open_iap
from functions.runtime.ports import Ports, once

PATIENCE = 10.0
"""Seconds that a command waits for the bus before it fails."""
LARGEST = 2_000_000
"""Bytes of a body: answers to a survey are the largest, and each command is bounded closer."""
_STARTED = datetime.now(UTC)


def build(ports: Ports, iap: Iap | None = None) -> Answer:
    """Handles requests; files are served even with invalid settings, so the services are created at their first use.

    Args:
        ports: of the function.
        iap: Identity-Aware Proxy before it; that of the environment where none is given.
    """
    services = once(partial(_services, ports))
    if iap := iap or open_iap(os.environ):
        return partial(
            answer,
            services=services,
            identify=iap.person,
            role_of=lambda person: role_of(person, ports.settings.access),
        )
    session = open_session(os.environ)
    return partial(answer, services=services, identify=session.person if session else None)


def _services(ports: Ports) -> Services:
    settings, store, warehouse, clock = ports.settings, ports.store, ports.warehouse, ports.clock
    backfills = Backfills(store=store, clock=clock)
    start = Start(at=_STARTED, clock=clock, loading=lambda: backfills.loading)
    actions = Actions(store=store, warehouse=warehouse, automation=settings.automation, clock=clock, start=start)
    outcomes = TrainingOutcomes(store=store, warehouse=warehouse, models=ports.models.all, clock=clock)
    incidents = Incidents(store=store, actions=actions, trainings=outcomes, clock=clock)
    channels = Channels(settings.channels, store, clock)
    silences = _silences(ports, incidents)
    reports = _reports(ports)
    bus = open_once(ports.project, PATIENCE)
    answers = Answers(bus=bus, clock=clock)
    views = Views(settings=settings, monitored=ports.models, store=store, warehouse=warehouse, start=start)
    return Services(
        views=views,
        model_settings=ModelSettings(ports.models),
        trainings=Trainings(ports.models, warehouse, bus, clock),
        training_outcomes=outcomes,
        model_page=ModelPage(views, incidents, warehouse, clock),
        incidents=incidents,
        actions=actions,
        channels=channels,
        silences=silences,
        commands=Commands(
            incidents=incidents,
            actions=actions,
            channels=channels,
            silences=silences,
            reports=reports,
            bus=bus,
            clock=clock,
        ),
        reports=reports,
        dashboards=_dashboards(ports),
        pipelines=Pipelines(store=store, expected=settings.pipelines.expected, clock=clock),
        rules=Rules(store=store, clock=clock),
        coverage=_coverage(ports),
        on_call=partial(on_call_now, settings.people.rotations, clock),
        recommendations=Recommendations(warehouse, clock),
        dependencies=_dependencies(ports),
        experience=Experience(bus=open_once(ports.project, experience.PATIENCE), clock=clock),
        answers=answers,
        survey=_survey(ports, answers),
        versions=Versions(warehouse, lambda: [*ports.models.all()], clock),
        promotions=Promotions(store=store, warehouse=warehouse, models=ports.models.all, bus=bus, clock=clock),
        maintenance=Maintenance(store=store, warehouse=warehouse, bus=bus, clock=clock),
        compliance=Compliance(store=store, settings=settings.security, clock=clock),
        capacity=Capacity(store),
        backfills=backfills,
        start=start,
    )


def _dashboards(ports: Ports) -> Dashboards:
    prometheus, models = ports.prometheus, ports.models.all
    return Dashboards(all=load(), prometheus=prometheus, models=models, clock=ports.clock, started=_STARTED)


def _coverage(ports: Ports) -> Coverage:
    probes = {probe.name: probe.kind for probe in ports.settings.probes}
    return Coverage(dashboards=load(), prometheus=ports.prometheus, probes=probes, clock=ports.clock)


def _silences(ports: Ports, incidents: Incidents) -> Silences:
    def targets() -> frozenset[str]:
        return settings_targets(ports.settings, ports.models.all()) | incidents.targets()

    return Silences(store=ports.store, targets=targets, clock=ports.clock)


def _dependencies(ports: Ports) -> Dependencies:
    known, models = ports.settings.dependencies, ports.models.all
    return Dependencies(warehouse=ports.warehouse, known=known, models=models, clock=ports.clock)


def _survey(ports: Ports, answers: Answers) -> Survey:
    surveys = ports.settings.surveys
    return Survey(secret=surveys.secret if surveys else None, publish=answers.publish, clock=ports.clock)


def _reports(ports: Ports) -> Reports:
    reader = Reader(warehouse=ports.warehouse, store=ports.store, clock=ports.clock)
    return Reports(
        maker=ReportMaker(settings=ports.settings, models=ports.models.all, reader=reader, clock=ports.clock),
        archive=Archive(ports.store),
        project="" if is_local() else ports.project,
    return compose(
        Sources(
            settings=ports.settings,
            models=ports.models,
            store=ports.store,
            warehouse=ports.warehouse,
            prometheus=ports.prometheus,
            dashboards=load(),
            bus=open_once(ports.project, PATIENCE),
            report_bus=open_once(ports.project, experience.PATIENCE),
            project="" if os.environ.get("BIGQUERY_EMULATOR_HOST") else ports.project,
            clock=ports.clock,
            started=_STARTED,
        )
    )


def open_once(project: str, patience: float) -> Callable[[], RowBus]:
    """Opens the bus at its first use: most requests only read, and importing Pub/Sub's client takes half a second."""

    @once
    def bus() -> RowBus:
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - see above

        return open_bus(project, patience=patience)

    return bus


main = serve("api", build, largest=LARGEST)
