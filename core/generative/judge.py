"""Verdicts on a generative model at one tick: its measures against their limits and against the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.detection import Outcome, Verdict
from core.events import Severity
from core.performance import Comparison, Measures
from core.performance.judge import of_degradation, of_limits

PII = "pii_ratio"
"""The measure with a condition of its own: personal data concerns other people than latency does."""


def of_generation_limits(model: str, found: Measures, limits: Mapping[str, float], *, minimum: int) -> Verdict:
    """Conclude whether every measure but that of personal data keeps its limit.

    Args:
        model: the model's name, for the summary.
        found: the measures of the window.
        limits: by measure.
        minimum: of measures from fewer requests nothing is concluded.

    >>> from core.performance import Estimate
    >>> of_generation_limits("chat", {"refusal_ratio": Estimate(0.05, 0.04, 0.062, 2000)}, {"refusal_ratio": 0.03}, minimum=200).summary
    'chat: refusal ratio 5% (4% to 6.2%) on 2000 requests, ceiling 3%'
    """
    return of_limits(model, found, {name: one for name, one in limits.items() if name != PII}, minimum=minimum)


def of_generation_change(
    model: str, comparisons: Sequence[Comparison], *, minimum: int, change: float, certainty: float
) -> Verdict:
    """Conclude whether any measure but that of personal data is worse than in the reference, as `of_degradation` does."""
    return of_degradation(
        model,
        [one for one in comparisons if one.metric != PII],
        subject="generation",
        beside="in the reference",
        minimum=minimum,
        change=change,
        certainty=certainty,
    )


def of_personal_data(
    model: str,
    found: Measures,
    comparisons: Sequence[Comparison],
    limits: Mapping[str, float],
    *,
    kinds: str,
    minimum: int,
    change: float,
    certainty: float,
) -> Verdict:
    """Conclude whether responses hold more personal data than is accepted, or than in the reference.

    Args:
        model: the model's name, for the summary.
        found: the measures of the window.
        comparisons: with the reference.
        limits: by measure; that of `pii_ratio` counts.
        kinds: which kinds were found, and how often, in words; never the data.
        minimum: of fewer requests nothing is concluded.
        change: the growth that matters, as a share.
        certainty: the false alarm rate.
    """
    limit = {name: one for name, one in limits.items() if name == PII}
    own = [one for one in comparisons if one.metric == PII]
    change_verdict = of_degradation(
        model,
        own,
        subject="privacy of responses",
        beside="in the reference",
        minimum=minimum,
        change=change,
        certainty=certainty,
        severity=Severity.ERROR,
    )
    limit_verdict = of_limits(model, found, limit, minimum=minimum)
    verdict = limit_verdict if limit and limit_verdict.outcome is Outcome.BAD else change_verdict
    return replace(verdict, evidence={**verdict.evidence, **({"kinds": kinds} if kinds else {})})
