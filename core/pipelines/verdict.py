"""What is concluded of a pipeline: whether a condition holds, how bad that is, and how to say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from core.events import Severity, Status
from core.hysteresis import Condition


class Kind(StrEnum):
    """What may be noticed of a pipeline."""

    FAILED = "pipeline_failed"
    SLOW = "pipeline_slow"
    STAGE_SLOW = "stage_slow"
    OVERDUE = "pipeline_overdue"
    HUNG = "pipeline_hung"


class Reason(StrEnum):
    """Why the verdict is what it is."""

    NO_RUNS = "no_runs"
    """No run has succeeded or failed: nothing is concluded."""
    LAST_FAILED = "last_failed"
    LAST_SUCCEEDED = "last_succeeded"
    NOTHING_USUAL = "nothing_usual"
    """Too few runs to say how long they usually take: nothing is concluded."""
    LONGER = "longer"
    """Two runs in a row took far longer than usual."""
    AS_USUAL = "as_usual"
    """Two runs in a row did not."""
    UNDECIDED = "undecided"
    """The last run differs from those before: nothing is concluded."""
    IRREGULAR = "irregular"
    """It has no rhythm, so it cannot be late."""
    IN_TIME = "in_time"
    LATE = "late"
    RETIRED = "retired"
    """It has not run for so long that it is taken to be no longer started."""
    ENDLESS = "endless"
    """A run takes several times as long as usual and has not ended."""
    ALL_ENDED = "all_ended"
    """No run takes so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A conclusion.

    Attributes:
        kind: what may hold.
        holds: whether it does, or None where nothing is concluded.
        at: the instant it is about: of the end of the newest run, or of the tick.
        reason: why.
        summary: one line for people.
        severity: how bad it is while it holds.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
        evidence: what supports it, as short texts by name.
    """

    kind: Kind
    holds: bool | None
    at: datetime
    reason: Reason
    summary: str
    severity: Severity = Severity.WARNING
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


def settle(before: Condition, verdict: Verdict) -> Condition:
    """What to remember of a condition after a verdict; the very same where nothing is worth telling.

    A verdict about an earlier instant than what is remembered changes nothing. One about the same instant that says
    something else does: a run became known that had ended before.
    """
    if verdict.holds is None or (before.at is not None and verdict.at < before.at):
        return before
    status = Status.FIRING if verdict.holds else Status.RESOLVED
    if status is not before.status:
        return Condition(status=status, at=verdict.at, since=verdict.at)
    if status is Status.RESOLVED or verdict.at == before.at:
        return before
    return replace(before, at=verdict.at)
