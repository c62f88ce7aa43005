"""The services behind the routes, and their composition from what they read and publish to."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Protocol

from core.incidents.policy import incident_policy
from core.live.changes import Topic
from core.settings import Settings
from functions.adapters.ports import Clock, Data, RowBus, Store, Warehouse
from functions.adapters.prometheus import Prometheus
from functions.api.actions import Actions
from functions.api.answers import Answers
from functions.api.business import Business
from functions.api.capacity import Capacity
from functions.api.channels import Channels
from functions.api.commands import Commands
from functions.api.compliance import Compliance
from functions.api.coverage import Coverage
from functions.api.dashboards import Dashboards
from functions.api.dependencies import Dependencies
from functions.api.events import Events
from functions.api.experience import OWN, Experience
from functions.api.explanations import Explanations
from functions.api.findings import Findings
from functions.api.forecasts import Forecasts
from functions.api.freshness import Backfills, Start
from functions.api.incident_search import IncidentSearch
from functions.api.incidents import Incidents
from functions.api.known_models import KnownModels
from functions.api.layout import Dashboard
from functions.api.maintenance import Maintenance
from functions.api.model_page import ModelPage
from functions.api.model_settings import ModelSettings
from functions.api.on_call import on_call_now
from functions.api.once import Once
from functions.api.pipelines import Pipelines
from functions.api.probe_history import ProbeHistory
from functions.api.promotions import Promotions
from functions.api.recommendations import Recommendations
from functions.api.replays import Replays
from functions.api.reports import Reports
from functions.api.retraining import Trainings
from functions.api.rules import Rules
from functions.api.signals import Signals
from functions.api.silences import Silences, settings_targets
from functions.api.survey import Survey
from functions.api.tokens import Tokens
from functions.api.training_outcomes import TrainingOutcomes
from functions.api.versions import Versions
from functions.api.views import Views
from functions.services.models import Models
from functions.services.reports.archive import Archive
from functions.services.reports.read import Reader
from functions.services.reports.service import ReportMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the services read and publish to.

    Attributes:
        settings: of the deployment.
        models: those of the settings and of the table.
        store: has incidents, actions and what else is current.
        warehouse: has the history.
        prometheus: has the metrics.
        dashboards: by name.
        bus: opens the bus of commands at its first use.
        report_bus: opens that of browser reports, which wait for it less long.
        project: whose console weekly reports link to; empty where there is none.
        clock: now.
        started: when this instance did.
    """

    settings: Settings
    models: Models
    store: Store
    warehouse: Warehouse
    prometheus: Prometheus
    dashboards: dict[str, Dashboard]
    bus: Callable[[], RowBus]
    report_bus: Callable[[], RowBus]
    project: str
    clock: Clock
    started: datetime


class Forgetful(Protocol):
    """Caches answers for longer than those who watch changes may wait."""

    def forget(self) -> None:
        """Ask anew."""


@dataclass(frozen=True, kw_only=True)
class OfModels:
    """Models, their settings, versions, trainings and promotions."""

    views: Views
    model_settings: ModelSettings
    model_page: ModelPage
    trainings: Trainings
    training_outcomes: TrainingOutcomes
    versions: Versions
    promotions: Promotions


@dataclass(frozen=True, kw_only=True)
class OfIncidents:
    """Incidents, and what people and playbooks answer."""

    incidents: Incidents
    incident_search: IncidentSearch
    explanations: Explanations
    events: Events
    replays: Replays
    actions: Actions
    channels: Channels
    silences: Silences
    commands: Commands
    on_call: Callable[[], list[Data]]


@dataclass(frozen=True, kw_only=True)
class OfBusiness:
    """The business, its reports, and what people say of it."""

    business: Business
    forecasts: Forecasts
    reports: Reports
    recommendations: Recommendations
    experience: Experience
    answers: Answers
    survey: Survey


@dataclass(frozen=True, kw_only=True)
class OfSystem:
    """What is measured, and the system itself."""

    dashboards: Dashboards
    pipelines: Pipelines
    probe_history: ProbeHistory
    rules: Rules
    coverage: Coverage
    signals: Signals
    findings: Findings
    dependencies: Dependencies
    maintenance: Maintenance
    compliance: Compliance
    capacity: Capacity
    backfills: Backfills
    start: Start
    once: Once
    tokens: Tokens
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Services(OfModels, OfIncidents, OfBusiness, OfSystem):
    """The services behind the routes."""

    def forget(self, topics: frozenset[str]) -> None:
        """Answers that were cached for long are old where something of a topic has changed."""
        told: dict[str, tuple[Forgetful, ...]] = {
            Topic.MODELS: (self.views, self.model_page, self.training_outcomes),
            Topic.VERDICTS: (self.views, self.model_page),
            Topic.PROMOTIONS: (self.views, self.model_page, self.training_outcomes),
            Topic.PIPELINES: (self.training_outcomes,),
            Topic.MAINTENANCE: (self.maintenance,),
        }
        for one in {id(one): one for topic in topics for one in told.get(topic, ())}.values():
            one.forget()


def compose(given: Sources) -> Services:
    """The services, each with what it needs of the sources."""
    system = _of_system(given)
    actions = Actions(
        store=given.store,
        warehouse=given.warehouse,
        automation=given.settings.automation,
        clock=given.clock,
        start=system.start,
    )
    known = KnownModels(models=given.models.all, given={model.name: model for model in given.settings.models})
    outcomes = TrainingOutcomes(
        store=given.store, warehouse=given.warehouse, models=given.models.all, known=known, clock=given.clock
    )
    incidents = Incidents(store=given.store, actions=actions, trainings=outcomes, clock=given.clock)
    business = _of_business(given)
    parts = (
        system,
        business,
        _of_incidents(given, incidents, known, business.reports),
        _of_models(given, incidents, system.start),
    )
    return Services(**{one.name: getattr(part, one.name) for part in parts for one in fields(part)})


def _of_models(given: Sources, incidents: Incidents, start: Start) -> OfModels:
    store, warehouse, clock, models = given.store, given.warehouse, given.clock, given.models.all
    views = Views(settings=given.settings, monitored=given.models, store=store, warehouse=warehouse, start=start)
    return OfModels(
        views=views,
        model_settings=ModelSettings(given.models),
        model_page=ModelPage(views, incidents, warehouse, clock),
        trainings=Trainings(given.models, warehouse, given.bus, clock),
        training_outcomes=incidents.trainings,
        versions=Versions(warehouse, lambda: [*models()], clock),
        promotions=Promotions(store=store, warehouse=warehouse, models=models, bus=given.bus, clock=clock),
    )


def _of_incidents(given: Sources, incidents: Incidents, known: KnownModels, reports: Reports) -> OfIncidents:
    settings, store, warehouse, clock = given.settings, given.store, given.warehouse, given.clock
    commands = Commands(
        incidents=incidents,
        actions=incidents.actions,
        channels=Channels(settings.channels, store, clock),
        silences=_silences(given, incidents, known),
        reports=reports,
        bus=given.bus,
        clock=clock,
    )
    policy = incident_policy(settings, "")
    return OfIncidents(
        incidents=incidents,
        incident_search=IncidentSearch(incidents=incidents, store=store, warehouse=warehouse, clock=clock),
        explanations=Explanations(incidents=incidents, warehouse=warehouse, policy=policy, clock=clock),
        events=Events(warehouse=warehouse, clock=clock),
        replays=Replays(warehouse=warehouse, store=store, clock=clock),
        actions=incidents.actions,
        channels=commands.channels,
        silences=commands.silences,
        commands=commands,
        on_call=partial(on_call_now, settings.people.rotations, clock),
    )


def _of_business(given: Sources) -> OfBusiness:
    known = frozenset({OWN, *given.settings.experience.services})
    answers = Answers(bus=given.bus, clock=given.clock)
    return OfBusiness(
        business=Business(given.warehouse, given.clock),
        forecasts=Forecasts(given.warehouse, given.settings, given.clock),
        reports=_reports(given),
        recommendations=Recommendations(given.warehouse, given.clock),
        experience=Experience(services=known, bus=given.report_bus, clock=given.clock),
        answers=answers,
        survey=_survey(given, answers),
    )


def _of_system(given: Sources) -> OfSystem:
    settings, store, warehouse, clock = given.settings, given.store, given.warehouse, given.clock
    backfills = Backfills(store=store, clock=clock)
    start = Start(at=given.started, clock=clock, loading=lambda: backfills.loading)
    coverage = _coverage(given, start)
    return OfSystem(
        dashboards=_dashboards(given),
        pipelines=Pipelines(store=store, expected=settings.pipelines.expected, clock=clock),
        probe_history=ProbeHistory(prometheus=given.prometheus, clock=clock),
        rules=Rules(store=store, clock=clock, settings=settings),
        coverage=coverage,
        signals=Signals(coverage, given.prometheus, clock),
        findings=Findings(store, warehouse, clock),
        dependencies=Dependencies(
            warehouse=warehouse, known=settings.dependencies, models=given.models.all, clock=clock
        ),
        maintenance=Maintenance(store=store, warehouse=warehouse, bus=given.bus, clock=clock),
        compliance=Compliance(store=store, settings=settings.security, clock=clock),
        capacity=Capacity(store),
        backfills=backfills,
        start=start,
        once=Once(store, clock),
        tokens=Tokens(store, clock),
        settings=settings,
    )


def _dashboards(given: Sources) -> Dashboards:
    prometheus, models = given.prometheus, given.models.all
    return Dashboards(
        all=given.dashboards, prometheus=prometheus, models=models, clock=given.clock, started=given.started
    )


def _coverage(given: Sources, start: Start) -> Coverage:
    dashboards, prometheus, settings = given.dashboards, given.prometheus, given.settings
    return Coverage(dashboards=dashboards, prometheus=prometheus, settings=settings, clock=given.clock, start=start)


def _silences(given: Sources, incidents: Incidents, known: KnownModels) -> Silences:
    def targets() -> frozenset[str]:
        return settings_targets(given.settings, known()) | incidents.targets()

    return Silences(store=given.store, targets=targets, clock=given.clock)


def _survey(given: Sources, answers: Answers) -> Survey:
    surveys = given.settings.surveys
    return Survey(secret=surveys.secret if surveys else None, publish=answers.publish, clock=given.clock)


def _reports(given: Sources) -> Reports:
    reader = Reader(warehouse=given.warehouse, store=given.store, clock=given.clock)
    return Reports(
        maker=ReportMaker(settings=given.settings, models=given.models.all, reader=reader, clock=given.clock),
        archive=Archive(given.store),
        project=given.project,
    )
