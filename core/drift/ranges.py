"""What the bins of a numeric feature are called: the range of values that each holds."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.drift.columns import Floats, Ints

_SMALL, _LARGE = 1e-4, 1e9  # between these, numbers are written out


class Range(NamedTuple):
    """The values of one bin.

    Attributes:
        label: for people; empty where a feature has fewer bins than others.
        tick: the lower end, to stand between two bars; empty where there is none.
    """

    label: str
    tick: str


class _Edge(NamedTuple):
    """Where one bin ends and the next one begins: at a value, or just behind it."""

    value: float
    behind: bool


def ranges(edges: Floats, coarse: Ints, origin: int = 0) -> list[Range]:
    """The ranges that some of a feature's edges part, ascending: one more than `coarse` has entries.

    Args:
        edges: all edges, ascending; an edge that is the next number after the one before stands just behind a value.
        coarse: which of them part the bins, ascending, repeated where there are fewer bins.
        origin: what the edges are measured from; not 0 only where all values are whole.

    >>> ranges(np.array([1.0, 2.0, np.nextafter(2.0, 3.0), 3.5]), np.array([1, 2, 2]))
    [Range(label='below 2', tick=''), Range(label='2', tick='2'), Range(label='', tick=''), Range(label='above 2', tick='2')]
    """
    if not edges.size:
        return [Range("all", ""), *[Range("", "")] * coarse.size]
    behind = np.append(False, edges[1:] == np.nextafter(edges[:-1], np.inf))  # the first follows none
    at = np.where(behind, np.append(edges[0], edges[:-1]), edges)
    whole = bool((at == np.round(at)).all())
    chosen = [_Edge(float(at[j]), bool(behind[j])) for j in coarse.tolist()]
    if whole:
        return _whole(chosen, origin)
    texts = _texts([edge.value for edge in chosen])
    told = dict(zip(chosen, texts, strict=True))
    first = f"up to {texts[0]}" if chosen[0].behind else f"below {texts[0]}"
    last = f"above {texts[-1]}" if chosen[-1].behind else f"{texts[-1]} and above"
    middle = [Range("", "") if low == high else _between(low, high, told) for low, high in pairwise(chosen)]
    return [Range(first, ""), *middle, Range(last, texts[-1])]


def _between(low: _Edge, high: _Edge, told: dict[_Edge, str]) -> Range:
    if low.value == high.value:
        return Range(told[low], told[low])
    above = "above " if low.behind and not high.behind else ""
    return Range(f"{above}{told[low]} to {told[high]}", told[low])


def _whole(chosen: list[_Edge], origin: int) -> list[Range]:
    """The same where all values are whole numbers: both ends of a range belong to it."""
    starts = [origin + int(edge.value) + edge.behind for edge in chosen]
    ends = [start - 1 for start in starts]
    middle = [
        Range("", "") if low > high else Range(f"{low:,}" if low == high else f"{low:,} to {high:,}", f"{low:,}")
        for low, high in zip(starts, ends[1:], strict=False)
    ]
    return [Range(f"up to {ends[0]:,}", ""), *middle, Range(f"{starts[-1]:,} and above", f"{starts[-1]:,}")]


def _texts(numbers: list[float]) -> list[str]:
    """Numbers with as few digits as blur none by more than a fiftieth of the narrowest bin."""
    gap = min((high - low for low, high in pairwise(numbers) if high > low), default=abs(numbers[0]))
    digits = next(
        (digits for digits in range(2, 17) if all(abs(float(f"{x:.{digits}g}") - x) <= gap / 50 for x in numbers)), 17
    )
    return [_number(number, digits) for number in numbers]


def _number(number: float, digits: int) -> str:
    plain = _SMALL <= abs(number) < _LARGE or not number
    return f"{float(f'{number:.{digits}g}'):,.12f}".rstrip("0").rstrip(".") if plain else f"{number:.{digits}g}"
