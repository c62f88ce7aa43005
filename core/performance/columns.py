"""The columns that performance is measured from: numbers of equal length, without the rows that lack one."""

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, Floats, ProfileError, array


def floats(name: str, column: Column) -> Floats:
    """A column as float64, NaN where a value is missing; shape (n,).

    Raises:
        ProfileError: a value is no number.
    """
    values = array(name, column)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ProfileError(f"{name}: must be numbers, got {values.dtype}: {error}") from error


def pairs(first: tuple[str, Column], second: tuple[str, Column]) -> tuple[Floats, Floats]:
    """Two named columns as numbers, without the rows in which either is missing; shape (m,) each.

    Raises:
        ProfileError: the lengths differ, a value is no number.
    """
    a, b = floats(*first), floats(*second)
    require_equal(first[0], a.size, second[0], b.size)
    known = ~(np.isnan(a) | np.isnan(b))
    return a[known], b[known]


def require_equal(first: str, rows: int, second: str, others: int) -> None:
    """Refuse columns of different lengths.

    Raises:
        ProfileError: they differ.
    """
    if rows != others:
        raise ProfileError(f"{second}: must have {rows} rows as {first} has, got {others}")


def require_within(name: str, values: Floats, good: NDArray[np.bool_], allowed: str) -> None:
    """Refuse values that are not allowed.

    Raises:
        ProfileError: one of them is not good.
    """
    if not good.all():
        raise ProfileError(f"{name}: must be {allowed}, got {values[~good][0]:g}")
