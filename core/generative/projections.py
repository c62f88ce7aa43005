"""Random projections of embeddings: sums of the numbers of a vector, each with a sign that is always the same.

A projection on random signs keeps distances between vectors in the mean, so that a shift of the embeddings shows in some of the
projections; each is an ordinary numeric feature. The signs come from a hash, and so are the same everywhere and for ever.

References:
    Achlioptas (2003), Database-friendly random projections: Johnson-Lindenstrauss with binary coins.
"""

import hashlib

import numpy as np

from core.drift.columns import Floats

_SEED = "aia-projection-1"


def signs(dimensions: int, number: int) -> str:
    """The signs of a projection, `1` for plus and `0` for minus, one a dimension.

    Args:
        dimensions: of the vectors.
        number: of the projection, 1 and up.

    >>> signs(16, 1)
    '1110001101110010'
    """
    size = (dimensions + 7) // 8
    digest = hashlib.shake_128(f"{_SEED}:{number}".encode()).digest(size)
    return "".join(f"{byte:08b}" for byte in digest)[:dimensions]


def projection_sql(column: str, dimensions: int, number: int) -> str:
    """A projection of a vector; NULL where it has another length, or a number that is none.

    Args:
        column: an expression of an `ARRAY<FLOAT64>`.
        dimensions: of the vectors.
        number: of the projection, 1 and up.
    """
    signed = f"IF(SUBSTR('{signs(dimensions, number)}', place + 1, 1) = '1', x, -x)"
    total = f"(SELECT SUM({signed}) FROM UNNEST({column}) AS x WITH OFFSET AS place)"  # noqa: S608 - a column of the settings
    return f"IF(ARRAY_LENGTH({column}) = {dimensions}, {total} / {dimensions**0.5!r}, NULL)"


def project(vectors: Floats, number: int) -> Floats:
    """The same projection of vectors in memory, shape (n, dimensions).

    >>> project(np.ones((1, 16)), 1)
    array([0.5])
    """
    dimensions = vectors.shape[1]
    plus = np.array([1.0 if sign == "1" else -1.0 for sign in signs(dimensions, number)])
    found: Floats = vectors @ plus / dimensions**0.5
    return found
