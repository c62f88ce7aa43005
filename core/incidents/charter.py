"""What decisions go by: the settings, as they are asked for while deciding."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.incidents.graph import Graph
from core.settings.people import People
from core.settings.response import ImpactPolicy, Maintenance, Playbook, Policy, Revenue, Rule
from core.settings.types import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """What decisions go by.

    Attributes:
        policy: how findings become incidents.
        graph: what needs what.
        rules: what class they are of.
        impact: what a fault puts at risk.
        revenue: what targets earn, by target.
        people: who is told of what.
        maintenance: when nobody is told.
        playbooks: what is done by itself.
        url: the address of the pages, to link an incident.
        runbooks: the address of the runbooks, or empty where they are only named.
    """

    policy: Policy = field(default_factory=Policy)
    graph: Graph = field(default_factory=Graph)
    rules: tuple[Rule, ...] = ()
    impact: ImpactPolicy = field(default_factory=ImpactPolicy)
    revenue: Mapping[str, Revenue] = field(default_factory=dict)
    people: People = field(default_factory=People)
    maintenance: tuple[Maintenance, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    url: str = ""
    runbooks: str = ""


def charter(settings: Settings, url: str, runbooks: str = "") -> Charter:
    """The charter that the settings give, with the addresses of the pages and of the runbooks."""
    return Charter(
        policy=settings.incidents,
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
