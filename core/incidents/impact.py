"""Impact: the revenue per hour at risk while targets fire, and the loss it adds up to."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from core.events import Severity
from core.incidents.measured import Measured, MeasuredLoss, order_names
from core.incidents.model import Impact, Incident, OrdersAtRisk
from core.incidents.policy import Graph
from core.settings.response import ImpactPolicy, Revenue
from core.text import clean, number

TARGETS_LIMIT = 5
"""Targets that an impact lists."""
_SHOWN = 3
_HOUR = timedelta(hours=1)
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True)
class _Risk:
    """The revenue at risk of one target, or of its orders, in dollars per hour: the estimate and its half widths."""

    target: str
    share: float
    earns: float
    below: float
    above: float
    origin: str
    orders: str = ""

    @property
    def dollars(self) -> float:
        return self.share * self.earns


def estimate_impact(
    targets: Iterable[tuple[str, Severity]],
    graph: Graph,
    revenue: Mapping[str, Revenue],
    policy: ImpactPolicy,
    measured: Measured | None = None,
) -> Impact | None:
    r"""The revenue per hour at risk while these targets fire.

    Each earning target counts once, with the worst share over all that fires: \(r_i = \max_t s_{it} a_t\), where
    \(s_{it}\) is the share of target i that depends on t (1 for itself) and \(a_t\) the share at risk at the severity of
    t. The estimate is \(\sum_i r_i e_i\) with \(e_i\) the revenue of i. The revenues are assumed independent, so that
    variances add, and with them the squares of the half widths of intervals of the same level [1]: separately below and
    above the estimate, because a measured interval need not be symmetric. The lower end is never negative.

    Args:
        targets: the targets that fire, with their severities; in any order, with repetitions.
        graph: the dependencies.
        revenue: the revenue of targets, from the settings.
        policy: the shares at risk by severity.
        measured: the usual revenue of targets with orders, where it is known; it is preferred to the settings. Orders of several
            targets count once, with the worst share.

    Returns:
        The impact with its 90 % interval, or None when no revenue is mapped to what is affected.

    References:
        [1] JCGM 100:2008, Guide to the expression of uncertainty in measurement, 5.1.2.

    >>> from core.settings.types import Dependency
    >>> graph = Graph([Dependency(target="page/p", needs="model/m", share=0.5)])
    >>> revenue = {"model/m": Revenue(dollars_per_hour=1200), "page/p": Revenue(dollars_per_hour=800)}
    >>> impact = estimate_impact([("model/m", Severity.CRITICAL)], graph, revenue, ImpactPolicy())
    >>> impact.dollars_per_hour, round(impact.low), round(impact.high), impact.targets
    (1600.0, 1284, 1916, ('model/m', 'page/p'))
    >>> impact.reason
    'model/m: 100% of $1,200 an hour (settings); page/p: 50% of $800 an hour (settings)'
    """
    exposed = _exposed(targets, graph, policy)
    known = {target: measured[target] for target in exposed if measured and target in measured}
    configured = {target: share for target, share in exposed.items() if target in revenue and not known.get(target)}
    risks = [
        *_measured_risks({target: exposed[target] for target in known}, known),
        *(
            _configured_risk(target, share, revenue[target], orders_unknown=target in known)
            for target, share in configured.items()
        ),
    ]
    if not risks:
        return None
    risks.sort(key=lambda risk: (-risk.dollars, risk.target, risk.orders))
    orders = (OrdersAtRisk(risk.orders, risk.share, risk.dollars) for risk in risks if risk.orders)
    unknown = sorted(target for target in known if not known[target] and target not in revenue)
    dollars = math.fsum(risk.dollars for risk in risks)
    return Impact(
        dollars_per_hour=dollars,
        low=max(0.0, dollars - math.hypot(*(risk.share * risk.below for risk in risks))),
        high=dollars + math.hypot(*(risk.share * risk.above for risk in risks)),
        targets=tuple(dict.fromkeys(risk.target for risk in risks))[:TARGETS_LIMIT],
        reason=_reason(risks, unknown),
        orders=tuple(islice(orders, TARGETS_LIMIT)),
    )


def with_worst_shares(impact: Impact | None, before: Impact | None) -> Impact | None:
    """The impact whose orders have the largest share that was at risk since the incident opened: so much may have been lost."""
    if impact is None or before is None or not before.orders:
        return impact
    worst = {one.orders: one.share for one in before.orders}
    now = [one._replace(share=max(one.share, worst.pop(one.orders, 0.0))) for one in impact.orders]
    past = [OrdersAtRisk(orders, share, 0.0) for orders, share in worst.items()]
    return replace(impact, orders=tuple([*now, *past][:TARGETS_LIMIT]))


def total_at_risk(impacts: Iterable[Impact]) -> float:
    """The dollars an hour at risk in several incidents: orders that are at risk in more than one count once, by the largest risk.

    >>> from core.incidents.model import OrdersAtRisk
    >>> shop = Impact(dollars_per_hour=150.0, low=0.0, high=0.0, targets=(), reason="", orders=(OrdersAtRisk("shop", 1.0, 100.0),))
    >>> total_at_risk([shop, replace(shop, dollars_per_hour=120.0, orders=(OrdersAtRisk("shop", 0.8, 80.0),))])
    190.0
    """
    rest, worst = 0.0, dict[str, float]()
    for impact in impacts:
        rest += impact.dollars_per_hour - math.fsum(one.dollars for one in impact.orders)
        for one in impact.orders:
            worst[one.orders] = max(one.dollars, worst.get(one.orders, 0.0))
    return rest + math.fsum(worst.values())


def raise_severity(severity: Severity, impact: Impact | None, policy: ImpactPolicy) -> Severity:
    """The severity, raised to what the settings give an impact of that size; never lowered.

    >>> policy = ImpactPolicy(raises={Severity.CRITICAL: 1000.0})
    >>> cost = Impact(dollars_per_hour=1600.0, low=1284.0, high=1916.0, targets=("model/m",), reason="")
    >>> raise_severity(Severity.WARNING, cost, policy).value, raise_severity(Severity.WARNING, None, policy).value
    ('critical', 'warning')
    """
    if impact is None:
        return severity
    reached = (level for level, dollars in policy.raises.items() if impact.dollars_per_hour >= dollars)
    return max([severity, *reached], key=lambda candidate: candidate.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Estimated loss of an incident, in dollars.

    Attributes:
        dollars: the best estimate.
        low: the lower end of its 90 % interval.
        high: the upper end.
    """

    dollars: float
    low: float
    high: float


def estimate_loss(incident: Incident, until: datetime) -> Loss:
    r"""The estimated loss of an incident: its impact by the hour, integrated over its duration.

    The loss is \(\int a(t)\,dt\) with \(a(t)\) the impact at the instant t, while something fires and the incident is
    neither mitigated nor closed: the loss accrued so far, and what the current impact adds since. The ends of the interval
    add up in the same way, because the errors of successive impacts are the same.

    Args:
        incident: ended or not.
        until: the end of the integral, in UTC; nothing is added after the incident ended or was mitigated.

    >>> from datetime import UTC
    >>> from core.incidents.model import State
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> cost = Impact(dollars_per_hour=600.0, low=450.0, high=750.0, targets=("model/m",), reason="")
    >>> incident = Incident(id="i", target="model/m", title="", state=State.OPEN, severity=Severity.ERROR, category="",
    ...                     opened_at=nine, impact=cost, loss=100.0, loss_low=75.0, loss_high=125.0,
    ...                     loss_until=nine + timedelta(minutes=10))
    >>> estimate_loss(incident, nine + timedelta(minutes=40))
    Loss(dollars=400.0, low=300.0, high=500.0)
    """
    accrued = Loss(dollars=incident.loss, low=incident.loss_low, high=incident.loss_high)
    if incident.impact is None:
        return accrued
    stopped = min(at for at in (until, incident.mitigated_at, incident.ended_at) if at is not None)
    hours = max(stopped - _since(incident), timedelta(0)) / _HOUR
    return Loss(
        dollars=accrued.dollars + incident.impact.dollars_per_hour * hours,
        low=accrued.low + incident.impact.low * hours,
        high=accrued.high + incident.impact.high * hours,
    )


def with_measured(incident: Incident, loss: MeasuredLoss | None) -> Incident:
    """The incident with its measured loss in place of the estimated one, which goes on from where that is known."""
    if loss is None or loss.unknown:
        return incident
    amounts = {"loss": loss.dollars, "loss_low": loss.low, "loss_high": loss.high}
    return replace(incident, **amounts, loss_until=loss.until)  # type: ignore[arg-type] # amounts are floats


def loss_period(incident: Incident, until: datetime) -> tuple[datetime, datetime]:
    """From when to when an incident had a loss: until it was mitigated or ended."""
    ends = (until, incident.mitigated_at, incident.ended_at)
    return incident.opened_at, min(at for at in ends if at is not None)


def loss_within(incident: Incident, since: datetime, until: datetime) -> Loss:
    """The loss of an incident within a period: of one that began before it or went on after it, its share of the time.

    Args:
        incident: ended or not; what is known of its loss may reach beyond the period.
        since: from when on, in UTC.
        until: its end, in UTC.

    >>> from datetime import UTC
    >>> from core.incidents.model import State
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> incident = Incident(id="i", target="model/m", title="", state=State.OPEN, severity=Severity.ERROR, category="",
    ...                     opened_at=nine, loss=400.0, loss_low=300.0, loss_high=500.0, loss_until=nine + 4 * _HOUR)
    >>> loss_within(incident, nine, nine + _HOUR)
    Loss(dollars=100.0, low=75.0, high=125.0)
    """
    known_until = max(until, incident.loss_until or until)
    start, end = loss_period(incident, known_until)
    loss = estimate_loss(incident, known_until)
    if end > start:
        share = max(0.0, (min(end, until) - max(start, since)) / (end - start))
    else:
        share = 1.0 if since <= start < until else 0.0
    return Loss(dollars=loss.dollars * share, low=loss.low * share, high=loss.high * share)


def accrue_loss(incident: Incident, at: datetime) -> dict[str, Any]:
    """The loss fields of an incident after the loss up to an instant is accrued, because the impact changes then.

    What is accrued is never counted again, whatever arrives late: from then on the loss grows from that instant. Nothing is
    accrued between the end of the incident and that instant.

    Args:
        incident: before the change.
        at: the instant of the change, in UTC.
    """
    until = max(at, incident.ended_at or at)
    loss = estimate_loss(incident, until)
    return {
        "loss": loss.dollars,
        "loss_low": loss.low,
        "loss_high": loss.high,
        "loss_until": until if until > _since(incident) else incident.loss_until,
    }


def merge_losses(incident: Incident, parts: Sequence[Incident], until: datetime) -> Incident:
    """The incident with the losses of those that are merged into it."""
    if not parts:
        return incident
    losses = [estimate_loss(part, until) for part in parts]
    return replace(
        incident,
        loss=incident.loss + math.fsum(loss.dollars for loss in losses),
        loss_low=incident.loss_low + math.fsum(loss.low for loss in losses),
        loss_high=incident.loss_high + math.fsum(loss.high for loss in losses),
        loss_until=_since(incident),
    )


def _since(incident: Incident) -> datetime:
    return incident.loss_until or incident.last_opened_at


def _exposed(targets: Iterable[tuple[str, Severity]], graph: Graph, policy: ImpactPolicy) -> dict[str, float]:
    """The worst share at risk of every target that fires or depends on one that does; without those at no risk."""
    worst: dict[str, float] = {}
    for target, severity in targets:
        if at_risk := policy.at_risk.get(severity, 0.0):
            worst[target] = max(at_risk, worst.get(target, 0.0))
    exposed = dict(worst)
    for target, at_risk in worst.items():
        for other, share in graph.downstream(target).items():
            if share * at_risk > 0:
                exposed[other] = max(share * at_risk, exposed.get(other, 0.0))
    return exposed


def _measured_risks(exposed: Mapping[str, float], measured: Measured) -> Iterator[_Risk]:
    """The risk of each stream of orders, once: with the worst share of the targets whose orders they are."""
    worst: dict[str, _Risk] = {}
    for target, share in sorted(exposed.items()):
        for one in measured[target]:
            earns = max(0.0, one.dollars_per_hour)
            below, above = max(0.0, earns - one.low), max(0.0, one.high - earns)
            risk = _Risk(target, share, earns, below, above, one.basis, one.orders)
            if one.orders not in worst or share > worst[one.orders].share:
                worst[one.orders] = risk
    yield from worst.values()


def _configured_risk(target: str, share: float, configured: Revenue, *, orders_unknown: bool) -> _Risk:
    earns, half = configured.dollars_per_hour, configured.dollars_per_hour * configured.uncertainty
    origin = "settings; the usual revenue of its orders is not known" if orders_unknown else "settings"
    return _Risk(target, share, earns, half, half, origin)


def no_impact(target: str) -> str:
    """Why the impact of an incident is not known.

    >>> no_impact("service/checkout")
    'not known: the settings name no revenue of service/checkout, nor of what depends on it'
    """
    return f"not known: the settings name no revenue of {clean(target, _NAME_LIMIT)}, nor of what depends on it"


def _reason(risks: list[_Risk], unknown: list[str]) -> str:
    """The calculation: orders of one target with one basis are one line of it."""
    together: dict[tuple[str, float, str], list[_Risk]] = {}
    for risk in risks:
        together.setdefault((risk.target, risk.share, risk.origin), []).append(risk)
    lines = [_line(target, share, origin, same) for (target, share, origin), same in together.items()]
    hidden = len(lines) - _SHOWN
    names = ", ".join(clean(target, _NAME_LIMIT) for target in unknown[:_SHOWN])
    more = ([f"and {hidden} more"] if hidden > 0 else []) + ([f"not known of {names}"] if unknown else [])
    return "; ".join([*lines[:_SHOWN], *more])


def _line(target: str, share: float, origin: str, risks: list[_Risk]) -> str:
    earns = number(math.fsum(risk.earns for risk in risks), "dollars")
    orders = [risk.orders for risk in risks if risk.orders]
    shown = order_names(orders[:_SHOWN]) + (f" and {len(orders) - _SHOWN} more" if len(orders) > _SHOWN else "")
    of = f" of orders of {shown}" if orders else ""
    return f"{clean(target, _NAME_LIMIT)}: {number(share, 'ratio')} of {earns} an hour ({origin}{of})"
