"""How the chance of a wrong decision is divided among the tests of an experiment."""

from dataclasses import dataclass

_RATIO_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The chance that each test is ever wrong, over all looks; in all at most alpha.

    Attributes:
        good: of calling better what is not: alpha / 2. A promotion takes every test together, so that none needs a smaller level.
        bad: of calling worse what is not, of each test: one is enough to end the experiment, so that they share (Bonferroni).
        sample_ratio: of calling the split of traffic wrong where it is not.

    References:
        Berger (1982), Multiparameter hypothesis testing and acceptance sampling (intersection-union tests).
    """

    good: float
    bad: float
    sample_ratio: float

    @classmethod
    def of(cls, alpha: float, guard_rails: int) -> "Levels":
        """Those of a measure with so many guard rails.

        >>> found = Levels.of(0.05, 2)
        >>> round(found.good, 6), round(found.bad, 6), round(found.sample_ratio, 6)
        (0.025, 0.008, 0.001)
        """
        sample_ratio = alpha * _RATIO_SHARE
        return cls(good=alpha / 2, bad=(alpha / 2 - sample_ratio) / (1 + guard_rails), sample_ratio=sample_ratio)
