"""What a fault costs: the money an hour at risk of everything that fires, and of what needs it; and what that adds up to."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.events import Severity
from core.incidents.graph import Graph
from core.incidents.model import Impact, Incident
from core.incidents.text import clean, instant, number
from core.incidents.timing import began, ended
from core.settings.response import ImpactPolicy, Revenue

TARGETS_LIMIT = 5
"""Targets that an impact names."""
_SHOWN = 3
_HOUR = timedelta(hours=1)
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a target was measured to earn.

    Attributes:
        dollars_per_hour: the best estimate.
        low: the lower end of its 90 % interval.
        high: the upper end.
        at: the instant the measurement is about, in UTC.
    """

    dollars_per_hour: float
    low: float
    high: float
    at: datetime


@dataclass(frozen=True, slots=True)
class _Risk:
    """The money at risk of one target, dollars an hour: the estimate and how far it may be off to either side."""

    target: str
    share: float
    earns: float
    below: float
    above: float
    origin: str

    @property
    def dollars(self) -> float:
        return self.share * self.earns


def impact(
    targets: Iterable[tuple[str, Severity]],
    graph: Graph,
    revenue: Mapping[str, Revenue],
    policy: ImpactPolicy,
    measured: Mapping[str, Measured] | None = None,
) -> Impact | None:
    r"""The money an hour at risk while these targets fire.

    Each earning target counts once, with the worst over all that fires: \(r_i = \max_t s_{it} a_t\), where \(s_{it}\) is
    the share of target i that hangs on t (1 for itself) and \(a_t\) the share at risk at the severity of t. The estimate
    is \(\sum_i r_i e_i\) with \(e_i\) what i earns. What is known of each is taken as independent of the others, so that
    variances add, and with them the squares of the half widths of intervals of the same level [1]: below and above the
    estimate by themselves, because a measured interval need not be symmetric. Less than nothing is never at risk.

    Args:
        targets: what fires, with the severity of it; in any order, also several times.
        graph: the dependencies.
        revenue: what targets earn, from the settings.
        policy: the shares at risk by severity.
        measured: what targets were measured to earn, where that is known and recent; it is preferred to the settings.

    Returns:
        The impact with its 90 % interval, or None when nothing that earns is affected.

    References:
        [1] JCGM 100:2008, Guide to the expression of uncertainty in measurement, 5.1.2.

    >>> from core.settings.types import Dependency
    >>> graph = Graph([Dependency(target="page/p", needs="model/m", share=0.5)])
    >>> revenue = {"model/m": Revenue(dollars_per_hour=1200), "page/p": Revenue(dollars_per_hour=800)}
    >>> found = impact([("model/m", Severity.CRITICAL)], graph, revenue, ImpactPolicy())
    >>> found.dollars_per_hour, round(found.low), round(found.high), found.targets
    (1600.0, 1284, 1916, ('model/m', 'page/p'))
    >>> found.reason
    'model/m: 100 % of $1,200 an hour (settings); page/p: 50 % of $800 an hour (settings)'
    """
    known = measured or {}
    risks = [
        risk
        for target, share in _exposed(targets, graph, policy).items()
        if (risk := _risk(target, share, revenue.get(target), known.get(target)))
    ]
    if not risks:
        return None
    risks.sort(key=lambda risk: (-risk.dollars, risk.target))
    dollars = math.fsum(risk.dollars for risk in risks)
    return Impact(
        dollars_per_hour=dollars,
        low=max(0.0, dollars - math.hypot(*(risk.share * risk.below for risk in risks))),
        high=dollars + math.hypot(*(risk.share * risk.above for risk in risks)),
        targets=tuple(risk.target for risk in risks[:TARGETS_LIMIT]),
        reason=_reason(risks),
    )


def raised(severity: Severity, impact: Impact | None, policy: ImpactPolicy) -> Severity:
    """The severity of an incident that costs so much: the worst that the settings give it, and never less than its own.

    >>> policy = ImpactPolicy(raises={Severity.CRITICAL: 1000.0})
    >>> cost = Impact(dollars_per_hour=1600.0, low=1284.0, high=1916.0, targets=("model/m",), reason="")
    >>> raised(Severity.WARNING, cost, policy).value, raised(Severity.WARNING, None, policy).value
    ('critical', 'warning')
    """
    if impact is None:
        return severity
    reached = (one for one, dollars in policy.raises.items() if impact.dollars_per_hour >= dollars)
    return max([severity, *reached], key=lambda one: one.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What an incident has cost, in dollars.

    Attributes:
        dollars: the best estimate.
        low: the lower end of its 90 % interval.
        high: the upper end.
    """

    dollars: float
    low: float
    high: float


def lost(incident: Incident, until: datetime) -> Loss:
    r"""What an incident has cost: what it put at risk in an hour, over the time in which it did.

    The loss is \(\int a(t)\,dt\) with \(a(t)\) the impact at the instant t, over the time in which something fired and it
    was neither mitigated nor closed: what was counted, and what the newest impact adds since. The ends of the interval add
    up in the same way, as what is not known of an impact is not known of the next one either.

    Args:
        incident: over or not.
        until: up to which instant, in UTC; what comes after it is over or mitigated is not counted.

    >>> from datetime import UTC
    >>> from core.incidents.model import State
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> cost = Impact(dollars_per_hour=600.0, low=450.0, high=750.0, targets=("model/m",), reason="")
    >>> incident = Incident(id="i", target="model/m", title="", state=State.OPEN, severity=Severity.ERROR, category="",
    ...                     opened_at=nine, impact=cost, lost=100.0, lost_low=75.0, lost_high=125.0,
    ...                     lost_until=nine + timedelta(minutes=10))
    >>> lost(incident, nine + timedelta(minutes=40))
    Loss(dollars=400.0, low=300.0, high=500.0)
    """
    found = Loss(dollars=incident.lost, low=incident.lost_low, high=incident.lost_high)
    if incident.impact is None:
        return found
    stopped = min(at for at in (until, incident.mitigated_at, ended(incident)) if at is not None)
    hours = max(stopped - _since(incident), timedelta(0)) / _HOUR
    return Loss(
        dollars=found.dollars + incident.impact.dollars_per_hour * hours,
        low=found.low + incident.impact.low * hours,
        high=found.high + incident.impact.high * hours,
    )


def accounted(incident: Incident, at: datetime) -> dict[str, Any]:
    """The fields of an incident whose loss is counted up to an instant, because it changes then what is at risk.

    What is counted is never counted again, whatever comes late: from then on the loss grows from that instant. What is over
    has cost nothing between its end and that instant.

    Args:
        incident: before the change.
        at: the instant of the change, in UTC.
    """
    until = max(at, ended(incident) or at)
    found = lost(incident, until)
    return {
        "lost": found.dollars,
        "lost_low": found.low,
        "lost_high": found.high,
        "lost_until": until if until > _since(incident) else incident.lost_until,
    }


def together(incident: Incident, parts: Sequence[Incident], until: datetime) -> Incident:
    """The incident with what others have cost that become part of it."""
    if not parts:
        return incident
    losses = [lost(one, until) for one in parts]
    return replace(
        incident,
        lost=incident.lost + math.fsum(one.dollars for one in losses),
        lost_low=incident.lost_low + math.fsum(one.low for one in losses),
        lost_high=incident.lost_high + math.fsum(one.high for one in losses),
        lost_until=_since(incident),
    )


def _since(incident: Incident) -> datetime:
    return incident.lost_until or began(incident)


def _exposed(targets: Iterable[tuple[str, Severity]], graph: Graph, policy: ImpactPolicy) -> dict[str, float]:
    """The worst share at risk of everything that fires or needs what fires; nothing where none is."""
    worst: dict[str, float] = {}
    for target, severity in targets:
        if at_risk := policy.at_risk.get(severity, 0.0):
            worst[target] = max(at_risk, worst.get(target, 0.0))
    exposed = dict(worst)
    for target, at_risk in worst.items():
        for other, share in graph.reached(target).items():
            if share * at_risk > 0:
                exposed[other] = max(share * at_risk, exposed.get(other, 0.0))
    return exposed


def _risk(target: str, share: float, settings: Revenue | None, measured: Measured | None) -> _Risk | None:
    if measured is not None and all(map(math.isfinite, (measured.dollars_per_hour, measured.low, measured.high))):
        earns = max(0.0, measured.dollars_per_hour)
        below, above = max(0.0, earns - measured.low), max(0.0, measured.high - earns)
        return _Risk(target, share, earns, below, above, f"measured {instant(measured.at)}")
    if settings is None:
        return None
    earns, half = settings.dollars_per_hour, settings.dollars_per_hour * settings.uncertainty
    return _Risk(target, share, earns, half, half, "settings")


def _reason(risks: list[_Risk]) -> str:
    shown = [
        f"{clean(risk.target, _NAME_LIMIT)}: {number(risk.share, 'ratio')} of {number(risk.earns, 'dollars')} an hour"
        f" ({risk.origin})"
        for risk in risks[:_SHOWN]
    ]
    hidden = len(risks) - len(shown)
    return "; ".join([*shown, f"and {hidden} more"] if hidden else shown)
