"""A categorical feature of a reference, and how two windows of it are compared where categories are rare.

The most frequent categories of the reference are kept by name; the rows of all others, new ones among them, are counted by
group, which a hash of the category decides. A kept category is compared by itself where both windows together hold rows
enough of it, else its rows count in its group. So which categories stand by themselves follows from both windows alike: were
it to follow from the reference alone, those would stand by themselves that chance has made frequent there, and windows
without drift would alarm.

References:
    Good (1953), The population frequencies of species: rows of categories that were seen once tell how many will be new.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.drift.bins import EXPECTED
from core.drift.columns import Ints

GROUPS = 64
"""Into so many groups the categories are hashed that are not compared by themselves."""
NEW, MISSING_CATEGORY = -2, -1
"""The last two counts of a categorical feature: rows of categories that are not kept, and missing rows."""


def group_of(category: str) -> int:
    """The group of a category: the first byte of its MD5 digest, modulo `GROUPS`.

    >>> group_of("Oslo")
    52
    """
    return hashlib.md5(category.encode(errors="replace"), usedforsecurity=False).digest()[0] % GROUPS


def grouped(rows: Mapping[str, int]) -> Ints:
    """The rows of categories by group, shape (GROUPS,)."""
    found = np.zeros(GROUPS, dtype=np.int64)
    for category, count in rows.items():
        found[group_of(category)] += count
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Categories:
    """A categorical feature of a reference.

    Attributes:
        name: the feature.
        values: the categories that are kept, the most frequent first.
        counts: reference rows a category, then of those that are not kept, then missing.
        groups: reference rows of those that are not kept, by group; shape (GROUPS,).
        once: how many categories have one row.
        place: the group of each category that is kept, shape (values,).
        holds: what its column held, as from `columns.holds`; empty where any column may be categories.
    """

    name: str
    values: tuple[str, ...]
    counts: Ints
    groups: Ints
    once: int
    place: Ints
    holds: str = ""

    @classmethod
    def of(cls, *, name: str, values: Iterable[str], counts: Ints, groups: Ints, once: int, holds: str = "") -> Self:
        """The feature with the groups of its categories."""
        kept = tuple(values)
        place = np.array([group_of(value) for value in kept], dtype=np.int64)
        return cls(name=name, values=kept, counts=counts, groups=groups, once=once, place=place, holds=holds)

    @classmethod
    def fit(cls, name: str, found: Mapping[str, int], missing: int, limit: int, holds: str = "") -> Self:
        """The feature of a reference.

        Args:
            name: of the feature.
            found: rows by category.
            missing: rows without one.
            limit: at most how many categories are kept.
            holds: what its column holds; empty where any column may be categories.
        """
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        kept, rest = ranked[:limit], dict(ranked[limit:])
        counts = np.array([*(times for _, times in kept), sum(rest.values()), missing], dtype=np.int64)
        once = sum(times == 1 for times in found.values())
        return cls.of(
            name=name, values=(value for value, _ in kept), counts=counts, groups=grouped(rest), once=once, holds=holds
        )

    @property
    def complete(self) -> bool:
        """Whether every category of the reference is kept, so that another one is new."""
        return not self.counts[NEW]

    def compared(self, counts: Ints, groups: Ints) -> tuple[Ints, Ints]:
        """The bins by which a window is compared: categories by themselves, then groups, then missing rows.

        Args:
            counts: current rows a category, then of those that are not kept, then missing.
            groups: current rows of those that are not kept, by group.

        Returns:
            The rows of the reference and of the window, each of shape (values + GROUPS + 1,); 0 for a category whose rows
            are in its group.
        """
        alone = self._alone(counts)
        return self._bins(self.counts, self.groups, alone), self._bins(counts, groups, alone)

    def _alone(self, counts: Ints) -> NDArray[np.bool_]:
        """Which categories hold rows enough, in both windows together, to be compared by themselves."""
        both = self.counts[:NEW] + counts[:NEW]
        n, m = max(int(self.counts.sum()), 1), max(int(counts.sum()), 1)
        share = n / (n + m)
        least = int(self.counts[:NEW].min(initial=0)) if not self.complete else 1
        # What has as many rows in both windows is kept by the reference, whichever rows of them chance gave to it.
        surely_kept: NDArray[np.bool_] = both * share - 3 * np.sqrt(both * share * (1 - share)) >= least
        return surely_kept & (both * min(share, 1 - share) >= EXPECTED)

    def _bins(self, counts: Ints, groups: Ints, alone: NDArray[np.bool_]) -> Ints:
        rare = np.bincount(self.place[~alone], weights=counts[:NEW][~alone], minlength=GROUPS).astype(np.int64)
        return np.concatenate((counts[:NEW] * alone, groups + rare, counts[MISSING_CATEGORY:]))


def hash_sql(text: str) -> str:
    """`group_of` in GoogleSQL, of an expression of a string."""
    return f"MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5({text})), 1, 2)) AS INT64), {GROUPS})"
