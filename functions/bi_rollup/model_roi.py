"""Return on investment of each model: revenue attributed by an experiment or by a stated share, less its allocated cost; daily.

Each number has its basis beside it. Where one is missing, the return is not known, and the reason is given.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.business.interval import Interval
from core.business.model_roi import ModelRoi, Verdict, model_roi
from core.settings import ModelReturn, Returns, Settings
from core.text import money
from functions.bi_rollup.attributions import WINDOW, Attribution, from_orders, from_settings
from functions.bi_rollup.local_days import instant
from functions.bi_rollup.model_costs import AllocatedCost, costs_of_models
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

TABLE = "marts.model_roi"
BOUNDS = ("low", "middle", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRow:
    """A row of the table, but for its day."""

    model: str
    arm: str
    basis: str
    basis_text: str
    verdict: str
    reason: str | None
    customers: int | None
    effect_low: float | None = None
    effect_middle: float | None = None
    effect_high: float | None = None
    effect_low_95: float | None = None
    effect_high_95: float | None = None
    revenue_low: float | None = None
    revenue_middle: float | None = None
    revenue_high: float | None = None
    cost: float | None = None
    cost_basis: str | None = None
    target: float
    roi_low: float | None = None
    roi_middle: float | None = None
    roi_high: float | None = None
    payback_low: float | None = None
    payback_middle: float | None = None
    payback_high: float | None = None
    projection_low: float | None = None
    projection_middle: float | None = None
    projection_high: float | None = None


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """The return of every model of which the settings say what it earns, as of a local midnight."""
    settings, returns = outside.settings, outside.settings.business.roi
    found = [
        *from_orders(outside.tables, returns, due),
        *from_settings(settings, [model.target for model in outside.models().values()], returns.models),
    ]
    midnight = instant(due, settings.business.time_zone)
    costs = costs_of_models(outside, midnight, {one.model for one in found})
    rows = [_row(one, costs.get(one.model), returns) for one in sorted(found, key=lambda one: (one.model, one.arm))]
    if not rows:
        return RollupResult(due=due)
    outside.tables.write("write_model_roi", day=due, returns=rows)
    target = MetricValue("aia_model_roi_target_ratio", returns.target)
    metrics = (target, *(metric for row in rows for metric in _metrics(row)))
    return RollupResult(due=due, metrics=metrics, complete_until={TABLE: due})


def _has_returns(settings: Settings) -> bool:
    return bool(settings.business.roi.models or settings.revenue)


JOB = RollupJob(name="model_roi", every=DAY, max_age=DAY + HOUR, enabled=_has_returns, run=run)


def _row(found: Attribution, cost: AllocatedCost | None, returns: Returns) -> ReturnRow:
    """The row of an attribution, with its return where revenue and cost are known."""
    dollars = None if cost is None else cost.dollars * found.share
    reason = found.reason
    if reason is None and dollars is None:
        reason = "no cost is known of it"
    elif reason is None and dollars is not None and dollars <= 0:
        reason = f"its cost is not above 0: {money(dollars)}"
    given = returns.models.get(found.model, ModelReturn())
    known = None
    if reason is None and found.revenue is not None and dollars is not None:
        investment = None if given.investment is None else given.investment * found.share
        known = model_roi(found.revenue, dollars, target=returns.target, investment=investment)
    return ReturnRow(
        model=found.model,
        arm=found.arm,
        basis=found.basis.value,
        basis_text=found.text,
        verdict=(known.verdict if known else Verdict.NOT_KNOWN).value,
        reason=reason,
        customers=found.customers,
        cost=dollars,
        cost_basis=cost.basis if cost else None,
        target=returns.target,
        **_effect(found),
        **_bounds("revenue", found.revenue, found.has_interval),
        **(_return(known, found.has_interval) if known else {}),
    )


def _effect(found: Attribution) -> dict[str, float | None]:
    if found.effect is None:
        return {}
    narrow, wide = found.effect
    return _bounds("effect", narrow, True) | {"effect_low_95": wide.low, "effect_high_95": wide.high}  # noqa: FBT003 - as named


def _return(known: ModelRoi, has_interval: bool) -> dict[str, float | None]:  # noqa: FBT001 - as in Attribution
    return (
        _bounds("roi", known.ratio, has_interval)
        | _bounds("payback", known.payback, has_interval)
        | _bounds("projection", known.projection, has_interval)
    )


def _bounds(name: str, value: Interval | None, has_interval: bool) -> dict[str, float | None]:  # noqa: FBT001 - as in Attribution
    """The columns of an estimate; those that are not known or not finite are None."""
    if value is None:
        return {}
    shown = BOUNDS if has_interval else ("middle",)
    return {f"{name}_{bound}": found for bound in shown if math.isfinite(found := getattr(value, bound))}


def _metrics(row: ReturnRow) -> Iterator[MetricValue]:
    """The metrics of a row; `aia_model_roi_known` is there for each."""
    labels = {"model": row.model, "arm": row.arm or "-", "basis": row.basis}
    yield MetricValue("aia_model_roi_known", float(row.roi_middle is not None), labels)
    if row.cost is not None:
        yield MetricValue("aia_model_roi_cost_dollars", row.cost, labels)
    for metric, column, factor in (
        ("aia_model_attributed_revenue_dollars", "revenue", 1.0),
        ("aia_model_roi_ratio", "roi", 1.0),
        ("aia_model_payback_seconds", "payback", WINDOW.total_seconds()),
        ("aia_model_projection_dollars", "projection", 1.0),
    ):
        for bound in BOUNDS:
            if (value := getattr(row, f"{column}_{bound}")) is not None:
                yield MetricValue(metric, value * factor, labels | {"bound": bound})
