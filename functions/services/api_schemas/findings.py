"""Conditions and findings of detectors, and the values of signals."""

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from functions.services.api_schemas import Instant, Next
from functions.services.api_schemas.system import Signal


class Condition(TypedDict):
    """A condition of a target, as it was last counted; a verdict that changes nothing is not counted."""

    key: Annotated[str, Meta(description="TARGET:KIND.")]
    status: Literal["firing", "resolved"]
    since: Annotated[Instant | None, Meta(description="When the status began to hold.")]
    at: Annotated[Instant | None, Meta(description="Of the newest verdict that was counted.")]
    streak: Annotated[int, Meta(description="How many of the newest verdicts in a row contradict the status.")]
    severity: str
    reason: str
    unknown_since: Annotated[Instant | None, Meta(description="Since when nothing is known of it.")]
    source: Annotated[str, Meta(description="The detector.")]


class Conditions(TypedDict):
    """A page of conditions, by their keys."""

    conditions: list[Condition]
    next: Next


class Finding(TypedDict):
    """What a detector or another system found."""

    id: str
    target: str
    kind: str
    status: str
    severity: str
    observed_at: Instant
    source: str
    summary: str | None
    value: float | None
    threshold: float | None
    unit: str | None
    published_at: Instant
    incident_group: Annotated[str, Meta(description="The group of incidents that took it.")]


class Findings(TypedDict):
    """A page of findings, the newest first."""

    findings: list[Finding]
    next: Next


class KnownSignal(Signal):
    """A signal, and the area that it belongs to."""

    area: str


class SignalSeries(TypedDict):
    """A series: a value at each instant, null where there is none."""

    labels: dict[str, str]
    values: list[float | None]


class SignalValues(TypedDict):
    """The series of a metric, from `since` to `until`, a value every `step` seconds."""

    metric: str
    unit: str
    help: str
    since: Instant
    until: Instant
    step: int
    series: list[SignalSeries]
    left_out: Annotated[int, Meta(description="Series beyond the first 50.")]
