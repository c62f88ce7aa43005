"""The section `business.roi`: what the return on investment of each model is computed from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import Share, Slug
from core.settings.notes import Excludes, Range, Requires


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReturn:
    """What the revenue and the cost of a model are computed from."""

    control: str | None = None
    """Control arm: the customers without the model. The revenue of the model is what customers of the other arms spend more than these."""
    split: Annotated[Mapping[str, Share], Requires("control")] = field(default_factory=dict)
    """Planned share of customers by arm; equal shares by default. Where the actual shares differ (sample ratio mismatch), the effect is not known."""
    days: Annotated[int, Range(7, 365, "days")] = 30
    """Days of the experiment that are compared, up to the last midnight."""
    share: Annotated[Share | None, Excludes("control")] = None
    """Share of the net revenue of its orders (`orders.model`) that is attributed to it, where there is no experiment."""
    cost_share: Share | None = None
    """Share of all costs that the billing export does not allocate; without it, an equal part of what such shares leave."""
    investment: Annotated[float | None, Range(0, 1e12, "dollars")] = None
    """One-time cost, for the payback."""


@validator(ModelReturn, "split", "control")
def _the_split_is_of_everybody(given: ModelReturn) -> Faults:
    if not given.split:
        return
    if given.control not in given.split:
        yield Fault("split", f"must have the arm of control, {given.control!r}", dict(given.split))
    if not math.isclose(sum(given.split.values()), 1.0, abs_tol=1e-6) or min(given.split.values()) <= 0:
        yield Fault("split", "must be above 0 each, and sum up to 1", dict(given.split))


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Return on investment of each model."""

    target: Annotated[float, Range(-1, 100)] = 0.5
    """Return on investment that a model must have: 0.5 is 50%."""
    minimum_customers: Annotated[int, Range(2, 1_000_000, "customers")] = 100
    """Customers that each arm must have; with fewer the effect is not known."""
    models: Mapping[Slug, ModelReturn] = field(default_factory=dict)
    """By model, as in the column `orders.model`."""


@validator(Returns, "models")
def _costs_are_allocated_once(given: Returns) -> Faults:
    total = math.fsum(model.cost_share or 0.0 for model in given.models.values())
    if total > 1 + 1e-9:
        yield Fault("models", "must have a cost_share of at most 1 in total", round(total, 6))
