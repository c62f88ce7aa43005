"""Which conditions of a model are watched."""

from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, NoVerdict, Outcome, Verdict
from core.drift.judge import Reason
from core.performance.labels import NO_PERFORMANCE_VERDICT
from core.settings import Model
from core.text import interval
from functions.drift_score.window import Window

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


def awaited(model: Model) -> tuple[Kind, ...]:
    """The conditions of a model of which it becomes a finding that nothing has been known for too long."""
    return tuple(kind for kind in Kind if (kind is not Kind.LABELS or model.label) and _no_verdict(model, kind))


def of_unscored(model: Model, refusal: str) -> Verdict:
    """Nothing is known of a model that could not be scored."""
    return _unknown(Reason.REFUSED, f"{model.name}: could not be scored: {refusal}")


def of_empty_reference(reference: Window) -> Verdict:
    """Nothing is known of a model whose reference window has no rows."""
    model, days = reference.model, interval(reference.start, reference.end)
    text = f'{model.name}: the reference window, {days}, has no rows of {model.table} whose column "model" is "{model.name}"'
    return _unknown(Reason.INSUFFICIENT_DATA, text)


def _unknown(reason: Reason, summary: str) -> Verdict:
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=reason, summary=summary)


def _no_verdict(model: Model, kind: Kind) -> NoVerdict | None:
    severity = model.no_verdict_severity
    if kind is Kind.DRIFT:
        return NoVerdict(after=model.no_verdict_after, severity=severity)
    if kind is Kind.LABELS:
        return NoVerdict(after=model.performance.no_verdict_after, severity=severity, kind=NO_PERFORMANCE_VERDICT)
    return None
