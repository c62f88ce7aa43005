"""The bins of `core.drift` as bars to draw, named as people name ranges."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.drift import FeatureDrift, Kind, Profile

_SPECIAL = {"missing": "missing", "-inf": "\N{MINUS SIGN}∞", "inf": "∞"}
_WORST = 12
_SMALL, _LARGE = 1e-4, 1e9  # between these, numbers are written out


class Bar(NamedTuple):
    """One bin.

    Attributes:
        label: the range or the category.
        tick: the lower end of the range, to stand between two bars; empty where there is none.
        reference: its share of the reference rows, 0 to 1.
        current: its share of the current rows, 0 to 1.
        special: whether it is no range and no category: missing or infinite values, new or other categories.
        gathered: whether it is many categories in one.
    """

    label: str
    tick: str
    reference: float
    current: float
    special: bool = False
    gathered: bool = False

    @property
    def moved(self) -> float:
        """By how much the share changed, -1 to 1."""
        return self.current - self.reference


class _Edge(NamedTuple):
    """Where one bin ends and the next one begins: at a value, or just behind it."""

    value: float
    behind: bool


def bars(profile: Profile, feature: FeatureDrift) -> tuple[Bar, ...]:
    """The bins of a feature: ranges ascending, or categories with the most frequent first; special ones last."""
    n, m = max(sum(feature.reference), 1), max(sum(feature.current), 1)
    if feature.kind is Kind.CATEGORICAL:
        known = next(len(part.values) for part in profile.categorical if part.name == feature.name)
        found = [
            Bar(label, "", old / n, new / m, special=k >= known)
            for k, (label, old, new) in enumerate(zip(feature.labels, feature.reference, feature.current, strict=True))
        ]
    else:
        names = _ranges(profile, profile.grid.names.index(feature.name))
        special = [(_SPECIAL[label], "", True) for label in feature.labels[len(names) :]]
        rows = zip([*((*name, False) for name in names), *special], feature.reference, feature.current, strict=True)
        found = [Bar(label, tick, old / n, new / m, special=other) for (label, tick, other), old, new in rows if label]
    return tuple(bar for bar in found if bar.reference or bar.current or bar.tick)


def minus(number: str) -> str:
    """A number with the sign that is as wide as a digit."""
    return number.replace("-", "\N{MINUS SIGN}")


def worst(shown: tuple[Bar, ...], limit: int = _WORST) -> tuple[Bar, ...]:
    """The bars that moved most, in their order, and all others as one."""
    if len(shown) <= limit:
        return shown
    kept = set(sorted(range(len(shown)), key=lambda k: -abs(shown[k].moved))[: limit - 1])
    rest = [bar for k, bar in enumerate(shown) if k not in kept]
    reference, current = (sum(share) for share in zip(*((bar.reference, bar.current) for bar in rest), strict=True))
    return (*(shown[k] for k in sorted(kept)), Bar(f"{len(rest):,} others", "", reference, current, gathered=True))


def _ranges(profile: Profile, k: int) -> list[tuple[str, str]]:
    """Label and tick of each bin of a numeric feature; an empty label where edges repeat."""
    grid = profile.grid
    edges = grid.edges_of(k)
    if not edges.size:
        return [("all", ""), *[("", "")] * grid.coarse.shape[1]]
    behind = np.append(False, edges[1:] == np.nextafter(edges[:-1], np.inf))  # the first follows none
    at = np.where(behind, np.append(edges[0], edges[:-1]), edges)
    whole = bool((at == np.round(at)).all())
    chosen = [_Edge(float(at[j]), bool(behind[j])) for j in grid.coarse[k].tolist()]
    if whole:
        return _whole(chosen)
    texts = _texts([edge.value for edge in chosen])
    told = dict(zip(chosen, texts, strict=True))
    first = f"up to {texts[0]}" if chosen[0].behind else f"below {texts[0]}"
    last = f"above {texts[-1]}" if chosen[-1].behind else f"{texts[-1]} and above"
    middle = [("", "") if low == high else _between(low, high, told) for low, high in pairwise(chosen)]
    return [(first, ""), *middle, (last, texts[-1])]


def _between(low: _Edge, high: _Edge, told: dict[_Edge, str]) -> tuple[str, str]:
    if low.value == high.value:
        return told[low], told[low]
    above = "above " if low.behind and not high.behind else ""
    return f"{above}{told[low]} to {told[high]}", told[low]


def _whole(chosen: list[_Edge]) -> list[tuple[str, str]]:
    """The same where all values are whole numbers: both ends of a range belong to it."""
    starts = [int(edge.value) + edge.behind for edge in chosen]
    ends = [start - 1 for start in starts]
    middle = [
        ("", "") if low > high else (f"{low:,}" if low == high else f"{low:,} to {high:,}", f"{low:,}")
        for low, high in zip(starts, ends[1:], strict=False)
    ]
    found = [(f"up to {ends[0]:,}", ""), *middle, (f"{starts[-1]:,} and above", f"{starts[-1]:,}")]
    return [(minus(label), minus(tick)) for label, tick in found]


def _texts(numbers: list[float]) -> list[str]:
    """Numbers with as few digits as blur none by more than a fiftieth of the narrowest bin."""
    gap = min((high - low for low, high in pairwise(numbers) if high > low), default=abs(numbers[0]))
    digits = next(
        (digits for digits in range(2, 17) if all(abs(float(f"{x:.{digits}g}") - x) <= gap / 50 for x in numbers)), 17
    )
    return [_number(number, digits) for number in numbers]


def _number(number: float, digits: int) -> str:
    plain = _SMALL <= abs(number) < _LARGE or not number
    text = f"{float(f'{number:.{digits}g}'):,.12f}".rstrip("0").rstrip(".") if plain else f"{number:.{digits}g}"
    return minus(text)
