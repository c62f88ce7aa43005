"""The sections `incidents`, `rules`, `impact` and `maintenance` of monitoring.yaml: how findings become incidents."""

from itertools import pairwise
from types import MappingProxyType

from core.events import Severity
from core.settings.people import Category
from core.settings.reader import Section, list_of, mapping_of, section
from core.settings.response import ImpactPolicy, Maintenance, Policy, Revenue, Rule
from core.settings.scalars import duration, instant, member, named, number, pattern, schedule, targets, text

_USUAL = Policy()
_IMPACT = ImpactPolicy()
_RAISING = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)


def read_policy(top: Section) -> Policy:
    """How findings become incidents."""
    return Policy(
        reopen_within=top.optional("reopen_within", duration("0s", "7d"), _USUAL.reopen_within),
        join_within=top.optional("join_within", duration("0s", "1d"), _USUAL.join_within),
        settle=top.optional("settle", duration("0s", "1h"), _USUAL.settle),
        summary_every=top.optional("summary_every", duration("1h", "30d"), _USUAL.summary_every),
        resolve_after=top.optional("resolve_after", duration("1h", "365d"), _USUAL.resolve_after),
        ahead=top.optional("ahead", duration("0s", "1h"), _USUAL.ahead),
    )


def read_rule(top: Section) -> Rule:
    """One rule; the severity beside `when` is the one that the finding has then."""
    category = top.required("category", member(Category))
    becomes = top.optional("severity", member(Severity), None)
    return top.optional(
        "when", section(lambda inner: _rule(inner, category, becomes)), Rule(category=category, becomes=becomes)
    )


def _rule(top: Section, category: Category, becomes: Severity | None) -> Rule:
    return Rule(
        target=top.optional("target", pattern, "*"),
        kind=top.optional("kind", pattern, "*"),
        source=top.optional("source", pattern, "*"),
        severity=frozenset(top.optional("severity", list_of(member(Severity), at_least=1), tuple(Severity)) or ()),
        category=category,
        becomes=becomes,
    )


def read_revenue(top: Section) -> Revenue:
    """What one target earns."""
    return Revenue(
        dollars_per_hour=top.required("dollars_per_hour", number(0, 1e12)),
        uncertainty=top.optional("uncertainty", number(0, 1), 0.25),
    )


def read_impact(top: Section) -> ImpactPolicy:
    """What a fault puts at risk; a severity that is not given puts at risk what it does by default."""
    at_risk = top.optional("at_risk", mapping_of(member(Severity), number(0, 1)), {}) or {}
    raises = top.optional("raise", mapping_of(member(Severity), number(0, 1e12)), {}) or {}
    if top.sound:
        _check_raises(top, raises)
    return ImpactPolicy(at_risk=MappingProxyType({**_IMPACT.at_risk, **at_risk}), raises=MappingProxyType(raises))


def _check_raises(top: Section, raises: dict[Severity, float]) -> None:
    if Severity.INFO in raises:
        top.fault("raise.info", "must not be given: every incident is at least that", raises[Severity.INFO])
    given = [severity for severity in _RAISING if severity in raises]
    for less, more in pairwise(given):
        if raises[more] <= raises[less]:
            top.fault(f"raise.{more}", f"must be more than that of {less}, which is {raises[less]:g}", raises[more])


def read_maintenance(top: Section) -> Maintenance:
    """One time of maintenance."""
    maintenance = Maintenance(
        name=top.required("name", named("maintenance")),
        targets=top.required("targets", list_of(targets, at_least=1)),
        duration=top.required("duration", duration("1m", "30d")),
        start=top.optional("start", instant, None),
        schedule=top.optional("schedule", schedule, ""),
        reason=top.optional("reason", text, ""),
    )
    if top.sound and maintenance.start is None and not maintenance.schedule:
        top.fault("start", "must be given, or schedule must", None)
    if top.sound and maintenance.start is not None and maintenance.schedule:
        top.fault("schedule", "must not be given where there is a start", maintenance.schedule)
    return maintenance
