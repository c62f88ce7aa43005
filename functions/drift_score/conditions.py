"""Which conditions of a model are watched."""

from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, NoVerdict
from core.performance.labels import NO_PERFORMANCE_VERDICT
from core.settings import Model

SOURCE = "drift_score"


class Kind(StrEnum):
    """What may be noticed of a model."""

    DRIFT = "drift"
    PREDICTION_DRIFT = "prediction_drift"
    DATA_QUALITY = "data_quality"
    LABELS = "labels"
    """Whether labels arrive: it never fires, and is not known as long as performance cannot be measured."""
    ACCURACY_BELOW_FLOOR = "accuracy_below_floor"
    PERFORMANCE_BEYOND_LIMIT = "performance_beyond_limit"
    ATTRIBUTION_DRIFT = "attribution_drift"
    PERFORMANCE_GAP = "performance_gap"
    PERFORMANCE_DEGRADED = "performance_degraded"
    PERFORMANCE_BELOW_EXPECTED = "performance_below_expected"
    ESTIMATED_PERFORMANCE_DEGRADED = "estimated_performance_degraded"
    GENERATION_BEYOND_LIMIT = "generation_beyond_limit"
    GENERATION_DEGRADED = "generation_degraded"
    PII_IN_RESPONSES = "pii_in_responses"
    SCORING_FAILED = "scoring_failed"


GENERATIVE = frozenset({Kind.GENERATION_BEYOND_LIMIT, Kind.GENERATION_DEGRADED, Kind.PII_IN_RESPONSES})
"""Those of generative models alone, which have a runbook of their own."""


def spec(model: Model, kind: Kind) -> ConditionSpec:
    """A condition of a model; a refusal of the warehouse is certain, so that one verdict is enough."""
    window = kind is not Kind.SCORING_FAILED
    hysteresis = Hysteresis(fire_after=model.fire_after, recover_after=model.recover_after) if window else Hysteresis()
    runbook = f"{'generative' if kind in GENERATIVE else 'models'}.md#{kind}"
    return ConditionSpec(
        target=model.target,
        kind=kind,
        source=SOURCE,
        runbook=runbook,
        hysteresis=hysteresis,
        repeat=True,
        no_verdict=_no_verdict(model, kind),
    )


def _no_verdict(model: Model, kind: Kind) -> NoVerdict | None:
    severity = model.no_verdict_severity
    if kind is Kind.DRIFT:
        return NoVerdict(after=model.no_verdict_after, severity=severity)
    if kind is Kind.LABELS:
        return NoVerdict(after=model.performance.no_verdict_after, severity=severity, kind=NO_PERFORMANCE_VERDICT)
    return None
