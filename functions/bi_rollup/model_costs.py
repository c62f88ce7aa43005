"""The cost of each model over a period: its part of all costs, with what that part is based on."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.settings import ModelReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedCost:
    """The cost that is allocated to a model.

    Attributes:
        dollars: the cost.
        basis: what the allocation is based on.
    """

    dollars: float
    basis: str


def allocated(total: float, models: Iterable[str], given: Mapping[str, ModelReturn]) -> dict[str, AllocatedCost]:
    """The cost of each model: the share of all costs that the settings state, or an equal part of what these leave.

    Args:
        total: all costs, in dollars.
        models: the models.
        given: what the settings say of them.

    >>> allocated(100.0, ["a", "b", "c"], {"a": ModelReturn(cost_share=0.4)})["b"]
    AllocatedCost(dollars=30.0, basis='an equal part, 1 of 2, of the costs that are not allocated by a share')
    """
    names = sorted(models)
    shares = {name: share for name, model in given.items() if (share := model.cost_share) is not None}
    others = [name for name in names if name not in shares]
    rest = max(0.0, 1.0 - math.fsum(shares.values()))
    equal = f"an equal part, 1 of {len(others)}, of the costs that are not allocated by a share"
    return {
        name: AllocatedCost(dollars=total * shares[name], basis=f"{shares[name]:.4g} of all costs, as stated")
        if name in shares
        else AllocatedCost(dollars=total * rest / len(others), basis=equal)
        for name in names
    }
