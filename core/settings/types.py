"""The settings as a whole: what monitoring.yaml may say, and `parse`, which reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from core.errors import Fault, SettingsError
from core.settings.access import Access
from core.settings.alert_intake import AlertIntakeSettings
from core.settings.alert_rules import AlertRuleSettings
from core.settings.alert_senders import AlertSender
from core.settings.build import read
from core.settings.business import Business
from core.settings.capacity import CapacitySettings
from core.settings.channels import AnyChannel, clashes
from core.settings.command_intake import Account, CommandIntake, shared
from core.settings.declare import Faults, spec_of, validator
from core.settings.experience import ExperienceSettings
from core.settings.kinds import Job, Schedule, Share, Target
from core.settings.models import Model
from core.settings.notes import Key, Mark, Pattern, Range
from core.settings.opentelemetry import OpenTelemetry
from core.settings.partners import Partner
from core.settings.people import People
from core.settings.pipelines import PipelineSettings
from core.settings.probes import Probe
from core.settings.reader import Node, Reader
from core.settings.registry import Registry
from core.settings.reports import WITHOUT_REPORTS, ReportSchedule
from core.settings.response import (
    Automation,
    ImpactPolicy,
    Maintenance,
    Playbook,
    Policy,
    Resource,
    Revenue,
    Rule,
    lacks,
)
from core.settings.security import SecuritySettings
from core.settings.surveys import Surveys
from core.settings.upkeep import Upkeep
from core.settings.warehouse import WarehouseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One target needs another: a fault of `needs` explains a fault of `target`."""

    target: Annotated[Target, Key("from")]
    """The dependent target."""
    needs: Annotated[Target, Key("to")]
    """The target that it depends on."""
    share: Share = 1.0
    """Share of the dependent target's revenue at risk while the other is down."""


@validator(Dependency, "target", "needs")
def _nothing_needs_itself(dependency: Dependency) -> Faults:
    if dependency.target == dependency.needs:
        yield Fault("to", "must be another target than from", dependency.needs)


_Name = Annotated[str, Pattern(r"\S(?:[^\x00-\x1f\x7f]{0,78}\S)?", "must be a name of at most 80 characters")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of monitoring.yaml."""

    version: Annotated[int, Range(1, 1), Mark.REQUIRED] = 1
    """Version of the settings format."""
    jobs: Mapping[Job, Schedule]
    """Cron expression (UTC) of each job, by its name."""
    models: tuple[Model, ...] = ()
    """The models, by unique names."""
    probes: tuple[Probe, ...] = ()
    """The probes, by unique names."""
    partners: tuple[Partner, ...] = ()
    """The partners, by unique names."""
    pipelines: PipelineSettings = field(default_factory=PipelineSettings)
    """Pipelines that must report, and when it is a finding that nothing is known of one."""
    alert_rules: AlertRuleSettings = field(default_factory=AlertRuleSettings)
    """Alert rules whose metric is absent."""
    security: SecuritySettings = field(default_factory=SecuritySettings)
    """Detections over the audit log."""
    capacity: CapacitySettings = field(default_factory=CapacitySettings)
    """Limits that are forecast, and metrics that are watched for anomalies."""
    dependencies: tuple[Dependency, ...] = ()
    """Dependencies between targets."""
    revenue: Mapping[Target, Revenue] = field(default_factory=dict)
    """Revenue by target."""
    channels: Annotated[tuple[Annotated[AnyChannel, Mark.SECRET], ...], Mark.SECRET] = ()
    """The channels, by unique names."""
    people: Annotated[People, Mark.INLINE] = field(default_factory=People)
    alert_senders: tuple[AlertSender, ...] = ()
    """Systems whose alerts are read by a mapping, in the order in which they are tried."""
    alert_intake: AlertIntakeSettings = field(default_factory=AlertIntakeSettings)
    """How alerts of other systems are read, whatever their format."""
    accounts: Mapping[_Name, Account] = field(default_factory=dict)
    """Who people are in Slack, in PagerDuty and by mail, by their names."""
    command_intake: CommandIntake = field(default_factory=CommandIntake)
    """From where people may answer besides the page."""
    incidents: Policy = field(default_factory=Policy)
    """How findings become incidents."""
    rules: tuple[Rule, ...] = ()
    """Rules for the category of findings; the first match applies, before those of `core.incidents.policy`."""
    impact: ImpactPolicy = field(default_factory=ImpactPolicy)
    """Estimation of the revenue at risk."""
    maintenance: tuple[Maintenance, ...] = ()
    """Maintenance windows."""
    resources: Mapping[Target, Resource] = field(default_factory=dict)
    """Cloud resources by target."""
    playbooks: tuple[Playbook, ...] = ()
    """Automated actions; all matching playbooks apply."""
    automation: Automation = field(default_factory=Automation)
    """Guard rails of automated actions."""
    business: Business = field(default_factory=Business)
    """Sources of business metrics."""
    registry: Registry | None = None
    """Where versions of models are registered; without it, only in `ops.model_versions`."""
    opentelemetry: OpenTelemetry = field(default_factory=OpenTelemetry)
    """What is stored of the telemetry of applications, and how many series it becomes."""
    warehouse: WarehouseSettings = field(default_factory=WarehouseSettings)
    """How much a statement in BigQuery may read."""
    experience: ExperienceSettings = field(default_factory=ExperienceSettings)
    """Whose pages report how people experience them."""
    access: Access | None = None
    """Roles of people over the API; without it everybody who is signed in may do everything."""
    surveys: Surveys | None = None
    """Answers of people to surveys; without it they are not measured."""
    upkeep: Upkeep = field(default_factory=Upkeep)
    """Backups and clean-up."""
    reports: tuple[ReportSchedule, ...] = ()
    """Weekly reports to channels; without any, reports are made when somebody asks for one."""


@validator(Settings)
def _no_two_channels_lead_to_one_place(settings: Settings) -> Faults:
    for fault in clashes(settings.channels or ()):
        yield replace(fault, path=f"channels{fault.path}")


@validator(Settings, "accounts")
def _no_two_people_have_one_account(settings: Settings) -> Faults:
    for fault in shared(settings.accounts):
        yield replace(fault, path=f"accounts.{fault.path}")


@validator(Settings, "accounts", "command_intake")
def _who_answers_is_somebody(settings: Settings) -> Faults:
    if settings.command_intake != CommandIntake() and not settings.accounts:
        yield Fault("accounts", "must be given where command_intake is")


@validator(Settings, "channels", "reports")
def _reports_go_to_channels_that_take_them(settings: Settings) -> Faults:
    kinds = {channel.name: channel.kind for channel in settings.channels or () if channel}
    for index, schedule in enumerate(settings.reports or ()):
        for place, name in enumerate(schedule.to if schedule else ()):
            if kinds.get(name) in WITHOUT_REPORTS:
                yield Fault(
                    f"reports[{index}].to[{place}]", f"must be a channel that takes reports, not {kinds[name]}", name
                )


@validator(Settings, "reports")
def _no_channel_gets_a_report_twice(settings: Settings) -> Faults:
    known: set[tuple[str, str]] = set()
    for index, schedule in enumerate(settings.reports or ()):
        for place, name in enumerate(schedule.to if schedule else ()):
            if (schedule.report, name) in known:
                yield Fault(f"reports[{index}].to[{place}]", f"must get the report {schedule.report} once", name)
            known.add((schedule.report, name))


@validator(Settings, "resources")
def _actions_have_what_they_act_on(settings: Settings) -> Faults:
    for index, playbook in enumerate(settings.playbooks or ()):
        for place, deed in enumerate(playbook.do if playbook else ()):
            lacking = deed.target and lacks(deed, settings.resources.get(deed.target, Resource()))
            if lacking:
                yield Fault(f"playbooks[{index}].do[{place}].target", lacking, deed.target)


def parse(raw: object) -> Settings:
    """Read the settings.

    Args:
        raw: what the YAML says: mappings, lists and single values.

    Returns:
        The settings, all of them checked.

    Raises:
        SettingsError: with every fault, each with its path, what is allowed and what was given.

    >>> parse({"version": 1, "jobs": {"drift_score": "*/15 * * * *"}}).jobs["drift_score"]
    '*/15 * * * *'
    >>> parse({"version": 1, "jobs": {"drift_score": "hourly"}, "model": []})
    Traceback (most recent call last):
    core.errors.SettingsError: jobs.drift_score: must be a cron expression: must have five fields: minute, hour, day of month, month, day of week, got 'hourly'
    model: must be a known key (perhaps 'models'), got 'model'
    """
    reader = Reader()
    settings: Settings = Node(reader, "", raw).read(read, spec_of(Settings))
    reader.resolve()
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return settings


def parse_model(raw: object) -> Model:
    """Read the settings of one model.

    Args:
        raw: the keys of a model in `models`.

    Raises:
        SettingsError: with every fault, each with its path within the model.

    >>> parse_model({"name": "churn"})
    Traceback (most recent call last):
    core.errors.SettingsError: owner: must be given, got None
    table: must be given, got None
    timestamp: must be given, got None
    id: must be given, got None
    reference: must be given, got None
    window: must be given, got None
    score: must be given, got None
    features: must be given, got None
    """
    reader = Reader()
    model: Model = Node(reader, "", raw).read(read, spec_of(Model))
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return model
