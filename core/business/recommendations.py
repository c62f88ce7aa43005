"""Recommendations that lower costs: evidence in, recommendation out, with dollars a month and how sure that is.

Each kind is a function of its evidence. What is not known gives no recommendation: an endpoint whose predictions are not counted is not
idle, and a machine whose utilisation is not measured is not too large.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.business.scans import TableScan
from core.text import money, percent

MONTH_DAYS = 30
IDLE_DAYS = 14
"""Days without a prediction after which an endpoint is idle."""
BASE_DAYS = 30
"""Days that a commitment is judged by."""
COMMITMENT_DISCOUNT = 0.28
"""Of a flexible commitment of one year (https://cloud.google.com/compute/docs/instances/committed-use-discounts-overview)."""
COMMITTABLE = ("Compute Engine", "Kubernetes Engine", "Cloud Run")
"""Services whose use flexible commitments discount."""
SERVING = ("Vertex AI", *COMMITTABLE)
"""Services that cost while an endpoint waits for requests."""
LEAST_DOLLARS = 1.0
"""Savings a month below it are not worth a recommendation."""
_BUSY = 0.7
"""Utilisation that a smaller machine may have at its busy times."""
_HALVINGS = (0.25, 0.5)
"""Sizes of a smaller machine, as a share."""
_STEADY = 0.5
"""A base below this share of the mean is too unsteady to commit to with more than low confidence."""


class RecommendationKind(StrEnum):
    """What is recommended."""

    IDLE_ENDPOINT = "idle_endpoint"
    """Undeploy an endpoint without predictions."""
    OVERSIZED_MACHINE = "oversized_machine"
    """Use a smaller machine."""
    UNPARTITIONED_SCAN = "unpartitioned_scan"
    """Partition a table."""
    COMMITMENT = "commitment"
    """Commit to the steady part of what is used."""
    GOOGLE = "google"
    """One of Google's Recommender."""


class Confidence(StrEnum):
    """How sure the saving is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostScope:
    """The costs that a recommendation changes, by which its saving is measured; an empty text is any."""

    model: str = ""
    service: str = ""
    region: str = ""
    resource: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the costs can be told from others."""
        return bool(self.model or self.service or self.region or self.resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A recommendation.

    Attributes:
        kind: what is recommended.
        target: what it is about, as in `model/churn`.
        dollars_per_month: what it would save; None where it is not known.
        evidence: what it was concluded from, and what to do; one line.
        confidence: how sure the saving is.
        scope: the costs that it changes.
    """

    kind: RecommendationKind
    target: str
    dollars_per_month: float | None
    evidence: str
    confidence: Confidence
    scope: CostScope = CostScope()

    @property
    def key(self) -> str:
        """Identifies it, however often it is made."""
        return f"{self.kind}:{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingDay:
    """What serving a model costs on a day, in dollars, and its predictions; None where they are not known."""

    dollars: float
    predictions: int | None


def idle_endpoint(model: str, days: Sequence[ServingDay]) -> Recommendation | None:
    """Undeploy what serves a model without predictions.

    Args:
        model: its name.
        days: the newest days.

    >>> idle_endpoint("churn-v1", [ServingDay(dollars=12.0, predictions=0)] * 14).dollars_per_month
    360.0
    """
    recent = days[-IDLE_DAYS:]
    if len(recent) < IDLE_DAYS or any(day.predictions is None or day.predictions > 0 for day in recent):
        return None
    dollars = math.fsum(day.dollars for day in recent) / IDLE_DAYS * MONTH_DAYS
    if dollars < LEAST_DOLLARS:
        return None
    costs_daily = all(day.dollars > 0 for day in recent)
    return Recommendation(
        kind=RecommendationKind.IDLE_ENDPOINT,
        target=f"model/{model}",
        dollars_per_month=dollars,
        evidence=f"no prediction in {IDLE_DAYS} days, serving costs {money(dollars / MONTH_DAYS)} a day: undeploy it",
        confidence=Confidence.HIGH if costs_daily else Confidence.MEDIUM,
        scope=CostScope(model=model),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUse:
    """How busy the machines of a target are.

    Attributes:
        target: as in `model/churn`.
        model: the label of its costs.
        cpu: utilisation that is exceeded in 5 % of the time, 0 to 1.
        memory: the same of the memory; None where it is not measured.
        dollars_per_day: what the machines cost.
    """

    target: str
    model: str
    cpu: float
    memory: float | None
    dollars_per_day: float


def oversized_machine(use: MachineUse) -> Recommendation | None:
    """Use a machine of half or a quarter of the size, where that would not be busier than 70 %.

    >>> use = MachineUse(target="model/churn", model="churn", cpu=0.12, memory=0.3, dollars_per_day=20.0)
    >>> oversized_machine(use).dollars_per_month
    300.0
    """
    busiest = max(use.cpu, use.memory or 0.0)
    size = next((size for size in _HALVINGS if busiest / size <= _BUSY), None)
    if size is None or not math.isfinite(busiest):
        return None
    dollars = use.dollars_per_day * MONTH_DAYS * (1 - size)
    if dollars < LEAST_DOLLARS:
        return None
    memory = "memory is not measured" if use.memory is None else f"memory {percent(use.memory)}"
    return Recommendation(
        kind=RecommendationKind.OVERSIZED_MACHINE,
        target=use.target,
        dollars_per_month=dollars,
        evidence=f"CPU {percent(use.cpu)} and {memory} at the busiest 5% of {IDLE_DAYS} days: use {percent(size)} of the machine",
        confidence=Confidence.LOW if use.memory is None else Confidence.MEDIUM,
        scope=CostScope(model=use.model),
    )


def unpartitioned_scan(scan: TableScan) -> Recommendation | None:
    """Partition a table that every statement reads whole."""
    dollars = scan.saving_per_month
    if dollars < LEAST_DOLLARS:
        return None
    return Recommendation(
        kind=RecommendationKind.UNPARTITIONED_SCAN,
        target=f"table/{scan.source.table}",
        dollars_per_month=dollars,
        evidence=f"each statement reads {scan.period / 2**30:,.1f} GiB, {money(scan.dollars_per_month)} a month: {scan.advice}",
        confidence=Confidence.MEDIUM,
    )


def commitment(service: str, region: str, daily: Sequence[float]) -> Recommendation | None:
    """Commit to what a service costs on nearly every day in a region.

    Args:
        service: one of `COMMITTABLE`; others have no such commitments.
        region: where.
        daily: dollars a day on demand, of the newest days.

    >>> round(commitment("Compute Engine", "us-central1", [100.0] * 30).dollars_per_month)
    840
    """
    recent = sorted(daily[-BASE_DAYS:])
    if service not in COMMITTABLE or len(recent) < BASE_DAYS:
        return None
    base, mean = recent[BASE_DAYS // 10], math.fsum(recent) / BASE_DAYS
    dollars = base * MONTH_DAYS * COMMITMENT_DISCOUNT
    if dollars < LEAST_DOLLARS:
        return None
    return Recommendation(
        kind=RecommendationKind.COMMITMENT,
        target=f"service/{service.lower().replace(' ', '-')}:{region}",
        dollars_per_month=dollars,
        evidence=f"at least {money(base)} on nine of ten days of {BASE_DAYS}, {money(mean)} on average: commit to it for a year",
        confidence=Confidence.MEDIUM if base >= _STEADY * mean else Confidence.LOW,
        scope=CostScope(service=service, region=region),
    )


def largest_first(found: Iterable[Recommendation | None]) -> Iterator[Recommendation]:
    """The recommendations, each once, those that save most first; those whose saving is not known last."""
    each = {one.key: one for one in found if one is not None}
    yield from sorted(each.values(), key=lambda one: (-(one.dollars_per_month or 0.0), one.key))
