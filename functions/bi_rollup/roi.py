"""Attributed revenue, cost and return on investment, over 30 days."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from core.business.attribution import IncidentCost, attributed_revenue, lost_revenue
from core.business.roi import roi
from core.incidents.impact import loss_period, loss_within
from core.incidents.model import Incident
from core.incidents.policy import Graph
from core.settings import Settings
from functions.bi_rollup import costs
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR
from functions.bi_rollup.statements import REST

WINDOW = 30 * DAY
INCIDENTS = "incidents"
"""The kind of attributed revenue that is negative: what incidents cost of it."""
SHOWN = 20
"""Kinds of cost with a metric of their own, the largest ones; the rest is one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendByKind:
    """Spend on one kind of cost; None where no amount is valid."""

    kind: str
    dollars: float | None
    missing_amount: int


SPEND_BY_KIND = Query("spend_by_kind", SpendByKind)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Attributed revenue less incident costs, costs of the settings plus spend, and the return on investment."""
    spend, by_kind = _costs(outside, due)
    revenue = _revenue(outside, due)
    metrics = [] if spend is None else list(_issues(spend))
    metrics += [MetricValue("aia_attributed_revenue_dollars", value, {"kind": kind}) for kind, value in revenue.items()]
    metrics += [MetricValue("aia_cost_dollars", dollars, {"kind": kind}) for kind, dollars in by_kind.items()]
    ratio = roi(revenue, by_kind).ratio
    if ratio is None:
        return RollupResult(due=due, metrics=tuple(metrics))
    metrics.append(MetricValue("aia_roi_ratio", ratio))
    return RollupResult(due=due, metrics=tuple(metrics), indicators={"roi_ratio": ratio})


def _has_money(settings: Settings) -> bool:
    business = settings.business
    return bool(settings.revenue or business.costs or business.spending)


JOB = RollupJob(name="roi", every=HOUR, max_age=3 * HOUR, enabled=_has_money, run=run)


def _revenue(outside: Outside, due: datetime) -> dict[str, float]:
    """Attributed revenue by kind of target, and what incidents cost of it, where incidents are stored."""
    settings = outside.settings
    graph = Graph(settings.dependencies)
    hourly = attributed_revenue([model.target for model in outside.models().values()], graph, settings.revenue)
    by_kind: dict[str, float] = defaultdict(float)
    for target, dollars in hourly.items():
        by_kind[target.partition("/")[0]] += dollars * (WINDOW / HOUR)
    incidents = outside.incidents(due - WINDOW, due)
    if not by_kind or incidents is None:
        return dict(by_kind)
    return by_kind | {INCIDENTS: -lost_revenue(hourly, _incident_costs(incidents, graph, due))}


def _incident_costs(found: Iterable[Incident], graph: Graph, due: datetime) -> Iterator[IncidentCost]:
    """Costs of incidents. An impact names the largest targets only, so dependents of the incident's target are added."""
    for incident in found:
        if incident.impact:
            start, end = loss_period(incident, due)
            yield IncidentCost(
                targets=frozenset({*incident.impact.targets, incident.target, *graph.downstream(incident.target)}),
                start=max(start, due - WINDOW),
                end=end,
                dollars=loss_within(incident, due - WINDOW, due).dollars,
            )


def costs_by_kind(outside: Outside, due: datetime) -> dict[str, float]:
    """All costs of 30 days by kind, in dollars; those of the billing export over its 30 newest complete days. Empty where none are known."""
    _, by_kind = _costs(outside, due)
    return by_kind


def _costs(outside: Outside, due: datetime) -> tuple[list[SpendByKind] | None, dict[str, float]]:
    """Spend, where it is read, and all costs by kind: none where the billing export does not say what a part of them is."""
    business = outside.settings.business
    if business.spending is None:
        return None, _by_kind(outside.settings, [])
    until = costs.known_until(outside, due) if business.spends_what_is_billed else due
    if until is None:
        return None, {}
    spend = outside.tables.read(SPEND_BY_KIND, since=until - WINDOW, until=until)
    return spend, _by_kind(outside.settings, spend)


def _by_kind(settings: Settings, spend: Iterable[SpendByKind]) -> dict[str, float]:
    """Cost by kind: running costs of the settings, and spend."""
    by_kind = {kind: cost.dollars_per_hour * (WINDOW / HOUR) for kind, cost in settings.business.costs.items()}
    valid = [(row.kind, row.dollars) for row in spend if _is_number(row.dollars)]
    for name, dollars in sorted(valid, key=lambda item: -abs(item[1])):
        kind = name if len(by_kind) < SHOWN or name in by_kind else REST
        by_kind[kind] = by_kind.get(kind, 0.0) + dollars
    return by_kind


def _is_number(dollars: float | None) -> TypeGuard[float]:
    return dollars is not None and math.isfinite(dollars)


def _issues(spend: Sequence[SpendByKind]) -> Iterator[MetricValue]:
    issues = {
        "missing_amount": sum(row.missing_amount for row in spend),
        "invalid_kind": sum(not _is_number(row.dollars) for row in spend),
    }
    return data_issues("spending", issues)
