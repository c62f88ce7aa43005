r"""How well each group of people is served, from what is measured for it.

Each fact scores 0 where it is unacceptable to 1 where it is good, in between by its place on a line, for times on a
logarithmic one (`facts.BOUNDS`). The score of a group is the weighted geometric mean of its known facts,

    (exp(sum w ln max(s, f) / sum w) - f) / (1 - f),  f = 0.05

so that one bad fact weighs more than several good ones can make up for, while it alone does not make everything 0. It is
at most the weighted arithmetic mean.
"""

import math
from dataclasses import dataclass

from core.business.facts import BOUNDS, WEIGHTS, Bound, Facts
from core.incidents.text import number

_FLOOR = 0.05
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """How well a group is served.

    Attributes:
        score: 0 to 1, or None where nothing is known.
        parts: the score of each known fact, 0 to 1.
        worst: the fact that takes most away from the score, or None where none does.
        reason: for people: that fact, its value, and what would be good.
    """

    score: float | None
    parts: dict[str, float]
    worst: str | None
    reason: str


def satisfaction(facts: Facts) -> dict[str, Satisfaction]:
    """How well each group is served: executive, technical, operations and business.

    >>> found = satisfaction(Facts(revenue_ratio=1.1, roi_ratio=0.25))
    >>> round(found["executive"].score, 2), found["executive"].reason
    (0.47, 'roi_ratio is 25 %; good is at least 100 %')
    >>> found["technical"].score, found["technical"].reason
    (None, 'nothing is known')
    """
    return {group: _group(facts, weights) for group, weights in WEIGHTS.items()}


def score(value: float, bound: Bound) -> float:
    """How good a value is, 0 to 1.

    >>> round(score(0.995, BOUNDS["availability_ratio"]), 2), round(score(7200.0, BOUNDS["mttr_seconds"]), 2)
    (0.56, 0.78)
    """
    bad, good = bound.bad, bound.good
    if bound.by_factor:
        value, bad, good = (math.log(max(one, _TINY)) for one in (value, bad, good))
    return min(1.0, max(0.0, (value - bad) / (good - bad)))


def _group(facts: Facts, weights: dict[str, float]) -> Satisfaction:
    known = {name: value for name in weights if _is_known(value := getattr(facts, name))}
    if not known:
        return Satisfaction(score=None, parts={}, worst=None, reason="nothing is known")
    parts = {name: score(value, BOUNDS[name]) for name, value in known.items()}
    lost = {name: -weights[name] * math.log(max(part, _FLOOR)) for name, part in parts.items()}
    mean = math.exp(-math.fsum(lost.values()) / math.fsum(weights[name] for name in known))
    worst = max(lost, key=lambda name: lost[name])
    if not lost[worst]:
        return Satisfaction(score=1.0, parts=parts, worst=None, reason="all that is known is good")
    return Satisfaction(
        score=max(0.0, (mean - _FLOOR) / (1 - _FLOOR)),
        parts=parts,
        worst=worst,
        reason=_reason(worst, known[worst]),
    )


def _is_known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _reason(name: str, value: float) -> str:
    bound = BOUNDS[name]
    side = "at least" if bound.good > bound.bad else "at most"
    return f"{name} is {number(value, bound.unit)}; good is {side} {number(bound.good, bound.unit)}"
