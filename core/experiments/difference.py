"""The difference of two means with its standard error, from running sums.

References:
    Howard and Ramdas (2022), Sequential estimation of quantiles with applications to A/B testing and best-arm identification.
    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic confidence sequences.
    Agresti and Caffo (2000), Simple and effective confidence intervals for proportions and differences of proportions.
    Mantel and Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies of disease.
"""

import math
from dataclasses import dataclass

from core.experiments.sums import Arms, Stage, Sums
from core.measures import Better

_LEAST = 2
"""Units that a variance takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much better the challenger is; above 0 is better, whatever the measure.

    Attributes:
        n: number of pairs, or of units in each arm (the harmonic mean of both).
        advantage: difference of the means, in the unit of the measure; None where a unit or a variance is missing.
        error: its standard error, above 0 where there is an advantage.
    """

    n: float
    advantage: float | None = None
    error: float = math.inf


def of_pairs(sums: Sums, better: Better) -> Difference:
    """That of paired values.

    Args:
        sums: of the challenger's value less the champion's.
        better: which values are better.

    >>> found = of_pairs(Sums.of([-2.0, -1.0, 0.0]), Better.LOWER)
    >>> found.n, found.advantage, round(found.error, 4)
    (3, 1.0, 0.5774)
    """
    variance = sums.variance() / sums.n if sums.n >= _LEAST else 0.0
    if variance <= 0:
        return Difference(n=sums.n)
    return Difference(n=sums.n, advantage=_sign(better) * sums.mean, error=math.sqrt(variance))


def of_arms(arms: Arms, *, factor: float = 1.0) -> Difference:
    """The challenger's mean less `factor` times the champion's, over all stages.

    Each stage counts by the harmonic number of its units, whatever its values: a mean over stages of the differences within them.

    Args:
        arms: of both versions.
        factor: by which the champion's mean is multiplied: 1.05 where the challenger's may be 5 % higher.

    >>> stage = Stage(champion=Sums.of([1.0, 2.0, 3.0]), challenger=Sums.of([2.0, 3.0, 4.0]))
    >>> found = of_arms(Arms(stages=(stage,)))
    >>> found.n, found.advantage, round(found.error, 4)
    (3.0, 1.0, 0.8165)
    """
    stages = [stage for stage in arms.stages if min(stage.champion.n, stage.challenger.n) >= _LEAST]
    weights = list(map(_units, stages))
    n = math.fsum(weights)
    variance = math.fsum(
        weight**2 * _variance(stage, factor, binary=arms.binary) for weight, stage in zip(weights, stages, strict=True)
    )
    if variance <= 0:
        return Difference(n=n)
    total = math.fsum(
        weight * (stage.challenger.mean - factor * stage.champion.mean)
        for weight, stage in zip(weights, stages, strict=True)
    )
    return Difference(n=n, advantage=_sign(arms.better) * total / n, error=math.sqrt(variance) / n)


def _units(stage: Stage) -> float:
    # Exact for equal arms, so that the maximum is reached.
    return 2 * stage.champion.n * stage.challenger.n / (stage.champion.n + stage.challenger.n)


def _variance(stage: Stage, factor: float, *, binary: bool) -> float:
    """The larger of Welch's variance and that of one variance for both arms.

    Where values are skewed, a small arm whose mean is low by chance has a low variance too: by itself it would be too certain.
    """
    arms = ((stage.challenger, 1.0), (stage.champion, factor))
    own = [(arm.variance(binary=binary), weight**2 / arm.n) for arm, weight in arms]
    both = _pooled(stage, binary=binary)
    return max(sum(variance * weight for variance, weight in own), both * sum(weight for _, weight in own))


def _pooled(stage: Stage, *, binary: bool) -> float:
    if binary:
        return stage.champion.plus(stage.challenger).variance(binary=True)
    arms = (stage.champion, stage.challenger)
    return sum((arm.n - 1) * arm.variance() for arm in arms) / sum(arm.n - 1 for arm in arms)


def _sign(better: Better) -> int:
    return -1 if better is Better.LOWER else 1
