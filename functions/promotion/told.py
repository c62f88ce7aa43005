"""What a promotion says: metrics, and findings: a challenger was stopped or rolled back without a person, or its endpoint cannot follow."""

from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.events import Severity
from core.promotion import PromotionStage, PromotionState
from core.promotion.machine import BY
from core.settings import Model
from functions.adapters.ports import Metrics
from functions.services.detection import Tracker
from functions.services.promotions import Record

KIND = "challenger_failed"
WAITS = "promotion_waits"
LATE = timedelta(minutes=30)
"""For so long an endpoint may not answer before a finding says that its traffic is not in place."""
HOLDS = timedelta(days=1)
"""How long the finding holds: by then somebody has seen it, and nothing is wrong with what serves."""
_FAILED = (PromotionStage.STOPPED, PromotionStage.ROLLED_BACK)


class ChallengerReason(StrEnum):
    """Reason of a verdict."""

    STOPPED = "stopped"
    ROLLED_BACK = "rolled back"
    NOTHING_BAD = "nothing bad"
    WAITS = "waits"
    GOES_ON = "goes on"


def tell(tracker: Tracker, metrics: Metrics, model: Model, state: PromotionState, at: datetime) -> None:
    """Set the metrics of a state and track its condition; idempotent.

    Args:
        tracker: takes the verdict.
        metrics: takes the gauges.
        model: of the promotion.
        state: of the newest promotion.
        at: instant of the tick.

    Raises:
        ConflictError: others wrote the condition all the time.
        UnavailableError: store or bus does not answer.
    """
    waits = state.stage is PromotionStage.APPROVAL
    waiting = (at - state.changed_at).total_seconds() if waits else 0.0
    metrics.gauge("aia_challenger_share_ratio", state.share / 100 if state.is_open else 0.0, at=at, model=model.name)
    metrics.gauge("aia_challenger_approval_seconds", max(waiting, 0.0), at=at, model=model.name)
    tracker.track(observation(model, state, at))


def is_late(record: Record, at: datetime) -> bool:
    """Whether the traffic should have been in place for some time."""
    return record.move is not None and record.state is not None and at - record.state.changed_at >= LATE


def tell_waiting(tracker: Tracker, model: Model, record: Record, at: datetime) -> None:
    """Track whether the next step, or a rollback, waits for the endpoint; idempotent, raises as `tell` does.

    Of a model without an endpoint nothing waits, and nothing is stored; one that had an endpoint may still have the finding.

    Args:
        tracker: takes the verdict.
        model: of the promotion.
        record: of the promotion, with what it waits for.
        at: instant of the tick.
    """
    spec = ConditionSpec(target=model.target, kind=WAITS, source=BY, runbook=f"models.md#{WAITS}", cumulative=True)
    verdict = Verdict(outcome=Outcome.GOOD, reason=ChallengerReason.GOES_ON, summary=f"{model.name}: nothing waits")
    if record.waits:
        goes_back = record.move is not None and not record.move.forward
        verdict = Verdict(
            outcome=Outcome.BAD,
            reason=ChallengerReason.WAITS,
            summary=f"{model.name}: {'not rolled back' if goes_back else 'the promotion waits'}: {record.waits}",
            severity=Severity.ERROR if goes_back else Severity.WARNING,
        )
    tracker.track(Observation(spec=spec, verdict=verdict, at=at))


def observation(model: Model, state: PromotionState, at: datetime) -> Observation:
    """The verdict on the challenger: bad for a day after it was stopped or rolled back without a person."""
    spec = ConditionSpec(target=model.target, kind=KIND, source=BY, runbook=f"models.md#{KIND}")
    if state.stage not in _FAILED or state.by != BY:
        good = Verdict(outcome=Outcome.GOOD, reason=ChallengerReason.NOTHING_BAD, summary=state.why)
        return Observation(spec=spec, verdict=good, at=state.changed_at)
    if at - state.changed_at >= HOLDS:
        good = Verdict(outcome=Outcome.GOOD, reason=ChallengerReason.NOTHING_BAD, summary=state.why)
        return Observation(spec=spec, verdict=good, at=state.changed_at + HOLDS)
    verdict = Verdict(
        outcome=Outcome.BAD,
        reason=ChallengerReason(state.stage.value),
        summary=f"{model.name}: {state.stage}: {state.why}",
        severity=Severity.WARNING,
        evidence={"challenger": state.challenger, "champion": state.champion},
    )
    return Observation(spec=spec, verdict=verdict, at=state.changed_at)
