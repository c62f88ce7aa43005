"""Allocation of costs to models, and unit costs.

Direct costs have the label of a model. Costs that models share are divided by stated shares, or by predictions. What is left is
unallocated: it is shown, and never spread over the models unseen.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.business.checks import EstimateError
from core.settings.business import SharedCost

UNALLOCATED = "unallocated"
"""The name of costs without a label; no label has this value, see `named`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Costs of a service; credits are deducted.

    Attributes:
        service: as the billing export names it.
        model: of the label; None without one.
        dollars: finite.
    """

    service: str
    model: str | None
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """The cost of a model in dollars.

    Attributes:
        direct: of its label.
        shared: its part of the costs that models share.
    """

    direct: float = 0.0
    shared: float = 0.0

    @property
    def dollars(self) -> float:
        """Direct and shared."""
        return self.direct + self.shared


def allocate(
    lines: Iterable[CostLine], rules: Iterable[SharedCost], predictions: Mapping[str, int] | None
) -> dict[str, ModelCost]:
    """The cost of each model, and of `UNALLOCATED`; together what the lines add up to.

    Args:
        lines: of one period.
        rules: how services without a label are shared.
        predictions: of the same period by model; None where not known, so that costs shared by predictions stay unallocated.

    Raises:
        EstimateError: an amount is not finite.

    >>> lines = [CostLine(service="Vertex AI", model="churn", dollars=6.0), CostLine(service="BigQuery", model=None, dollars=4.0)]
    >>> allocate(lines, [SharedCost(service="BigQuery", shares={"churn": 0.75})], None)
    {'churn': ModelCost(direct=6.0, shared=3.0), 'unallocated': ModelCost(direct=1.0, shared=0.0)}
    """
    by_service = {rule.service: rule for rule in rules}
    direct: dict[str, list[float]] = defaultdict(list)
    shared: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if not math.isfinite(line.dollars):
            raise EstimateError(f"lines: dollars of {line.service} must be finite, got {line.dollars}")
        if line.model is not None:
            direct[named(line.model)].append(line.dollars)
            continue
        parts = _parts(by_service.get(line.service), predictions, line.dollars)
        for model, dollars in parts.items():
            shared[model].append(dollars)
        direct[UNALLOCATED] += [line.dollars, *(-dollars for dollars in parts.values())]
    return {
        name: ModelCost(direct=math.fsum(direct[name]), shared=math.fsum(shared[name]))
        for name in sorted({*direct, *shared}, key=lambda name: (name == UNALLOCATED, name))
    }


def _parts(rule: SharedCost | None, predictions: Mapping[str, int] | None, dollars: float) -> dict[str, float]:
    """What of an unlabelled amount each model has."""
    if rule is None:
        return {}
    if rule.shares:
        return {model: dollars * share for model, share in rule.shares.items()}
    total = sum(predictions.values()) if predictions else 0
    return {model: dollars * (count / total) for model, count in (predictions or {}).items()} if total else {}


def named(name: str) -> str:
    """A name as it is shown beside the unallocated costs.

    >>> named("churn"), named("unallocated")
    ('churn', 'unallocated (label)')
    """
    return f"{name} (label)" if name == UNALLOCATED else name


def unallocated_ratio(costs: Mapping[str, float]) -> float | None:
    """The share of costs that is unallocated, 0 to 1; None where they do not add up to more than 0.

    Credits may exceed the costs of a name, so the share is limited to its range.

    >>> unallocated_ratio({"growth": 30.0, "unallocated": 10.0}), unallocated_ratio({})
    (0.25, None)
    """
    total = math.fsum(costs.values())
    if total <= 0:
        return None
    return min(1.0, max(0.0, costs.get(UNALLOCATED, 0.0) / total))


def per_1000_predictions(dollars: float, predictions: int | None) -> float | None:
    """Dollars for a thousand predictions; None where there are none, or their number is not known.

    >>> per_1000_predictions(30.0, 12_000), per_1000_predictions(30.0, 0)
    (2.5, None)
    """
    return dollars / predictions * 1000 if predictions else None
