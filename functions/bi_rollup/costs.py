"""Costs from the billing export: the mart by day, their allocation to models, and what a thousand predictions cost.

The export restates days for weeks: rows that are exported since the last run name the days that are written anew, each from all of
its rows. In whatever order rows arrive, the mart is what a rebuild would write.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.business.costs import (
    UNALLOCATED,
    CostLine,
    ModelCost,
    allocate,
    named,
    per_1000_predictions,
    unallocated_ratio,
)
from core.settings import Billing, Settings
from core.settings.business import BILLED
from functions.bi_rollup import cost_anomalies
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.predictions import PredictionCount
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HISTORY, HOUR, floor
from functions.bi_rollup.statements import REST

MART = BILLED
WINDOW = 30 * DAY
OVERLAP = 2 * DAY
"""Rows become visible some time after their `export_time`: days of rows that were exported so long before are written again."""
SHOWN = 20
"""Names of a dimension with a metric of their own, the largest ones; the rest is one more."""
_EVERY = 6 * HOUR
_RECENT = 45 * DAY
"""Days whose costs by model are written at each run: predictions and labels of older ones do not change. Also how late the export may
be, beyond `WINDOW`, before the figures are not known."""
_BATCH = 90
"""Days that one statement writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDay:
    """A day that has new rows in the export."""

    day: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTotal:
    """Costs of a service on a day, with labels; None without one. Invalid amounts and rates are left out and counted."""

    day: datetime
    service: str
    model: str | None
    pipeline: str | None
    team: str | None
    dollars: float
    tax: float
    missing_amount: int
    invalid_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCostDay:
    """The cost of a model on a day, a row of the table."""

    day: datetime
    model: str
    direct_dollars: float
    shared_dollars: float
    dollars: float
    predictions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfModel:
    """The cost of a model over some days: for return on investment by model.

    Attributes:
        model: its name, or `unallocated`.
        dollars: direct and shared.
        predictions: of the days on which their number is known; None where it is on none.
        days_without_count: the other days.
    """

    model: str
    dollars: float
    predictions: int | None
    days_without_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSpan:
    """The first and the last day with costs, if there is any: the others are not known, and not 0."""

    oldest: datetime | None
    newest: datetime | None


CHANGED_COST_DAYS = Query("changed_cost_days", CostDay)
COST_TOTALS = Query("cost_totals", CostTotal)
COST_BY_MODEL = Query("cost_by_model", CostOfModel)
COST_SPAN = Query("cost_span", CostSpan)


def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Write the days that changed, allocate the last weeks, and measure the last 30 complete days."""
    billing = billing_of(outside.settings)
    seen = previous.complete_until.get(MART) if previous else None
    write_days(outside.tables, changed_days(outside.tables, due, seen), due)
    until = complete_day(billing, due)
    since = until - (_RECENT if seen else HISTORY)
    totals = outside.tables.read(COST_TOTALS, since=since, until=until)
    costs = model_costs(totals, billing, outside.predictions(since, until))
    if costs:
        outside.tables.write("write_model_costs", since=since, until=until, costs=costs)
    end = max(
        (row.day + DAY for row in totals), default=since
    )  # days without any row are not known: the export is late
    first = end - WINDOW if end - WINDOW >= since else until  # a part of the window says nothing of all of it
    recent = [row for row in totals if row.day >= first]
    metrics = (
        *_amounts(recent),
        *_allocated(recent, [row for row in costs if row.day >= first]),
        *data_issues("billing", _issues(recent) | {"late": (until - end) // DAY}),
        *cost_anomalies.metrics(outside.tables, _sums_of(recent, "service"), _sums_of(recent, "model"), end),
    )
    return RollupResult(due=due, metrics=metrics, complete_until={MART: due})


def has_billing(settings: Settings) -> bool:
    """Whether the settings name a billing export."""
    return settings.business.billing is not None


JOB = RollupJob(name="costs", every=_EVERY, max_age=DAY + HOUR, enabled=has_billing, run=run)


def billing_of(settings: Settings) -> Billing:
    """Where the billing export is.

    Raises:
        ValueError: the settings do not say.
    """
    if settings.business.billing is None:
        raise ValueError("business.billing: must be given, got nothing")
    return settings.business.billing


def complete_day(billing: Billing, due: datetime) -> datetime:
    """The end of the days whose costs are taken as complete."""
    return floor(due - billing.complete_after + DAY, DAY)


def known_until(outside: Outside, due: datetime) -> datetime | None:
    """The end of the newest complete day that the export has, as a late day is not 0; None where that is weeks ago."""
    until = complete_day(billing_of(outside.settings), due)
    since = until - _RECENT
    [span] = outside.tables.read(COST_SPAN, since=since, until=until)
    return span.newest + DAY if span.newest and span.newest + DAY - WINDOW >= since else None


def changed_days(tables: Tables, due: datetime, seen: datetime | None) -> list[datetime]:
    """The days that rows were exported of since the mart was written last; at first all of them."""
    since = due - HISTORY if seen is None else min(due, seen) - OVERLAP
    oldest = floor(due - HISTORY, DAY)
    return [row.day for row in tables.read(CHANGED_COST_DAYS, since=since, oldest=oldest, exported_until=due)]


def write_days(tables: Tables, days: Sequence[datetime], due: datetime) -> None:
    """Write days of the mart, in order, from the rows that were exported before an instant; some months a statement."""
    for first in range(0, len(days), _BATCH):
        batch = list(days[first : first + _BATCH])
        span = {"day_since": batch[0], "day_until": batch[-1] + DAY}
        tables.write("write_costs_daily", **span, days=batch, exported_until=due)


def model_costs(
    totals: Iterable[CostTotal], billing: Billing, counts: Iterable[PredictionCount] | None
) -> list[ModelCostDay]:
    """The costs of each day by model, with those that are unallocated.

    Args:
        totals: of whole days.
        billing: how costs are shared.
        counts: predictions by model and day; None where they are not known.
    """
    lines: dict[datetime, list[CostLine]] = defaultdict(list)
    for row in totals:
        lines[row.day].append(CostLine(service=row.service, model=row.model, dollars=row.dollars))
    predictions: dict[datetime, dict[str, int]] = defaultdict(dict)
    for count in counts or ():
        predictions[count.day][count.model] = count.predictions
    return [
        _day(day, model, cost, None if counts is None else predictions[day].get(model))
        for day in sorted(lines)
        for model, cost in allocate(lines[day], billing.shared, None if counts is None else predictions[day]).items()
    ]


def _day(day: datetime, model: str, cost: ModelCost, predictions: int | None) -> ModelCostDay:
    return ModelCostDay(
        day=day,
        model=model,
        direct_dollars=cost.direct,
        shared_dollars=cost.shared,
        dollars=cost.dollars,
        predictions=predictions,
    )


def _amounts(totals: Sequence[CostTotal]) -> Iterator[MetricValue]:
    """Costs and taxes of the period, where there are any rows."""
    if totals:
        yield MetricValue("aia_cost_billed_dollars", math.fsum(row.dollars for row in totals), {"kind": "net"})
        yield MetricValue("aia_cost_billed_dollars", math.fsum(row.tax for row in totals), {"kind": "tax"})


def _allocated(totals: Sequence[CostTotal], costs: Sequence[ModelCostDay]) -> Iterator[MetricValue]:
    """Costs by what they are allocated to, the unallocated share, and unit costs."""
    by: dict[str, dict[str, float]] = {
        "service": _sums_of(totals, "service"),
        "pipeline": _sums((_label(row.pipeline), row.dollars) for row in totals),
        "team": _sums((_label(row.team), row.dollars) for row in totals),
        "model": _sums((row.model, row.dollars) for row in costs),
    }
    for dimension, dollars in by.items():
        for name, amount in _shown(dollars).items():
            yield MetricValue("aia_cost_allocated_dollars", amount, {"dimension": dimension, "item": name})
        if dimension != "service" and (ratio := unallocated_ratio(dollars)) is not None:
            yield MetricValue("aia_cost_unallocated_ratio", ratio, {"dimension": dimension})
    yield from _unit_costs(costs)


def _unit_costs(costs: Iterable[ModelCostDay]) -> Iterator[MetricValue]:
    """The cost of 1,000 predictions, over the days on which their number is known."""
    counted = [(row, row.predictions) for row in costs if row.predictions is not None]
    dollars = _sums((row.model, row.dollars) for row, _ in counted)
    predictions = _sums((row.model, float(count)) for row, count in counted)
    for model in sorted(dollars, key=lambda model: (-dollars[model], model))[:SHOWN]:
        cost = per_1000_predictions(dollars[model], int(predictions[model]))
        if cost is not None:
            yield MetricValue("aia_cost_per_1000_predictions_dollars", cost, {"model": model})


def _label(name: str | None) -> str:
    return UNALLOCATED if name is None else named(name)


def _sums_of(totals: Iterable[CostTotal], column: str) -> dict[str, float]:
    """Dollars by what a column says, without the rows of which it says nothing."""
    return _sums((name, row.dollars) for row in totals if (name := getattr(row, column)) is not None)


def _sums(amounts: Iterable[tuple[str, float]]) -> dict[str, float]:
    parts: dict[str, list[float]] = defaultdict(list)
    for name, amount in amounts:
        parts[name].append(amount)
    return {name: math.fsum(found) for name, found in parts.items()}


def _shown(dollars: Mapping[str, float]) -> dict[str, float]:
    """The largest, and the rest as one; the unallocated are always shown."""
    order = sorted(dollars, key=lambda name: (name != UNALLOCATED, -abs(dollars[name]), name))
    rest = {REST: math.fsum(dollars[name] for name in order[SHOWN:])} if len(order) > SHOWN else {}
    return {name: dollars[name] for name in order[:SHOWN]} | rest


def _issues(totals: Sequence[CostTotal]) -> dict[str, int]:
    """Rows that are left out, where there are any rows."""
    issues = ("missing_amount", "invalid_rate") if totals else ()
    return {issue: sum(getattr(row, issue) for row in totals) for issue in issues}
