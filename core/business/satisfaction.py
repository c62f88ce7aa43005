r"""Stakeholder satisfaction: a score per stakeholder group, from measured indicators.

Each indicator scores from 0 (unacceptable) to 1 (good), on a linear scale between its thresholds, for times on a logarithmic
one (`indicators.THRESHOLDS`). The score of a group is the weighted geometric mean of its known indicators,

    (exp(sum w ln max(s, f) / sum w) - f) / (1 - f),  f = 0.05

so that one bad indicator outweighs several good ones without setting the score to 0. It is at most the weighted arithmetic
mean.
"""

import math
from dataclasses import dataclass

from core.business.indicators import THRESHOLDS, WEIGHTS, Indicators, Thresholds
from core.text import number

_FLOOR = 0.05
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """Satisfaction of a stakeholder group.

    Attributes:
        score: 0 to 1, or None where no indicator is known.
        scores: score of each known indicator, 0 to 1.
        worst: the indicator that lowers the score most, or None.
        reason: that indicator, its value and its good threshold, as text.
    """

    score: float | None
    scores: dict[str, float]
    worst: str | None
    reason: str


def satisfaction(indicators: Indicators) -> dict[str, Satisfaction]:
    """Satisfaction of each stakeholder group: executive, technical, operations and business.

    >>> groups = satisfaction(Indicators(revenue_ratio=1.1, roi_ratio=0.25))
    >>> round(groups["executive"].score, 2), groups["executive"].reason
    (0.47, 'roi_ratio is 25%; good is at least 100%')
    >>> groups["technical"].score, groups["technical"].reason
    (None, 'no indicator is known')
    """
    return {group: _group(indicators, weights) for group, weights in WEIGHTS.items()}


def score(value: float, thresholds: Thresholds) -> float:
    """Score of a value, 0 to 1.

    >>> round(score(0.995, THRESHOLDS["availability_ratio"]), 2), round(score(7200.0, THRESHOLDS["mttr_seconds"]), 2)
    (0.56, 0.78)
    """
    bad, good = thresholds.bad, thresholds.good
    if thresholds.logarithmic:
        value, bad, good = (math.log(max(linear, _TINY)) for linear in (value, bad, good))
    return min(1.0, max(0.0, (value - bad) / (good - bad)))


def _group(indicators: Indicators, weights: dict[str, float]) -> Satisfaction:
    known = {name: value for name in weights if _is_known(value := getattr(indicators, name))}
    if not known:
        return Satisfaction(score=None, scores={}, worst=None, reason="no indicator is known")
    scores = {name: score(value, THRESHOLDS[name]) for name, value in known.items()}
    losses = {name: -weights[name] * math.log(max(part, _FLOOR)) for name, part in scores.items()}
    mean = math.exp(-math.fsum(losses.values()) / math.fsum(weights[name] for name in known))
    worst = max(losses, key=lambda name: losses[name])
    if not losses[worst]:
        return Satisfaction(score=1.0, scores=scores, worst=None, reason="all known indicators are good")
    return Satisfaction(
        score=max(0.0, (mean - _FLOOR) / (1 - _FLOOR)),
        scores=scores,
        worst=worst,
        reason=_reason(worst, known[worst]),
    )


def _is_known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _reason(name: str, value: float) -> str:
    thresholds = THRESHOLDS[name]
    side = "at least" if thresholds.good > thresholds.bad else "at most"
    return f"{name} is {number(value, thresholds.unit)}; good is {side} {number(thresholds.good, thresholds.unit)}"
