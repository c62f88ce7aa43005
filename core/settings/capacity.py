"""The section `capacity`: resources whose limit is forecast, how they are scaled, and metrics that are watched for anomalies."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from core.errors import Fault
from core.events import Severity
from core.metrics import CATALOGUE, MetricKind
from core.settings.declare import Faults, validator
from core.settings.kinds import Slug, Streak, Target
from core.settings.notes import Defines, Items, NoneAs, Pattern, Range

PromQL = Annotated[str, Pattern(r"[^\x00]{1,2000}", "must be a PromQL expression of 1 to 2000 characters")]


class Crosses(StrEnum):
    """On which side of the limit a value is too much."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many replicas a resource needs, and what they cost."""

    replicas: PromQL
    """Expression of the current number of replicas: one series."""
    minimum: Annotated[int, Range(1, 10_000)] = 1
    """Least number of replicas that is proposed."""
    maximum: Annotated[int, Range(1, 10_000)] = 10
    """Largest number of replicas that is proposed."""
    utilization: Annotated[float, Range(0.05, 1)] = 0.7
    """Share of the limit that replicas are sized for."""
    dollars_per_hour: Annotated[float, Range(0, 1_000_000, "dollars an hour")] = 0.0
    """Price of a replica."""
    cooldown: Annotated[timedelta, Range("5m", "7d")] = timedelta(minutes=30)
    """Least time between two proposals to scale."""
    scale_in: bool = False
    """Whether it is a finding that fewer replicas than there are have sufficed for an hour, for a playbook to scale in."""


@validator(Scaling, "minimum", "maximum")
def _the_least_is_not_above_the_most(scaling: Scaling) -> Faults:
    if scaling.minimum > scaling.maximum:
        yield Fault("minimum", f"must be at most the maximum of {scaling.maximum}", scaling.minimum)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityResource:
    """A resource with a limit."""

    name: Annotated[Slug, Defines("capacity resource")]
    """Name of the resource."""
    target: Target
    """The target that it belongs to."""
    query: PromQL
    """Expression of its usage: one series. What else it depends on (rates, ranges) is part of it."""
    limit: Annotated[float, Range(1e-12, 1e18)]
    """Limit, in the unit of the expression."""
    crosses: Crosses = Crosses.ABOVE
    """Whether a value at or `above` the limit is too much, or one at or `below` it, as of free disk space."""
    unit: Annotated[str, Pattern(r"[a-z_%]{1,30}", "must be a unit of small letters, as in 'bytes'")] = ""
    """Unit of the limit, for people."""
    sure: Annotated[float, Range(0.5, 0.99)] = 0.8
    """Probability from which a crossing within the next hour is a finding."""
    fail_after: Streak = 2
    """Number of consecutive bad verdicts, five minutes apart, before a finding."""
    recover_after: Streak = 3
    """Number of consecutive good verdicts before it is resolved."""
    severity: Severity = Severity.WARNING
    """Severity while the crossing is predicted; at the limit it is at least `error`."""
    no_verdict_after: Annotated[timedelta | None, Range("15m", "90d"), NoneAs("never")] = timedelta(days=1)
    """How long nothing may be known of the resource before that is a finding."""
    scaling: Scaling | None = None
    """How it is scaled; without it nothing is proposed."""


@validator(CapacityResource, "crosses", "scaling")
def _usage_grows_with_load(resource: CapacityResource) -> Faults:
    if resource.scaling is not None and resource.crosses is not Crosses.ABOVE:
        yield Fault("crosses", "must be above where scaling is given", resource.crosses.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitySettings:
    """What `capacity` forecasts and watches."""

    resources: tuple[CapacityResource, ...] = ()
    """The resources, by unique names."""
    anomalies: Annotated[tuple[str, ...], Items(unique=True)] = ()
    """Gauges of the catalogue, each series of which is watched for anomalies."""


@validator(CapacitySettings, "anomalies")
def _metrics_are_gauges_of_the_catalogue(capacity: CapacitySettings) -> Faults:
    for index, name in enumerate(capacity.anomalies):
        if name not in CATALOGUE or CATALOGUE[name].kind is not MetricKind.GAUGE:
            yield Fault(f"anomalies[{index}]", "must be a gauge of the catalogue (core/metrics)", name)
