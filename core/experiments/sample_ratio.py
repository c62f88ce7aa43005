"""Whether units are assigned to the arms in the planned split, at any number of looks: a mismatch makes every other count worthless.

The e-value is the likelihood of the numbers under shares that a Dirichlet distribution around the planned ones draws, over that under the
planned ones; the mean over two widths of it. It is exact, and after a change of the split it goes on as a product.

References:
    Lindon and Malek (2022), Anytime-valid inference for multinomial count data.
    Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ExperimentError
from core.experiments.mixture import log_sum
from core.experiments.sums import require_count

_CONCENTRATIONS = (100.0, 10_000.0)
"""Of the Dirichlet distributions: a wide one for gross mismatches, and one for splits that are nearly as planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Units that were assigned while the split of traffic was the same; each is counted once.

    Attributes:
        champion: number of units.
        challenger: number of units.
        share: planned share of the challenger, above 0 and below 1.

    Raises:
        ExperimentError: a number is negative, or the share is out of range.
    """

    champion: int
    challenger: int
    share: float

    def __post_init__(self) -> None:
        require_count("champion", self.champion)
        require_count("challenger", self.challenger)
        if not 0 < self.share < 1:
            raise ExperimentError(f"share: must be above 0 and below 1, got {self.share}")


def log_e(stages: Sequence[Assigned]) -> float:
    """The logarithm of the e-value against the planned split.

    Args:
        stages: each with a split of its own; 0 where there are none.

    >>> round(log_e([Assigned(champion=44_700, challenger=45_489, share=0.5)]), 1)
    1.4
    >>> log_e([Assigned(champion=5000, challenger=5500, share=0.5)]) > math.log(1000)
    True
    """
    by_width = [
        math.fsum(_likelihood_ratio(stage, concentration) for stage in stages) for concentration in _CONCENTRATIONS
    ]
    return float(log_sum(np.array(by_width))) - math.log(len(_CONCENTRATIONS))


def _likelihood_ratio(stage: Assigned, concentration: float) -> float:
    """Logarithm of the Dirichlet-multinomial likelihood over the multinomial one."""
    arms = ((stage.challenger, stage.share), (stage.champion, 1 - stage.share))
    drawn = math.lgamma(concentration) - math.lgamma(concentration + sum(count for count, _ in arms))
    for count, share in arms:
        prior = concentration * share
        drawn += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return drawn
