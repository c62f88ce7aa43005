"""The bins of `core.drift` as bars to draw, named as people name ranges."""

from typing import NamedTuple

from core.drift import FeatureDrift, Kind, Profile, ranges

_SPECIAL = {"missing": "missing", "-inf": "\N{MINUS SIGN}∞", "inf": "∞"}
_WORST = 12


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
        grid = profile.grid
        k = grid.names.index(feature.name)
        names = [
            (minus(label), minus(tick)) for label, tick in ranges(grid.edges_of(k), grid.coarse[k], grid.origins[k])
        ]
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
