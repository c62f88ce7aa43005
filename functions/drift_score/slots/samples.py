"""Some rows of a window, as its slots keep them: by them it is seen how features go together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.drift import Profile
from core.drift.joint import ROWS, JointSample, evenly
from functions.drift_score.slots.packed import unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRows:
    """Some rows of the slots of a window that have the same features.

    Attributes:
        features: their numbers within the profile, ascending.
        text: the rows, one after another, each value a big-endian float of 32 bits, as base64: decoded when their model is scored, so that
            those of a shard's other models take no more memory.
    """

    features: tuple[int, ...]
    text: str

    @property
    def rows(self) -> NDArray[np.float32]:
        """The values, shape (rows, features).

        Raises:
            QueryError: they are no whole rows.
        """
        return unpacked(self.text, ">f4", len(self.features), "ops.cell_counts.sample")


def joint_sample(parts: Sequence[SampledRows], profile: Profile) -> JointSample:
    """Evenly spaced rows of a sample, at most `joint.ROWS`: the features that are compared as to how they go together.

    Args:
        parts: the sample, in the order of time.
        profile: that the slots were counted by; a feature that no part has is left out, one that a part has not is missing there.
    """
    tables = [part.rows for part in parts]
    at, start = evenly(sum(map(len, tables)), ROWS), 0
    known = sorted({feature for part in parts for feature in part.features})
    places = np.full((len(known), at.size), np.nan, dtype=np.float32)
    for part, table in zip(parts, tables, strict=True):
        first, last = at.searchsorted((start, start + len(table)))
        places[np.searchsorted(known, part.features), first:last] = table[at[first:last] - start].T
        start += len(table)
    order = profile.order
    return JointSample(names=tuple(order[feature] for feature in known), places=places)
