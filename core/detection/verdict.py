"""What a detector concludes about a condition at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.events import Severity


class Outcome(StrEnum):
    """What a verdict says of its condition."""

    GOOD = "good"
    BAD = "bad"
    NOT_KNOWN = "not_known"
    """Nothing can be concluded: it counts neither for nor against the condition."""

    @classmethod
    def of(cls, *, bad: bool) -> "Outcome":
        """`BAD` or `GOOD`."""
        return cls.BAD if bad else cls.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A conclusion.

    Attributes:
        outcome: good, bad or not known.
        reason: why; each detector has its own.
        summary: one line for people.
        severity: how bad it is while the outcome is bad; of any other it means nothing.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
        evidence: what supports it, as short texts by name.
    """

    outcome: Outcome
    reason: StrEnum
    summary: str
    severity: Severity = Severity.WARNING
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
