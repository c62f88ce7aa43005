"""The cost of each model over a period: what the billing export allocates to it, and its part of the other costs, with their basis."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.business.costs import UNALLOCATED
from core.settings import ModelReturn
from core.settings.business import BILLED_DOLLARS
from core.text import money
from functions.bi_rollup import costs, roi
from functions.bi_rollup.rollup import Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedCost:
    """The cost that is allocated to a model.

    Attributes:
        dollars: the cost.
        basis: what the allocation is based on.
    """

    dollars: float
    basis: str


def costs_of_models(outside: Outside, due: datetime, models: Iterable[str]) -> dict[str, AllocatedCost]:
    """The cost of each model over 30 days; none where no cost is known.

    Where the spending is that of the billing export, in dollars, a model has what that allocates to it, over the same days.
    """
    business, billed = outside.settings.business, dict[str, float]()
    if business.spends_what_is_billed and business.spending and business.spending.amount == BILLED_DOLLARS:
        until = costs.known_until(outside, due)
        rows = outside.tables.read(costs.COST_BY_MODEL, since=until - roi.WINDOW, until=until) if until else []
        billed = {row.model: row.dollars for row in rows if row.model != UNALLOCATED}
    kinds = roi.costs_by_kind(outside, due)
    return allocated(math.fsum(kinds.values()), models, business.roi.models, billed) if kinds else {}


def allocated(
    total: float, models: Iterable[str], given: Mapping[str, ModelReturn], billed: Mapping[str, float]
) -> dict[str, AllocatedCost]:
    """The cost of each model: what is billed for it, and of the other costs the stated share, or an equal part of what shares leave.

    Args:
        total: all costs, in dollars.
        models: the models.
        given: what the settings say of them.
        billed: of these costs, those that the billing export allocates to a model, by model.

    >>> allocated(100.0, ["a", "b", "c"], {"a": ModelReturn(cost_share=0.4)}, {})["b"]
    AllocatedCost(dollars=30.0, basis='an equal part, 1 of 2, of the costs that are not allocated by a share')
    >>> {name: cost.dollars for name, cost in allocated(100.0, ["a", "b"], {}, {"a": 60.0, "old": 10.0}).items()}
    {'a': 75.0, 'b': 15.0}
    """
    names = sorted(models)
    shares = {name: share for name, model in given.items() if (share := model.cost_share) is not None}
    others = [name for name in names if name not in shares]
    left = max(0.0, 1.0 - math.fsum(shares.values()))
    equal = f"an equal part, 1 of {len(others)}, of the costs that are not allocated by a share"
    stated = "of all costs, as stated"
    if billed:
        equal = f"{equal} or by the billing export"
        stated = "of the costs that the billing export does not allocate, as stated"
    rest = total - math.fsum(billed.values())
    found = {}
    for name in names:
        part, basis = (shares[name], f"{shares[name]:.4g} {stated}") if name in shares else (left / len(others), equal)
        direct = billed.get(name, 0.0)
        by_export = f"{money(direct)} by the billing export, and " if name in billed else ""
        found[name] = AllocatedCost(dollars=direct + rest * part, basis=f"{by_export}{basis}")
    return found
