"""Incident policy: the settings that decisions about incidents follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.incidents.graph import Graph
from core.settings.people import People
from core.settings.response import ImpactPolicy, Maintenance, Playbook, Policy, Revenue, Rule
from core.settings.types import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPolicy:
    """The settings that decisions about incidents follow.

    Attributes:
        timing: how findings become incidents.
        graph: the dependencies between targets.
        rules: the classification rules.
        impact: the share of revenue at risk.
        revenue: the revenue of targets, by target.
        people: routes, stakeholders and rotations.
        maintenance: the maintenance windows.
        playbooks: the automated actions.
        url: the address of the pages, to link an incident.
        runbooks: the address of the runbooks, or empty where they are only named.
    """

    timing: Policy = field(default_factory=Policy)
    graph: Graph = field(default_factory=Graph)
    rules: tuple[Rule, ...] = ()
    impact: ImpactPolicy = field(default_factory=ImpactPolicy)
    revenue: Mapping[str, Revenue] = field(default_factory=dict)
    people: People = field(default_factory=People)
    maintenance: tuple[Maintenance, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    url: str = ""
    runbooks: str = ""


def incident_policy(settings: Settings, url: str, runbooks: str = "") -> IncidentPolicy:
    """The policy of the settings, with the addresses of the pages and of the runbooks."""
    return IncidentPolicy(
        timing=settings.incidents,
        graph=Graph(settings.dependencies),
        rules=settings.rules,
        impact=settings.impact,
        revenue=settings.revenue,
        people=settings.people,
        maintenance=settings.maintenance,
        playbooks=settings.playbooks,
        url=url,
        runbooks=runbooks,
    )
