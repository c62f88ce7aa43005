"""The key `promotion` of a model: how a challenger is compared with the champion, and how it takes over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from core.errors import Fault
from core.measures import Better
from core.settings.declare import Faults, validator
from core.settings.notes import Default, Items, Range
from core.settings.training import TrainingPipeline

ALL_TRAFFIC = 100


class Mode(StrEnum):
    """How champion and challenger are compared."""

    SHADOW = "shadow"
    """Both score every request, the champion answers; their predictions are compared in pairs, by the labels."""
    AB = "ab"
    """Each unit (customer, session or request) is answered by one of them; the outcomes of both groups are compared."""


class UnitOutcome(StrEnum):
    """What is observed of a unit of an experiment."""

    CONVERSION = "conversion"
    """Whether there was an order."""
    REVENUE = "revenue"
    """Net dollars."""
    LATENCY = "latency"
    """Seconds of a prediction."""
    ERROR_RATE = "error_rate"
    """Whether a prediction failed."""

    @property
    def better(self) -> Better:
        """Which values are better."""
        return Better.LOWER if self in OF_SERVICE else Better.HIGHER

    @property
    def binary(self) -> bool:
        """Whether a unit has it or has not, so that its mean is a rate."""
        return self in (UnitOutcome.CONVERSION, UnitOutcome.ERROR_RATE)


OF_SERVICE = (UnitOutcome.LATENCY, UnitOutcome.ERROR_RATE)
"""The outcomes of a prediction."""
OF_BUSINESS = (UnitOutcome.CONVERSION, UnitOutcome.REVENUE)
"""The outcomes of a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRail:
    """How much worse than the champion the challenger may be, in one outcome; the sum of both margins."""

    margin: Annotated[float, Range(0, 1)] = 0.0
    """As a share of the champion's mean: 0.05 allows a latency that is 5% higher."""
    absolute: Annotated[float, Range(0, 1e12)] = 0.0
    """In the unit of the outcome: 0.001 allows one more failure in 1,000; for rates that may be 0."""


@validator(GuardRail, "margin", "absolute")
def _a_margin_is_given(guard_rail: GuardRail) -> Faults:
    if not guard_rail.margin and not guard_rail.absolute:
        # No sample shows that there is no difference at all.
        yield Fault("margin", "must be above 0, or absolute must be", guard_rail.margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """How a registered version of the model is compared with the champion and replaces it; without it, versions are only registered."""

    mode: Mode = Mode.SHADOW
    """`shadow` compares the predictions on all requests by their labels (accuracy, absolute error or NDCG, by the task); `ab` compares
    the outcomes of two groups of units."""
    measure: Annotated[UnitOutcome | None, Default("`conversion` where the mode is `ab`")] = None
    """What must be better, where the mode is `ab`: `conversion` or `revenue`."""
    minimum: Annotated[int, Range(100, 1_000_000_000, "units")] = 1000
    """Labelled pairs (`shadow`), or units in the smaller group (`ab`), before the measure decides."""
    maximum: Annotated[int, Range(100, 1_000_000_000, "units")] = 100_000
    """Labelled pairs, or units in each group, at which the experiment ends; the tests are tuned for it."""
    days: Annotated[int, Range(1, 365, "days")] = 28
    """Length of the experiment at which a challenger that is not shown to be better is rejected."""
    every: Annotated[timedelta, Range("15m", "7d")] = timedelta(hours=1)
    """How often the data are evaluated."""
    share: Annotated[int, Range(1, 99, "per cent")] = 50
    """Traffic of the challenger while both are compared, where the mode is `ab`."""
    alpha: Annotated[float, Range(1e-6, 0.5)] = 0.05
    """Chance of a wrong decision over the whole experiment, however often it is evaluated: half of it for a promotion."""
    margin: Annotated[float, Range(-1_000_000, 1_000_000)] = 0.0
    """By how much the challenger must be better, in the unit of the measure (0.01 is one percentage point); below 0 it may be that much
    worse, as for a version that is only newer."""
    guard_rails: Mapping[UnitOutcome, GuardRail] = field(default_factory=dict, hash=False)
    """What must not become worse, by outcome: of `latency` and `error_rate`, and where the mode is `ab` also of `conversion` and `revenue`."""
    steps: Annotated[tuple[Annotated[int, Range(1, ALL_TRAFFIC, "per cent")], ...], Items(at_least=1, unique=True)] = (
        5,
        25,
        ALL_TRAFFIC,
    )
    """Traffic of the challenger, step after step, in per cent; ascending up to 100."""
    watch: Annotated[timedelta, Range("1s", "30d")] = timedelta(days=1)
    """How long each step is watched before the next one."""
    auto: bool = False
    """Whether the decision is carried out; otherwise a person promotes."""
    scoring: TrainingPipeline | None = None
    """The Vertex AI pipeline by which the challenger scores logged predictions before each look, also those from before it was
    registered; without it, the application writes `ops.shadow_predictions`."""

    @property
    def outcome(self) -> UnitOutcome:
        """What must be better in the mode `ab`."""
        return self.measure or UnitOutcome.CONVERSION


@validator(Promotion, "minimum", "maximum")
def _the_minimum_is_reached_first(promotion: Promotion) -> Faults:
    if promotion.minimum > promotion.maximum:
        yield Fault("minimum", f"must be at most the maximum of {promotion.maximum} units", promotion.minimum)


@validator(Promotion, "steps")
def _steps_lead_to_all_traffic(promotion: Promotion) -> Faults:
    if list(promotion.steps) != sorted(promotion.steps) or promotion.steps[-1] != ALL_TRAFFIC:
        yield Fault("steps", f"must ascend and end at {ALL_TRAFFIC}", ", ".join(map(str, promotion.steps)))


@validator(Promotion, "mode", "measure")
def _the_measure_is_one_of_its_mode(promotion: Promotion) -> Faults:
    if promotion.measure is not None and promotion.mode is not Mode.AB:
        yield Fault("measure", f"must not be given where the mode is {promotion.mode}", promotion.measure.value)
    elif promotion.measure in OF_SERVICE:
        yield Fault("measure", f"must be one of {', '.join(OF_BUSINESS)}", promotion.measure.value)


@validator(Promotion, "mode", "scoring")
def _only_shadows_are_scored(promotion: Promotion) -> Faults:
    if promotion.scoring is not None and promotion.mode is not Mode.SHADOW:
        yield Fault("scoring", f"must not be given where the mode is {promotion.mode}")


@validator(Promotion, "mode", "measure", "guard_rails")
def _guard_rails_are_observed(promotion: Promotion) -> Faults:
    for outcome in promotion.guard_rails:
        path = f"guard_rails.{outcome}"
        if promotion.mode is Mode.SHADOW and outcome in OF_BUSINESS:
            yield Fault(path, f"must be one of {', '.join(OF_SERVICE)} where the mode is shadow", outcome.value)
        elif promotion.mode is Mode.AB and outcome is promotion.outcome:
            yield Fault(path, "must be another outcome than the measure", outcome.value)
