"""Validation of the arguments of estimates, and the square-root scale."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import AiaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class EstimateError(AiaError, ValueError):
    """The input of an estimate is invalid; the message names the argument and the value."""


def vector(name: str, values: Sequence[float] | Floats, *, missing: bool = False) -> Floats:
    """The values as a 1-d array of numbers.

    Args:
        name: of the argument, for the message.
        values: shape (n,).
        missing: whether NaN is allowed.

    Raises:
        EstimateError: another shape, no numbers, an infinite value, or a missing one that is not allowed.

    >>> vector("age", [3, 1.5])
    array([3. , 1.5])
    """
    try:
        array: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"{name}: must hold numbers only: {error}") from error
    if array.ndim != 1:
        raise EstimateError(f"{name}: must be 1-d, got shape {array.shape}")
    invalid = np.flatnonzero(np.isinf(array) if missing else ~np.isfinite(array))
    if invalid.size:
        allowed = "finite or NaN" if missing else "finite"
        raise EstimateError(f"{name}[{invalid[0]}]: must be {allowed}, got {array[invalid[0]]}")
    return array


def require(name: str, values: Floats, valid: Bools, allowed: str) -> None:
    """Refuse the first value that is not valid.

    Raises:
        EstimateError: naming the index, what is allowed and the value.
    """
    invalid = np.flatnonzero(~valid)
    if invalid.size:
        raise EstimateError(f"{name}[{invalid[0]}]: must be {allowed}, got {values[invalid[0]]:g}")


def same_length(**arrays: Floats) -> None:
    """Refuse arrays of different lengths.

    Raises:
        EstimateError: naming the first one that differs from the first array.
    """
    first, size = next((name, values.size) for name, values in arrays.items())
    for name, values in arrays.items():
        if values.size != size:
            raise EstimateError(f"{name}: must have {size} values as {first} has, got {values.size}")


def require_amounts(name: str, values: Mapping[str, float], *, least: float | None = None) -> None:
    """Refuse an amount that is not finite, or below the least one allowed.

    Raises:
        EstimateError: naming the key and the value.
    """
    for key, value in values.items():
        if not np.isfinite(value) or (least is not None and value < least):
            allowed = "finite" if least is None else f"a number of at least {least:g}"
            raise EstimateError(f"{name}[{key!r}]: must be {allowed}, got {value}")


def signed_sqrt(values: Floats) -> Floats:
    """The square root of the absolute value, with the sign kept: it stabilises the variance of amounts of money.

    >>> signed_sqrt(np.array([9.0, -4.0]))
    array([ 3., -2.])
    """
    roots: Floats = np.copysign(np.sqrt(np.abs(values)), values)
    return roots


def signed_square(values: Floats) -> Floats:
    """The inverse of `signed_sqrt`."""
    squares: Floats = np.copysign(np.square(values), values)
    return squares
