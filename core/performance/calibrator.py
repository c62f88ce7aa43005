"""Probabilities learnt from scores and labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.drift.columns import Column, Floats, ProfileError
from core.performance.columns import floats, pairs, require_within


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrator:
    """Turns scores into probabilities, learnt where labels are known: a rising step function.

    Attributes:
        edges: ascending lower ends of the steps but the first, shape (k - 1,).
        levels: ascending probabilities, shape (k,).
    """

    edges: Floats
    levels: Floats

    @classmethod
    def learn(cls, score: Column, label: Column) -> Self:
        """Fit by isotonic regression (pool adjacent violators).

        Raises:
            ProfileError: the lengths differ, a label is neither 0 nor 1, no row has both.
        """
        s, y = pairs(("score", score), ("label", label))
        require_within("label", y, (y == 0) | (y == 1), "0 or 1")
        if not s.size:
            raise ProfileError("label: must hold at least 1 row with a score, got none")
        values, places = np.unique(s, return_inverse=True)
        weights: Floats = np.bincount(places).astype(np.float64)
        hits: Floats = np.bincount(places, weights=y).astype(np.float64)
        starts, levels = _pool(weights, hits)
        return cls(edges=values[starts[1:]], levels=levels)

    def probability(self, score: Column) -> Floats:
        """The probability of each score, NaN where it is missing; shape (n,)."""
        values = floats("score", score)
        levels: Floats = self.levels[np.searchsorted(self.edges, values, "right")]
        return np.where(np.isnan(values), np.nan, levels)

    def to_data(self) -> Mapping[str, list[float]]:
        """As JSON has it."""
        return {"edges": self.edges.tolist(), "levels": self.levels.tolist()}

    @classmethod
    def from_data(cls, data: Mapping[str, list[float]]) -> Self:
        """From what `to_data` gave."""
        return cls(edges=np.array(data["edges"]), levels=np.array(data["levels"]))


def _pool(weights: Floats, hits: Floats) -> tuple[list[int], Floats]:
    """Pool neighbours until the levels rise; gives the first position of each step, and its level.

    Counts are whole numbers, so their sums do not depend on the order of pooling.
    """
    starts, weights, hits = _without_falls(weights, hits)
    blocks: list[tuple[int, float, float]] = []
    for start, weight, hit in zip(starts, weights.tolist(), hits.tolist(), strict=True):
        block = (start, weight, hit)
        while blocks and blocks[-1][2] * block[1] >= block[2] * blocks[-1][1]:
            first, held, found = blocks.pop()
            block = (first, held + block[1], found + block[2])
        blocks.append(block)
    return [first for first, _, _ in blocks], np.array([found / held for _, held, found in blocks])


_WORTHWHILE = 0.75
"""The share of the blocks that may be left for another round of pooling to be faster than one block after the other."""


def _without_falls(weights: Floats, hits: Floats) -> tuple[list[int], Floats, Floats]:
    """Pool whole runs of levels that do not rise, which end in one step whatever else is pooled, as long as that leaves far fewer."""
    starts = np.arange(weights.size)
    while True:
        rises = np.flatnonzero(hits[:-1] * weights[1:] < hits[1:] * weights[:-1]) + 1
        kept = np.concatenate(([0], rises))
        if kept.size > starts.size * _WORTHWHILE:
            return starts.tolist(), weights, hits
        starts, weights, hits = starts[kept], np.add.reduceat(weights, kept), np.add.reduceat(hits, kept)
