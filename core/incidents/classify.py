"""Classification of a finding: its category, its severity, and the reason.

The settings' rules come first, then the words of the kind, then the type of the target.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.events import Severity
from core.patterns import matches
from core.settings.people import Category
from core.settings.response import Rule
from core.text import clean

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
        Category.BUSINESS: "business revenue forecast conversion sales order orders churn satisfaction kpi market customers bookings",
        Category.SECURITY: "security tls certificate cert auth unauthorized forbidden intrusion access secret secrets"
        " vulnerability credential credentials leak leaked",
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
        rules: of the settings; the first that matches counts.

    >>> classify("model/m", "feature-drift", "drift_score", Severity.ERROR).reason
    'kind contains drift'
    >>> slow = Rule(kind="*latency*", category=Category.BUSINESS, becomes=Severity.CRITICAL)
    >>> result = classify("service/shop", "p95_latency", "prometheus", Severity.ERROR, [slow])
    >>> result.category.value, result.severity.value, result.reason
    ('business', 'critical', 'rule 1 of the settings: kind matches *latency*; error becomes critical')
    """
    for number, rule in enumerate(rules, 1):
        if _applies(rule, target, kind, source, severity):
            becomes = rule.becomes or severity
            return Class(category=rule.category, severity=becomes, reason=_rule_reason(number, rule, severity, becomes))
    category, reason = _built_in(target.partition("/")[0], kind)
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
