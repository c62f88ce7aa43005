"""Incident policy: the dependency graph of the targets, the classification of findings, and the settings that decisions follow.

A finding is classified by the rules of the settings first, then by the words of its kind, then by the type of its target.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache

from core.events import Severity
from core.incidents.measured import KnownOrders, UsualRevenue, measured_revenue
from core.patterns import matches
from core.settings.business import RevenueOf
from core.settings.people import Category, People
from core.settings.response import ImpactPolicy, Maintenance, Playbook, Policy, Revenue, Rule
from core.settings.types import Dependency, Settings
from core.text import clean

PART_KIND = "part:"
"""Beginning of the kinds of findings by which a merged incident reports to the other one; its id follows."""
GROUP_LIMIT = 40
"""The most targets of a group: the state of a group is one document of the store."""
_NAME_LIMIT = 80
_WORDS = re.compile(r"[PpFf][0-9]+|[0-9]+[a-z]*|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""The words of a kind: `HighCPULoad`, `high_cpu_load` and `high-cpu.load` have the same ones; `p95`, `F1` and `5xx` are words."""
_BY_WORD = {
    word: category
    for category, words in {
        Category.AVAILABILITY: "availability unavailable down outage unreachable health healthy unhealthy probe"
        " uptime crash crashed crashing crashloop restart restarts error errors 5xx failing slo burn absent",
        Category.LATENCY: "latency slow slower slowness frame duration p50 p90 p95 p99 timeout timeouts",
        Category.DRIFT: "drift drifted psi skew",
        Category.MODEL_QUALITY: "performance accuracy calibration segment segments label labels auc precision recall f1 mae"
        " rmse mape champion challenger",
        Category.DATA_QUALITY: "freshness fresh stale volume row rows missing null nulls schema quality duplicate duplicates"
        " completeness outdated",
        Category.PIPELINE: "pipeline pipelines training retraining job jobs stage workflow backfill ingestion batch",
        Category.BUSINESS: "business revenue forecast conversion sales order orders churn satisfaction promoter kpi market customers bookings",
        Category.SECURITY: "security tls certificate cert auth unauthorized forbidden intrusion access secret secrets"
        " vulnerability credential credentials leak leaked brute password travel privilege exfiltration firewall",
        Category.COMPLIANCE: "compliance audit gdpr retention privacy pii residency consent fairness bias",
        Category.CAPACITY: "capacity saturation saturated cpu memory disk oom quota unschedulable backlog utilization utilisation"
        " throttled throttling exhausted storage",
        Category.COST: "cost costs spend spending budget billing",
        Category.PLATFORM: "platform deployment deploy rollout config scoring",
    }.items()
    for word in words.split()
}
_BY_TARGET_TYPE = {
    target_type: category
    for category, types in {
        Category.AVAILABILITY: "probe service endpoint api host health availability",
        Category.MODEL_QUALITY: "model",
        Category.DATA_QUALITY: "table dataset feature features",
        Category.PIPELINE: "pipeline job",
        Category.BUSINESS: "business revenue stream",
        Category.SECURITY: "certificate security tls",
        Category.COMPLIANCE: "compliance audit",
        Category.CAPACITY: "capacity node cluster",
        Category.COST: "cost budget billing",
    }.items()
    for target_type in types.split()
}


class Graph:
    """The dependencies of the settings as a directed graph.

    Cycles are allowed: within one, every target depends on every other.

    Args:
        dependencies: from the settings.

    >>> graph = Graph([Dependency(target="model/m", needs="table/t"), Dependency(target="page/p", needs="model/m", share=0.5)])
    >>> sorted(graph.upstream("page/p")), sorted(graph.downstream("table/t").items())
    (['model/m', 'table/t'], [('model/m', 1.0), ('page/p', 0.5)])
    >>> graph.related("table/t", "page/p"), graph.group("page/p") == graph.group("table/t"), graph.group("other/x")
    (True, True, 'other/x')
    """

    def __init__(self, dependencies: Iterable[Dependency] = ()) -> None:
        self._up: dict[str, dict[str, float]] = defaultdict(dict)
        self._down: dict[str, dict[str, float]] = defaultdict(dict)
        for dependency in dependencies:
            share = max(dependency.share, self._up[dependency.target].get(dependency.needs, 0.0))
            self._up[dependency.target][dependency.needs] = self._down[dependency.needs][dependency.target] = share
        self._upstream: dict[str, frozenset[str]] = {}

    def upstream(self, target: str) -> frozenset[str]:
        """Every target that this one depends on, directly or through others; never itself."""
        cached = self._upstream.get(target)
        if cached is None:
            cached = self._upstream[target] = frozenset(_reachable(self._up, target))
        return cached

    def downstream(self, target: str) -> Mapping[str, float]:
        """Every target that depends on this one, with its share at risk: the largest product of shares along a path."""
        return _reachable(self._down, target)

    def related(self, one: str, other: str) -> bool:
        """Whether one depends on the other, or both are the same."""
        return one == other or other in self.upstream(one) or one in self.upstream(other)

    def group(self, target: str) -> str:
        """The name of the target's group: the same for all targets that may share an incident."""
        return self._groups.get(target, target)

    @cached_property
    def _groups(self) -> dict[str, str]:
        hubs: set[str] = set()
        while True:
            components = self._components(hubs)
            large = [component for component in components if len(component) > GROUP_LIMIT]
            if not large:
                return {target: min(component) for component in components for target in component}
            # A group that is too large is split at its busiest target, which becomes a group by itself.
            hubs |= {
                max(component, key=lambda target: (self._degree(target, component), target)) for component in large
            }

    def _components(self, hubs: set[str]) -> list[set[str]]:
        """The connected components without the hubs, and each hub by itself."""
        left = (set(self._up) | set(self._down)) - hubs
        components = [{target} for target in hubs]
        while left:
            component, frontier = set[str](), {left.pop()}
            while frontier:
                component |= frontier
                near = {
                    other for target in frontier for other in (*self._up.get(target, ()), *self._down.get(target, ()))
                }
                frontier = near - component - hubs
            left -= component
            components.append(component)
        return components

    def _degree(self, target: str, component: set[str]) -> int:
        return len(component & (self._up.get(target, {}).keys() | self._down.get(target, {}).keys()))


def _reachable(edges: Mapping[str, Mapping[str, float]], start: str) -> dict[str, float]:
    """Every node reachable from the start, with the largest product of shares along a path; without the start."""
    shares: dict[str, float] = {}
    frontier = {start: 1.0}
    while frontier:
        improved: dict[str, float] = {}
        for node, share in frontier.items():
            for neighbour, factor in edges.get(node, {}).items():
                product = share * factor
                if neighbour != start and product > shares.get(neighbour, -1.0):
                    shares[neighbour] = improved[neighbour] = product
        frontier = improved
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """The class of a finding.

    Attributes:
        category: the category.
        severity: the severity of the finding, or the one that a rule gives it.
        reason: in one line for people.
    """

    category: Category
    severity: Severity
    reason: str


def classify(target: str, kind: str, source: str, severity: Severity, rules: Sequence[Rule] = ()) -> Class:
    """The class of a condition.

    Args:
        target: as in `model/flight-delay`.
        kind: as in `drift`, or several words as in `feature_drift` or `HighErrorRate`.
        source: the function or the foreign system that detected it.
        severity: of the finding.
        rules: of the settings; the first that matches counts. None applies to the report of a merged incident, which was
            classified before.

    >>> classify("model/m", "feature-drift", "drift_score", Severity.ERROR).reason
    'kind contains drift'
    >>> slow = Rule(kind="*latency*", category=Category.BUSINESS, becomes=Severity.CRITICAL)
    >>> result = classify("service/shop", "p95_latency", "prometheus", Severity.ERROR, [slow])
    >>> result.category.value, result.severity.value, result.reason
    ('business', 'critical', 'rule 1 of the settings: kind matches *latency*; error becomes critical')
    """
    for number, rule in enumerate(() if kind.startswith(PART_KIND) else rules, 1):
        if _applies(rule, target, kind, source, severity):
            becomes = rule.becomes or severity
            return Class(category=rule.category, severity=becomes, reason=_rule_reason(number, rule, severity, becomes))
    category, reason = _built_in(target.partition("/")[0], "" if kind.startswith(PART_KIND) else kind)
    return Class(category=category, severity=severity, reason=reason)


def _applies(rule: Rule, target: str, kind: str, source: str, severity: Severity) -> bool:
    return (
        severity in rule.severity
        and matches(rule.kind, kind)
        and matches(rule.target, target)
        and matches(rule.source, source)
    )


def _rule_reason(number: int, rule: Rule, severity: Severity, becomes: Severity) -> str:
    patterns = (("target", rule.target), ("kind", rule.kind), ("source", rule.source))
    given = [f"{name} matches {clean(pattern, _NAME_LIMIT)}" for name, pattern in patterns if pattern != "*"]
    if len(rule.severity) < len(Severity):
        given.append(f"severity is {severity}")
    why = f"rule {number} of the settings: {', '.join(given) or 'matches everything'}"
    return why if becomes is severity else f"{why}; {severity} becomes {becomes}"


@lru_cache(maxsize=4096)
def _built_in(target_type: str, kind: str) -> tuple[Category, str]:
    for word in _WORDS.findall(kind):
        if category := _BY_WORD.get(word.lower()):
            return category, f"kind contains {word.lower()}"
    if category := _BY_TARGET_TYPE.get(target_type.lower()):
        return category, f"target type is {target_type.lower()}"
    return Category.PLATFORM, "default: no rule, kind or target type matches"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPolicy:
    """The settings that decisions about incidents follow.

    Attributes:
        timing: how findings become incidents.
        graph: the dependencies between targets.
        rules: the classification rules.
        impact: the share of revenue at risk.
        revenue: the revenue of targets, by target.
        revenue_of: the orders whose revenue is that of a target, by target.
        time_zone: of the business.
        known: what is measured by orders, at the instant of the decision.
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
    revenue_of: Mapping[str, RevenueOf] = field(default_factory=dict)
    time_zone: str = "UTC"
    known: KnownOrders = field(default_factory=KnownOrders)
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
        revenue_of=settings.business.revenue_of,
        time_zone=settings.business.time_zone,
        people=settings.people,
        maintenance=settings.maintenance,
        playbooks=settings.playbooks,
        url=url,
        runbooks=runbooks,
    )


def with_measured(policy: IncidentPolicy, usual: UsualRevenue, at: datetime) -> IncidentPolicy:
    """The policy with the usual revenue of targets in the hour of an instant, and with the losses so far.

    Args:
        policy: of the settings.
        usual: as far as it is known.
        at: the instant of the decision.
    """
    measured = measured_revenue(usual, policy.revenue_of, at, max_age=policy.impact.max_age, zone=policy.time_zone)
    return replace(policy, known=KnownOrders(measured=measured, losses=usual.losses))


def known_of(policy: IncidentPolicy, targets: Iterable[str], incidents: Collection[str]) -> KnownOrders:
    """What is known of some incidents, and of all that depends on some targets: what decisions about them use."""
    affected = {other for target in targets for other in (target, *policy.graph.downstream(target))}
    return policy.known.of(affected, incidents)
