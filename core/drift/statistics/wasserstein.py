"""The Wasserstein distance: the area between the two distribution functions, in standard deviations of the reference.

It is the mean distance by which the values of one window have to be moved to become the other's; finite values only.

References:
    Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the line.
"""

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.grid import inner
from core.drift.normal import SHIFTS, without_chance
from core.drift.overlay import Numbers
from core.drift.sample import Sample, spans
from core.drift.statistics.method import Method, Values

_CELL = 16
_PART = 32_768


def _compute(numbers: Numbers) -> Values:
    area, error = _area(numbers)
    sd = numbers.sd
    value = area / sd
    excess = without_chance(value, numbers.constants.spread / sd * numbers.by_chance)
    return Values(
        value=value + numbers.blank_finite + numbers.blank,
        excess=excess + numbers.blank,
        error=None if error is None else error / sd,
    )


def _area(numbers: Numbers) -> tuple[Floats, Floats | None]:
    """The distance in the unit of the feature, and at most how far off it is."""
    if "wasserstein" in numbers.exact:
        return numbers.exact["wasserstein"], numbers.inexact.get("wasserstein")
    return numbers.area, numbers.span + numbers.constants.span + numbers.tail


def _exact(reference: Sample, current: Floats, _: Ints) -> float:
    old, new = inner(reference.values), inner(current)
    return distance(old, new) if old.size and new.size else np.nan


def distance(reference: Floats, current: Floats) -> float:
    """The mean distance by which one sample has to be moved to become the other.

    Equal to `scipy.stats.wasserstein_distance`: the mean absolute difference of the two quantile functions.

    Args:
        reference: ascending, finite, at least one value.
        current: ascending, finite, at least one value.

    Returns:
        The distance, in the unit of the values.

    >>> distance(np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0]))
    5.0
    """
    if reference.size == current.size:
        return _between(reference, current) / reference.size
    few, many = sorted((reference, current), key=len)
    cells = -(-few.size // _CELL)
    starts = np.arange(cells) * _CELL
    stops = np.append(starts[1:], few.size)
    area_few = np.add.reduceat(few, starts) * many.size
    area_many, lowest, highest = _areas(many, few.size, np.append(starts, few.size))
    crossed = (lowest < few[stops - 1]) & (highest > few[starts])
    settled = float(np.abs(area_many - area_few)[~crossed].sum())
    return (settled + _crossed(few, many, starts[crossed], stops[crossed])) / (few.size * many.size)


def _between(one: Floats, other: Floats) -> float:
    """The sum of the absolute differences, part by part: the differences of all at once would leave the cache."""
    buffer = np.empty(min(_PART, one.size))
    total = 0.0
    for start in range(0, one.size, _PART):
        apart = buffer[: one.size - start]
        np.subtract(one[start : start + _PART], other[start : start + _PART], out=apart)
        total += float(np.add.reduce(np.abs(apart, out=apart)))
    return total


def _areas(many: Floats, few: int, bounds: Ints) -> tuple[Floats, Floats, Floats]:
    """The area under the quantile function of `many` between positions of `few`, in units of 1 / (few * many).

    Returns the areas, and the lowest and highest value within each.
    """
    whole, part = np.divmod(bounds * many.size, few)
    last = np.where(part[1:] > 0, whole[1:], whole[1:] - 1)
    edge = many.take(whole, mode="clip") * part
    sums = np.add.reduceat(many, whole[:-1]) * few
    return sums - edge[:-1] + edge[1:], many[whole[:-1]], many[last]


def _crossed(few: Floats, many: Floats, starts: Ints, stops: Ints) -> float:
    """The area between the quantile functions over the given cells of `few`, piece by piece.

    A piece ends where either function steps. Positions are whole numbers in units of 1 / (few * many): no rounding.
    """
    if not starts.size:
        return 0.0
    n, m = few.size, many.size
    steps_few = spans(starts, stops) * m
    steps_many = spans(-(-starts * m // n), -(-stops * m // n)) * n
    places = np.concatenate((steps_few, steps_many, stops * m))
    places.sort()
    left, length = places[:-1], np.diff(places)
    inside = np.zeros(n // _CELL + 2, dtype=bool)
    inside[starts // _CELL] = True
    keep = inside[left // m // _CELL] & (length > 0)
    left, length = left[keep], length[keep]
    return float((np.abs(few[left // m] - many[left // n]) * length).sum())


def _at_shifts() -> Floats:
    return SHIFTS


METHOD = Method(of_numbers=_compute, exact=_exact, at_shifts=_at_shifts)
