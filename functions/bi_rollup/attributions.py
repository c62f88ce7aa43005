"""Revenue that is attributed to each model, and on what basis: an experiment, a stated share, or what the settings state."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.business.attribution import attributed_revenue
from core.business.experiments import Arm, difference, doubt, heavy_tail
from core.business.interval import Interval
from core.business.model_roi import Basis
from core.incidents.policy import Graph
from core.settings import ModelReturn, Returns, Settings
from core.text import percent
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.spans import DAY, HOUR

WINDOW = 30 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTotals:
    """Net revenue a customer in an arm of the experiment on a model; arm None is of customers of several arms."""

    model: str
    arm: str | None
    customers: int
    mean: float
    variance: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRevenue:
    """Net revenue of the orders of a model."""

    model: str
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Revenue of 30 days that is attributed to a model, and on what basis.

    Attributes:
        model: the model.
        basis: the kind of basis.
        text: the same in words, with its numbers.
        arm: of the experiment; empty without one.
        reason: why the revenue is not known.
        revenue: in dollars.
        has_interval: whether its bounds are known.
        customers: of the arm.
        share: of the model's cost: the arm's share of the customers with the model.
        effect: dollars a customer over the days compared, with the intervals of 90 % and 95 %.
    """

    model: str
    basis: Basis
    text: str
    arm: str = ""
    reason: str | None = None
    revenue: Interval | None = None
    has_interval: bool = False
    customers: int | None = None
    share: float = 1.0
    effect: tuple[Interval, Interval] | None = None


ARM_TOTALS = Query("arm_totals", ArmTotals)
MODEL_REVENUE = Query("model_revenue", ModelRevenue)


def from_orders(tables: Tables, returns: Returns, due: datetime) -> Iterator[Attribution]:
    """Revenue by the arms of experiments, and by shares of the revenue of a model's orders."""
    for days in sorted({model.days for model in returns.models.values() if model.control is not None}):
        totals = tables.read(ARM_TOTALS, since=due - days * DAY, until=due)
        for name, model in returns.models.items():
            if model.control is not None and model.days == days:
                of_model = [row for row in totals if row.model == name]
                yield from by_experiment(name, model, of_model, returns.minimum_customers)
    shared = {name: model.share for name, model in returns.models.items() if model.share is not None}
    if shared:
        revenue = {row.model: row.dollars for row in tables.read(MODEL_REVENUE, since=due - WINDOW, until=due)}
        for name, share in shared.items():
            yield _by_share(name, share, revenue.get(name))


def by_experiment(name: str, model: ModelReturn, totals: Sequence[ArmTotals], minimum: int) -> Iterator[Attribution]:
    """The attributed revenue of each arm but the control: the difference in means, for all of its customers.

    Args:
        name: of the model.
        model: its settings, with a control arm.
        totals: of its arms.
        minimum: customers that each arm must have.
    """
    control = model.control or ""
    arms = {row.arm: _arm(row) for row in totals if row.arm is not None}
    crossed = sum(row.customers for row in totals if row.arm is None)
    reason = doubt(arms, control, model.split, minimum)
    if reason is not None:
        text = f"experiment against {control!r}, {model.days} days"
        yield Attribution(model=name, basis=Basis.EXPERIMENT, text=text, reason=reason)
        return
    treated = sum(arm.customers for key, arm in arms.items() if key != control)
    for key, arm in sorted(arms.items()):
        if key != control:
            effects = tuple(difference(arm, arms[control], level=level) for level in (0.9, 0.95))
            yield Attribution(
                model=name,
                basis=Basis.EXPERIMENT,
                arm=key,
                text=_experiment_text(key, arms, control, model.days, crossed),
                revenue=effects[0].times(arm.customers * (WINDOW / DAY) / model.days),
                has_interval=True,
                customers=arm.customers,
                share=arm.customers / treated,
                effect=(effects[0], effects[1]),
            )


def _experiment_text(arm: str, arms: Mapping[str, Arm], control: str, days: int, crossed: int) -> str:
    counts = f"{arms[arm].customers} customers in {arm!r}, {arms[control].customers} in {control!r}, {days} days"
    notes = [f"{crossed} customers of several arms left out"] if crossed else []
    shares = {key: share for key in (arm, control) if (share := heavy_tail(arms[key])) is not None}
    notes += [
        f"one customer is {percent(share)} of the revenue of {key!r}: the interval depends on few customers"
        for key, share in shares.items()
    ]
    return "; ".join([f"difference in mean net revenue per customer: {counts}", *notes])


def _arm(row: ArmTotals) -> Arm:
    return Arm(customers=row.customers, mean=row.mean, variance=row.variance, largest=row.largest)


def _by_share(name: str, share: float, dollars: float | None) -> Attribution:
    text = f"stated share, {share:.4g} of the net revenue of its orders in 30 days"
    if dollars is None:
        return Attribution(model=name, basis=Basis.SHARE, text=text, reason="no order of this model in 30 days")
    return Attribution(model=name, basis=Basis.SHARE, text=text, revenue=_exactly(share * dollars))


def from_settings(
    settings: Settings, targets: Iterable[str], others: Mapping[str, ModelReturn]
) -> Iterator[Attribution]:
    """Revenue that the settings state, of models that orders say nothing of."""
    graph = Graph(settings.dependencies)
    for target in targets:
        name = target.partition("/")[2]
        hourly = attributed_revenue([target], graph, settings.revenue)
        if hourly and (name not in others or (others[name].control is None and others[name].share is None)):
            dollars = math.fsum(hourly.values()) * (WINDOW / HOUR)
            text = f"stated dollars an hour of {', '.join(sorted(hourly))}, by the shares of the dependencies"
            yield Attribution(model=name, basis=Basis.STATED, text=text, revenue=_exactly(dollars))


def _exactly(dollars: float) -> Interval:
    return Interval(low=dollars, middle=dollars, high=dollars)
