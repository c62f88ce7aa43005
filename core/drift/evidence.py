"""What the deciding statistics say together: how strong a change is, and how likely without drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints
from core.drift.normal import two_sided
from core.drift.overlay import Numbers
from core.drift.statistics import DECIDING, METHODS, Values
from core.drift.tail import Tails
from core.drift.verdict import Thresholds

_BINNED = tuple(name for name in DECIDING if METHODS[name].of_bins)
_VALUED = tuple(name for name in DECIDING if METHODS[name].of_numbers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What is said of k features.

    Attributes:
        strength: the largest effect of any statistic, in sd; shape (k,).
        p_value: the chance of so much evidence or more without drift, corrected for the number of tests; shape (k,).
        by_tails: where tails or mean are evidence enough by themselves, shape (k,); None for categories.
    """

    strength: Floats
    p_value: Floats
    by_tails: NDArray[np.bool_] | None = None


def of_bins(found: Mapping[str, Values]) -> Evidence:
    """The evidence of those statistics that compare bins.

    Args:
        found: by statistic what it says; others than the deciding ones are passed over.
    """
    return Evidence(strength=reduce(np.maximum, _effects(found, _BINNED)), p_value=_smallest(_p_values(found, _BINNED)))


def either(one: Evidence, other: Evidence, differ: NDArray[np.bool_]) -> Evidence:
    """The evidence of two comparisons of the same features, corrected for the second one where they differ."""
    smallest = np.minimum(one.p_value, other.p_value)
    return Evidence(
        strength=np.maximum(one.strength, other.strength),
        p_value=np.where(differ, np.minimum(2 * smallest, 1.0), one.p_value),
    )


def of_numbers(
    found: Mapping[str, Values],
    numbers: Numbers,
    tails: Tails,
    *,
    features: Ints,
    enough: NDArray[np.bool_],
    thresholds: Thresholds,
) -> Evidence:
    """The evidence on numeric features: of all statistics and of the ranks where there are values enough, else of the bins.

    Args:
        found: by statistic what it says; others than the deciding ones are passed over.
        numbers: what it says it of.
        tails: what tails and mean say.
        features: how many the window of each has, shape (k,).
        enough: whether both windows have enough values, shape (k,).
        thresholds: tails and mean give the strength where they are certain by themselves and no other statistic reaches it.
    """
    valued = [np.where(enough, effect, 0.0) for effect in _effects(found, _VALUED)]
    binned = _p_values(found, _BINNED)
    every = [*binned, *_p_values(found, _VALUED), two_sided(numbers.rank_deviate), tails.p_value]
    strength = reduce(np.maximum, [*_effects(found, _BINNED), *valued])
    certain = enough & (len(every) * tails.p_value * features <= thresholds.false_alarms)
    decides = certain & (strength < thresholds.shift) & (tails.strength >= thresholds.shift)
    return Evidence(
        strength=np.where(decides, tails.strength, strength),
        p_value=np.where(enough, _smallest(every), _smallest(binned)),
        by_tails=certain,
    )


def _effects(found: Mapping[str, Values], names: Sequence[str]) -> list[Floats]:
    excesses = ((METHODS[name], found[name].excess) for name in names)
    return [method.effect(excess) for method, excess in excesses if excess is not None]


def _p_values(found: Mapping[str, Values], names: Sequence[str]) -> list[Floats]:
    return [p_value for name in names if (p_value := found[name].trusted_p) is not None]


def _smallest(p_values: Sequence[Floats]) -> Floats:
    """The smallest, times their number (Bonferroni)."""
    smallest: Floats = np.minimum(len(p_values) * reduce(np.minimum, p_values), 1.0)
    return smallest
