"""monitoring.yaml as a whole: `parse`, which reads every section; the larger sections have files of their own."""

from types import MappingProxyType

from core.errors import SettingsError
from core.settings.business import Business
from core.settings.business_section import read_business
from core.settings.channels import read_channels
from core.settings.incident_section import read_impact, read_maintenance, read_policy, read_revenue, read_rule
from core.settings.model_section import read_model
from core.settings.people_section import read_people
from core.settings.playbook_section import read_automation, read_playbooks, read_resources
from core.settings.probe_section import read_probe
from core.settings.reader import Node, Reader, Section, list_of, mapping_of, section
from core.settings.response import Automation, ImpactPolicy, Policy
from core.settings.scalars import job, number, schedule, target, whole
from core.settings.types import Dependency, Settings

VERSION = 1


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
    settings = Node(reader, "", raw).read(section(_settings))
    reader.resolve()
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return settings


def _settings(top: Section) -> Settings:
    top.required("version", whole(VERSION, VERSION))
    resources = read_resources(top)
    return Settings(
        jobs=MappingProxyType(top.required("jobs", mapping_of(job, schedule)) or {}),
        models=top.optional("models", list_of(section(read_model)), ()),
        probes=top.optional("probes", list_of(section(read_probe)), ()),
        dependencies=top.optional("dependencies", list_of(section(_dependency)), ()),
        revenue=MappingProxyType(top.optional("revenue", mapping_of(target, section(read_revenue)), {}) or {}),
        channels=top.optional("channels", read_channels, ()),
        people=read_people(top),
        incidents=top.optional("incidents", section(read_policy), Policy()),
        rules=top.optional("rules", list_of(section(read_rule)), ()),
        impact=top.optional("impact", section(read_impact), ImpactPolicy()),
        maintenance=top.optional("maintenance", list_of(section(read_maintenance)), ()),
        playbooks=read_playbooks(top, resources),
        automation=top.optional("automation", section(read_automation), Automation()),
        resources=resources,
        business=top.optional("business", section(read_business), Business()),
    )


def _dependency(top: Section) -> Dependency:
    dependency = Dependency(
        target=top.required("from", target),
        needs=top.required("to", target),
        share=top.optional("share", number(0, 1), 1.0),
    )
    if top.sound and dependency.target == dependency.needs:
        top.fault("to", "must be another target than from", dependency.needs)
    return dependency
