"""What the data of one measure says at a look: shown to be better than a bar, shown not to be, or not known."""

import math
from dataclasses import dataclass

import numpy as np

from core.detection import Outcome
from core.errors import ExperimentError
from core.experiments import betting, mixture
from core.experiments.difference import Difference, of_arms, of_pairs
from core.experiments.levels import Levels
from core.experiments.sums import Arms, Differences, Pairs
from core.measures import Better

Data = Pairs | Differences | Arms
"""One measure of both versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one measure says.

    Differences are in the unit of the measure, and above 0 where the challenger is better: less latency is 0.02, not -0.02.

    Attributes:
        outcome: good where the challenger is shown to be above the bar, bad where it is shown to be below.
        n: number of pairs, or of units in each arm (the harmonic mean of both).
        advantage: of the challenger; None where it is not known.
        low: lower confidence sequence of the advantage, at the level of a promotion.
        high: upper confidence sequence, at the level of a rejection.
        log_e_above: natural logarithm of the e-value against being at most at the bar: evidence that it is above.
        log_e_below: of the one against being at least at the bar: evidence that it is below.
    """

    outcome: Outcome = Outcome.NOT_KNOWN
    n: float
    advantage: float | None = None
    low: float | None = None
    high: float | None = None
    log_e_above: float = 0.0
    log_e_below: float = 0.0

    @property
    def p_above(self) -> float:
        """The p-value of being above the bar; valid at whatever look one stops."""
        return always_valid(self.log_e_above)

    @property
    def p_below(self) -> float:
        """The p-value of being below the bar."""
        return always_valid(self.log_e_below)


def always_valid(log_e: float) -> float:
    """The p-value of an e-value: its reciprocal, at most 1.

    >>> round(always_valid(math.log(40)), 3), always_valid(-2.0)
    (0.025, 1.0)
    """
    return math.exp(-max(log_e, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What the challenger is compared with: the champion, better or worse by a margin.

    Attributes:
        margin: by how much it must be better, in the unit of the measure; below 0 where it may be worse.
        share: how much worse it may be besides, as a share of the champion's mean, 0 to 1; of arms only.
    """

    margin: float = 0.0
    share: float = 0.0

    def factor(self, better: Better) -> float:
        """By what the champion's mean is multiplied."""
        return 1 + self.share if better is Better.LOWER else 1 - self.share


def evidence(data: Data, bar: Bar, levels: Levels, *, planned: int) -> Evidence:
    """What a measure says at one look.

    Args:
        data: cumulative, from the start of the experiment.
        bar: what the challenger is compared with.
        levels: how often each conclusion may be wrong, over all looks.
        planned: number of pairs, or of units in each arm, that the tests are tuned for, at least 1.

    Raises:
        ExperimentError: the bar of pairs of right and wrong is -1 or less, or 1 or more, or a share is given of pairs.

    >>> found = evidence(Pairs(wins=300, losses=200, ties=500), Bar(), Levels.of(0.05, 0), planned=1000)
    >>> found.outcome.value, found.advantage, round(found.low, 3), round(found.high, 3), round(found.p_above, 5)
    ('good', 0.1, 0.032, 0.167, 0.00016)
    """
    if bar.share and not isinstance(data, Arms):
        raise ExperimentError(f"share: must be 0 where the data is pairs, got {bar.share}")
    match data:
        case Pairs():
            return _of_right_and_wrong(data, bar.margin, levels, planned)
        case Differences():
            found = of_pairs(data.sums, data.better)
            return _of_means(found, found, bar.margin, levels, planned)
        case Arms():
            compared = of_arms(data, factor=bar.factor(data.better))
            return _of_means(of_arms(data), compared, bar.margin, levels, planned)


def _of_right_and_wrong(pairs: Pairs, margin: float, levels: Levels, planned: int) -> Evidence:
    if not -1 < margin < 1:
        raise ExperimentError(f"margin: must be above -1 and below 1 where the data is pairs, got {margin}")
    if not pairs.n:
        return Evidence(n=0)
    above, below = (
        float(betting.log_e(*betting.counts(side), mean=np.array(bar), planned=planned))
        for side, bar in ((pairs, margin), (pairs.swapped, -margin))
    )
    return Evidence(
        outcome=_outcome(above, below, levels),
        n=pairs.n,
        advantage=(pairs.wins - pairs.losses) / pairs.n,
        low=betting.lower_bound(pairs, alpha=levels.good, planned=planned),
        high=-betting.lower_bound(pairs.swapped, alpha=levels.bad, planned=planned),
        log_e_above=above,
        log_e_below=below,
    )


def _of_means(shown: Difference, compared: Difference, margin: float, levels: Levels, planned: int) -> Evidence:
    """The interval is that of the plain difference; what is compared with the bar may have a share of the champion's mean in it."""
    if shown.advantage is None or compared.advantage is None:
        return Evidence(n=shown.n)
    time = shown.n / planned
    z = (compared.advantage - margin) / compared.error
    above, below = map(float, mixture.log_e(np.array([z, -z]), np.array(time)))
    return Evidence(
        outcome=_outcome(above, below, levels),
        n=shown.n,
        advantage=shown.advantage,
        low=shown.advantage - mixture.critical(time, levels.good) * shown.error,
        high=shown.advantage + mixture.critical(time, levels.bad) * shown.error,
        log_e_above=above,
        log_e_below=below,
    )


def _outcome(above: float, below: float, levels: Levels) -> Outcome:
    if above >= -math.log(levels.good):
        return Outcome.GOOD
    return Outcome.BAD if below >= -math.log(levels.bad) else Outcome.NOT_KNOWN
