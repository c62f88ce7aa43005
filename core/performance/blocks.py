"""The reference cut into blocks of time: its own days and weeks, by which it is known how much performance varies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats

Rows = NDArray[np.int64]
"""The places of rows."""
FEWEST = 5
"""With fewer blocks nothing is known of how they differ."""


def blocks(seconds: Floats, known: NDArray[np.bool_], *, length: float, fewest_rows: int) -> Sequence[Rows]:
    """Cut rows into blocks of time of equal length.

    Args:
        seconds: the instant of each row, shape (n,).
        known: which rows count, shape (n,).
        length: about how long a block is, in seconds; it is shorter where fewer than five would fit.
        fewest_rows: a block of fewer rows is left out.

    Returns:
        The places of the rows of each block, the oldest first; none where fewer than five blocks are left.

    >>> [rows.tolist() for rows in blocks(np.arange(10.0), np.ones(10, bool), length=2.0, fewest_rows=2)]
    [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    """
    places = np.flatnonzero(known & ~np.isnan(seconds))
    if not places.size:
        return ()
    at = seconds[places]
    span = float(at.max() - at.min())
    count = max(FEWEST, round(span / length))
    number = np.minimum((at - at.min()) / (span or 1.0) * count, count - 1).astype(np.int64)
    ordered = np.argsort(number, kind="stable")
    cuts = np.flatnonzero(np.diff(number[ordered])) + 1
    found = tuple(part for part in np.split(places[ordered], cuts) if part.size >= fewest_rows)
    return found if len(found) >= FEWEST else ()
