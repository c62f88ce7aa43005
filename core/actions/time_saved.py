r"""Time that an action saved: incidents with it against like incidents without it.

Incidents are like each other in the same stratum (category and severity). An action is applied some time after the opening, and only to
what still lasts by then: so an incident with it is compared only with those that lasted longer than that without it. Otherwise every action
would seem to prolong incidents, as the short ones are over before it comes (immortal time [1], matched by risk set [2]).

The estimate is a Hodges-Lehmann shift [3], the median of the differences of all such pairs,

    median over pairs of (duration of j without it - duration of i with it),  j in the stratum of i, duration of j > age of i

where each incident with the action has the same weight, however many there are to compare it with. The age cancels: the same is the
difference of the times from the application on. The interval is the percentile bootstrap [4] of both sides by stratum, with a fixed seed.

It is observational. Whatever decides whether the action is applied (an hour, a budget, an approval) and also how long an incident lasts
is in the estimate; it is no experiment.

[1] Suissa, S. (2008). Immortal time bias in pharmaco-epidemiology. American Journal of Epidemiology 167(4).
[2] Li, Y. P., Propert, K. J., Rosenbaum, P. R. (2001). Balanced risk set matching. JASA 96(455).
[3] Hodges, J. L., Lehmann, E. L. (1963). Estimates of location based on rank tests. Annals of Mathematical Statistics 34(2).
[4] Efron, B., Tibshirani, R. J. (1993). An introduction to the bootstrap, chapter 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST = 10
"""Incidents on either side below which there is no estimate."""
LEVEL = 0.90
"""Of the interval."""
REPLICATES = 1000
SEED = 20260102
MOST = 200
"""Incidents with the action, and those of a stratum without it, that are compared: the first given."""
_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDuration:
    """How long an incident lasted.

    Attributes:
        stratum: incidents of one stratum are like each other.
        seconds: from the opening to the end, 0 or more.
        age: of an incident with the action, the seconds from the opening to the application, less than `seconds`; else 0.
    """

    stratum: tuple[str, str]
    seconds: float
    age: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSaved:
    """The estimate, in seconds; below 0 where incidents with the action lasted longer.

    Attributes:
        n_with: incidents with the action that had one to compare them with.
        n_without: incidents without it that were compared.
        seconds: the estimate; None where either number is below `LEAST`, as are its bounds.
        low: the lower end of the 90 % interval.
        high: the upper end.
    """

    n_with: int
    n_without: int
    seconds: float | None = None
    low: float | None = None
    high: float | None = None


def time_saved(acted: Sequence[IncidentDuration], others: Sequence[IncidentDuration]) -> TimeSaved:
    """The time that an action saved.

    Args:
        acted: incidents with the action; of more than `MOST` the first.
        others: incidents without any action; of more than `MOST` in a stratum the first.

    >>> acted = [IncidentDuration(stratum=("drift", "error"), seconds=600.0 + n, age=120.0) for n in range(10)]
    >>> others = [IncidentDuration(stratum=("drift", "error"), seconds=1800.0 + n) for n in range(10)]
    >>> short = [IncidentDuration(stratum=("drift", "error"), seconds=60.0)] * 50  # over before the action would have come
    >>> time_saved(acted, [*others, *short]).seconds, time_saved(acted, short).seconds
    (1200.0, None)
    """
    pairs = _Pairs.of(_ordered(acted[:MOST]), _ordered(_newest(others)))
    n_with, n_without = len(np.unique(pairs.rows)), len(np.unique(pairs.columns))
    if min(n_with, n_without) < LEAST:
        return TimeSaved(n_with=n_with, n_without=n_without)
    drawn = [pairs.median(*weights) for weights in pairs.resampled(np.random.default_rng(SEED))]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    point = pairs.median(np.ones(len(pairs.acted)), np.ones(len(pairs.others)))
    return TimeSaved(n_with=n_with, n_without=n_without, seconds=point, low=float(low), high=float(high))


def _ordered(incidents: Sequence[IncidentDuration]) -> list[IncidentDuration]:
    """In an order of their own, so that the result does not depend on that in which they were given."""
    return sorted(incidents, key=lambda one: (one.stratum, one.seconds, one.age))


def _newest(others: Sequence[IncidentDuration]) -> list[IncidentDuration]:
    taken: dict[tuple[str, str], list[IncidentDuration]] = {}
    for one in others:
        of_stratum = taken.setdefault(one.stratum, [])
        if len(of_stratum) < MOST:
            of_stratum.append(one)
    return [one for of_stratum in taken.values() for one in of_stratum]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs that are compared, by ascending difference.

    Attributes:
        rows: of each pair, the place of the incident with the action, shape (pairs,).
        columns: the place of the one without it, shape (pairs,).
        differences: in seconds, shape (pairs,).
        acted: the stratum of each incident with the action, as a number.
        others: that of each incident without it.
    """

    rows: _Integers
    columns: _Integers
    differences: _Floats
    acted: _Integers
    others: _Integers

    @classmethod
    def of(cls, acted: Sequence[IncidentDuration], others: Sequence[IncidentDuration]) -> "_Pairs":
        numbers = {stratum: n for n, stratum in enumerate(sorted({one.stratum for one in (*acted, *others)}))}
        mine = np.array([numbers[one.stratum] for one in acted], dtype=np.intp)
        theirs = np.array([numbers[one.stratum] for one in others], dtype=np.intp)
        ages = np.array([one.age for one in acted], dtype=np.float64)
        lasted, without = (np.array([one.seconds for one in side], dtype=np.float64) for side in (acted, others))
        compared = (mine[:, None] == theirs[None, :]) & (without[None, :] > ages[:, None])
        rows, columns = np.nonzero(compared)
        differences = without[columns] - lasted[rows]
        order = np.argsort(differences, kind="stable")
        return cls(rows[order], columns[order], differences[order], mine, theirs)

    def resampled(self, rng: np.random.Generator) -> "list[tuple[_Floats, _Floats]]":
        """How often each incident was drawn, with replacement within its stratum, by replicate."""
        return [(_drawn(self.acted, rng), _drawn(self.others, rng)) for _ in range(REPLICATES)]

    def median(self, mine: _Floats, theirs: _Floats) -> float:
        """The weighted median of the differences; NaN where no pair has a weight.

        Args:
            mine: the weight of each incident with the action.
            theirs: the weight of each without it.
        """
        weights = theirs[self.columns]
        compared_with = np.bincount(self.rows, weights, minlength=len(mine))
        shares = np.divide(mine, compared_with, out=np.zeros(len(mine)), where=compared_with > 0)
        sums = np.cumsum(shares[self.rows] * weights)
        if not len(sums) or not sums[-1]:
            return float("nan")
        half, slack = sums[-1] / 2, 1e-9 * sums[-1]
        lower, upper = np.searchsorted(sums, [half - slack, half + slack])
        return float(self.differences[lower] + self.differences[min(upper, len(sums) - 1)]) / 2


def _drawn(strata: _Integers, rng: np.random.Generator) -> _Floats:
    counts = np.zeros(len(strata))
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        counts[places] = rng.multinomial(len(places), np.full(len(places), 1 / len(places)))
    return counts
