"""What the platform brought in and cost over 30 days, and the return on it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeGuard

from core.business.gains import Harm, gains, losses
from core.business.returns import roi
from core.incidents.graph import Graph
from core.incidents.model import Incident
from core.settings import Settings
from functions.bi_rollup import incidents
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.flaws import told
from functions.bi_rollup.ports import REST, Spent
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HOUR

NAME = "worth"
SPAN = 30 * DAY
INCIDENTS = "incidents"
"""The kind of gain that is none: what incidents cost is taken off what the models bring in."""
SHOWN = 20
"""Kinds of what was spent that are a metric of their own, the largest; the rest is one more."""


def make(outside: Outside, due: datetime, _: Made | None) -> Made:
    """Add up what the settings say that runs all the time, what incidents cost, and what was spent."""
    rows = _spending(outside, due)
    gained, spent = _gained(outside, due), _spent(outside, rows or [])
    figures = [] if rows is None else list(_flawed(rows))
    figures += [Figure("aia_gain_dollars", dollars, {"kind": kind}) for kind, dollars in gained.items()]
    figures += [Figure("aia_cost_dollars", dollars, {"kind": kind}) for kind, dollars in spent.items()]
    ratio = roi(gained, spent).ratio
    if ratio is None:
        return Made(due=due, figures=tuple(figures))
    return Made(due=due, figures=(*figures, Figure("aia_roi_ratio", ratio)), facts={"roi_ratio": ratio})


def wanted(settings: Settings) -> bool:
    """Whether anything is said of what is earned or spent."""
    business = settings.business
    return bool(settings.revenue or business.costs or business.spending)


def _gained(outside: Outside, due: datetime) -> dict[str, float]:
    """By the kind of target that earns it, and less what incidents cost of it, where that is known."""
    settings = outside.settings
    models = [model.target for model in settings.models]
    graph = Graph(settings.dependencies)
    hourly = gains(models, graph, settings.revenue)
    found: dict[str, float] = {}
    for target, dollars in hourly.items():
        kind = target.partition("/")[0]
        found[kind] = found.get(kind, 0.0) + dollars * (SPAN / HOUR)
    opened = outside.incidents(due - SPAN, due)
    if not found or opened is None:
        return found
    return found | {INCIDENTS: -losses(hourly, _harms(opened, graph, due))}


def _harms(opened: Iterable[Incident], graph: Graph, due: datetime) -> Iterator[Harm]:
    """What incidents cost; an impact names the largest targets only, so what needs the incident's own is touched as well."""
    for one in opened:
        if one.impact:
            start, end = incidents.lasted(one, due)
            yield Harm(
                targets=frozenset({*one.impact.targets, one.target, *graph.reached(one.target)}),
                start=max(start, due - SPAN),
                end=end,
                dollars=incidents.cost(one, due - SPAN, due),
            )


def _spent(outside: Outside, rows: Iterable[Spent]) -> dict[str, float]:
    """By kind: what runs all the time, and the rows of what was spent."""
    costs = outside.settings.business.costs
    found = {kind: cost.dollars_per_hour * (SPAN / HOUR) for kind, cost in costs.items()}
    known = [(row.kind, row.dollars) for row in rows if _is_number(row.dollars)]
    for name, dollars in sorted(known, key=lambda one: -abs(one[1])):
        kind = name if len(found) < SHOWN or name in found else REST
        found[kind] = found.get(kind, 0.0) + dollars
    return found


def _spending(outside: Outside, due: datetime) -> list[Spent] | None:
    if outside.settings.business.spending is None:
        return None
    return outside.tables.spending(due - SPAN, due)


def _is_number(dollars: float | None) -> TypeGuard[float]:
    return dollars is not None and math.isfinite(dollars)


def _flawed(rows: Sequence[Spent]) -> Iterator[Figure]:
    flaws = {
        "without_amount": sum(row.without_amount for row in rows),
        "kind": sum(not _is_number(row.dollars) for row in rows),
    }
    return told("spending", flaws)
