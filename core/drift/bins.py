"""Two windows by bin: what every statistic that compares bins starts from."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints

EXPECTED = 8.0
"""A bin that is compared by itself holds at least so many expected rows in either window (Cochran asks for 5; 8 keeps far tails true)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """How many rows of two windows are in each bin of k features; at most b bins a feature.

    Attributes:
        reference: rows a bin, shape (k, b); bins that a feature does not have are 0.
        current: the same of the current window.
        both: the same of both windows together.
        n: reference rows, at least 1; shape (k,).
        m: current rows, at least 1; shape (k,).
        used: which bins hold a row of either window, shape (k, b).
        width: how many those are, shape (k,).
        share: the share of both windows' rows in each bin, shape (k, b).
        effect: the design effect: by how much that is more than independent rows would give; shape (k,).
        chance: the variance that chance gives to the difference of two shares, over the share's own; shape (k,).
        blank: NaN where either window is empty, else 0; shape (k,).
    """

    reference: Ints
    current: Ints
    both: Ints
    n: Ints
    m: Ints
    used: NDArray[np.bool_]
    width: Ints
    share: Floats
    effect: Floats
    chance: Floats
    blank: Floats

    @classmethod
    def of(cls, reference: Ints, current: Ints, effect: Floats | None = None) -> Self:
        """The bins of two windows.

        Args:
            reference: rows a bin, shape (k, b).
            current: the same of the current window, shape (k, b).
            effect: the design effect, shape (k,); None for independent rows.
        """
        n, m = reference.sum(axis=1), current.sum(axis=1)
        blank = np.where((n == 0) | (m == 0), np.nan, 0.0)
        n, m = np.maximum(n, 1), np.maximum(m, 1)
        both = reference + current
        used = both > 0
        effect = np.ones(n.size) if effect is None else effect
        return cls(
            reference=reference,
            current=current,
            both=both,
            n=n,
            m=m,
            used=used,
            width=used.sum(axis=1),
            share=both / (n + m)[:, None],
            effect=effect,
            chance=effect * (1 / n + 1 / m),
            blank=blank,
        )

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Where either window is empty, shape (k,)."""
        return np.isnan(self.blank)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """The share of each window's rows in each bin, shape (k, b)."""
        return self.reference / self.n[:, None], self.current / self.m[:, None]
