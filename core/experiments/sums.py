"""What an experiment observes, as running sums: they merge by addition, so that a look is one statement of the warehouse."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import ExperimentError
from core.measures import Better

_ROUNDING = 1e-9
"""By how much of itself a sum of squares may be too small: sums of floating-point numbers differ by their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums over units, of which each has one value.

    Attributes:
        n: number of units.
        total: sum of their values.
        squares: sum of their squared values.

    Raises:
        ExperimentError: the number is negative, a sum is not finite, or no values have such sums.

    >>> Sums.of([1.0, 3.0]).plus(Sums.of([2.0]))
    Sums(n=3, total=6.0, squares=14.0)
    """

    n: int
    total: float
    squares: float

    def __post_init__(self) -> None:
        require_count("n", self.n)
        for name, value in (("total", self.total), ("squares", self.squares)):
            if not math.isfinite(value) or (not self.n and value):
                allowed = "a finite number" if self.n else "0 where there is no unit"
                raise ExperimentError(f"{name}: must be {allowed}, got {value}")
        if self.squares * self.n < self.total**2 * (1 - _ROUNDING):
            raise ExperimentError(
                f"squares: must be at least {self.total**2 / self.n:g} (total²/n), got {self.squares}"
            )

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sums":
        """Those of values."""
        values = tuple(values)
        return cls(n=len(values), total=math.fsum(values), squares=math.fsum(value * value for value in values))

    @classmethod
    def of_rate(cls, n: int, hits: int) -> "Sums":
        """Those of n units of which some have what is counted."""
        return cls(n=n, total=hits, squares=hits)

    def plus(self, other: "Sums") -> "Sums":
        """Those of the units of both."""
        return Sums(n=self.n + other.n, total=self.total + other.total, squares=self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Mean value of a unit; there must be one."""
        return self.total / self.n

    def variance(self, *, binary: bool = False) -> float:
        """Variance of a value, of at least two units; of a rate with one hit and one miss more, so that it is never 0."""
        if binary:
            rate = (self.total + 1) / (self.n + 2)
            return rate * (1 - rate)
        return max(self.squares - self.total * self.mean, 0.0) / (self.n - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The units of both arms while the split of traffic was the same.

    A new split begins a new stage: where rates drift, the sums of two splits must not be added up (Simpson's paradox).
    """

    champion: Sums
    challenger: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """One outcome in both arms of an A/B experiment.

    Attributes:
        stages: each with a split of its own.
        better: which values are better.
        binary: whether each value is 0 or 1, so that its mean is a rate.
    """

    stages: tuple[Stage, ...]
    better: Better = Better.HIGHER
    binary: bool = False

    @property
    def smaller(self) -> int:
        """Units in the smaller arm."""
        return min(
            sum(stage.champion.n for stage in self.stages),
            sum(stage.challenger.n for stage in self.stages),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Predictions of both versions for the same requests, each right or wrong.

    Attributes:
        wins: number of pairs in which only the challenger is right.
        losses: number of pairs in which only the champion is right.
        ties: number of pairs in which both are right, or both wrong.

    Raises:
        ExperimentError: a number is negative.
    """

    wins: int
    losses: int
    ties: int = 0

    def __post_init__(self) -> None:
        for name in ("wins", "losses", "ties"):
            require_count(name, getattr(self, name))

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.wins + self.losses + self.ties

    @property
    def swapped(self) -> "Pairs":
        """As the champion sees them."""
        return Pairs(wins=self.losses, losses=self.wins, ties=self.ties)


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """A numeric loss or score of both versions for the same requests: absolute error, pinball loss, NDCG.

    Attributes:
        sums: of the challenger's value less the champion's, pair by pair.
        better: which values are better.
    """

    sums: Sums
    better: Better


def require_count(name: str, value: int) -> None:
    """Refuse what is no number of things.

    Raises:
        ExperimentError: it is below 0.
    """
    if value < 0:
        raise ExperimentError(f"{name}: must be at least 0, got {value}")
