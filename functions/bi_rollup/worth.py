"""What the platform brought in and cost over 30 days, and the return on it."""

import math
from datetime import datetime

from core.business.gains import gains
from core.business.returns import roi
from core.incidents.graph import Graph
from core.settings import Settings
from functions.bi_rollup import incidents, statements
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HOUR

NAME = "worth"
SPAN = 30 * DAY
INCIDENTS = "incidents"
"""The kind of gain that is none: what incidents cost is taken off what the models bring in."""
SHOWN = 20
"""Kinds of what was spent that are a metric of their own, the largest; the rest is one more."""
REST = "other"


def make(outside: Outside, due: datetime, _: Made | None) -> Made:
    """Add up what the settings say that runs all the time, what incidents cost, and what was spent."""
    gained, spent = _gained(outside, due), _spent(outside, due)
    figures = [Figure("aia_gain_dollars", dollars, {"kind": kind}) for kind, dollars in gained.items()]
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
    """By the kind of target that earns it, and less what incidents cost of it."""
    settings = outside.settings
    models = [model.target for model in settings.models]
    hourly = gains(models, Graph(settings.dependencies), settings.revenue)
    found: dict[str, float] = {}
    for target, dollars in hourly.items():
        kind = target.partition("/")[0]
        found[kind] = found.get(kind, 0.0) + dollars * (SPAN / HOUR)
    return found | {INCIDENTS: -_lost(outside, set(hourly), due)} if found else {}


def _lost(outside: Outside, earning: set[str], due: datetime) -> float:
    """What incidents cost that put at risk what the models bring in."""
    found = incidents.read(outside.store, due - SPAN, due)
    touching = [one for one in found if one.impact and earning.intersection(one.impact.targets)]
    return math.fsum(incidents.cost(one, due - SPAN, due) for one in touching)


def _spent(outside: Outside, due: datetime) -> dict[str, float]:
    business = outside.settings.business
    found = {kind: cost.dollars_per_hour * (SPAN / HOUR) for kind, cost in business.costs.items()}
    if business.spending is None:
        return found
    rows = outside.warehouse.query(statements.spending(business.spending), since=due - SPAN, until=due)
    for row in sorted(rows, key=lambda row: -abs(row["dollars"])):
        kind = str(row["kind"]) if len(found) < SHOWN or row["kind"] in found else REST
        found[kind] = found.get(kind, 0.0) + float(row["dollars"])
    return found
