"""Whether trainings of a model are refused: a condition, which ends when one is started."""

from datetime import datetime
from enum import StrEnum

from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.events import Severity

KIND = "retraining_refused"


class RetrainingReason(StrEnum):
    """Why the verdict is what it is."""

    REFUSED = "refused"
    STARTED = "started"


def refused(target: str, fault: str, at: datetime) -> Observation:
    """A training was refused.

    Args:
        target: `model/NAME`.
        fault: why.
        at: when it was asked for: a refusal of a request that comes late counts for nothing.
    """
    verdict = Verdict(
        outcome=Outcome.BAD,
        reason=RetrainingReason.REFUSED,
        summary=f"retraining refused: {fault}",
        severity=Severity.ERROR,
    )
    return Observation(spec=_spec(target), verdict=verdict, at=at)


def started(target: str, at: datetime) -> Observation:
    """A training was started.

    Args:
        target: `model/NAME`.
        at: when it was created, so that what is refused first and started when it comes again has ended.
    """
    verdict = Verdict(outcome=Outcome.GOOD, reason=RetrainingReason.STARTED, summary="training started")
    return Observation(spec=_spec(target), verdict=verdict, at=at)


def _spec(target: str) -> ConditionSpec:
    return ConditionSpec(target=target, kind=KIND, source="retrain", runbook=f"models.md#{KIND}")
