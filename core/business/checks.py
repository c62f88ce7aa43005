"""What every estimate asks of its input, in one wording."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import AiaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class EstimateError(AiaError, ValueError):
    """What an estimate is made from is not what it must be; the message names the argument and the value."""


def vector(name: str, values: Sequence[float] | Floats, *, missing: bool = False) -> Floats:
    """The values as a 1-d array of numbers.

    Args:
        name: of the argument, for the message.
        values: shape (n,).
        missing: whether NaN is allowed.

    Raises:
        EstimateError: another shape, no numbers, or a value that is infinite or, unless allowed, missing.

    >>> vector("age", [3, 1.5])
    array([3. , 1.5])
    """
    try:
        found: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EstimateError(f"{name}: must hold numbers only: {error}") from error
    if found.ndim != 1:
        raise EstimateError(f"{name}: must be 1-d, got shape {found.shape}")
    wrong = np.flatnonzero(np.isinf(found) if missing else ~np.isfinite(found))
    if wrong.size:
        allowed = "finite or NaN" if missing else "finite"
        raise EstimateError(f"{name}[{wrong[0]}]: must be {allowed}, got {found[wrong[0]]}")
    return found


def require(name: str, values: Floats, holds: Bools, allowed: str) -> None:
    """Refuse the first value that does not hold what it must.

    Raises:
        EstimateError: naming the place, what is allowed and the value.
    """
    wrong = np.flatnonzero(~holds)
    if wrong.size:
        raise EstimateError(f"{name}[{wrong[0]}]: must be {allowed}, got {values[wrong[0]]:g}")


def same_length(**arrays: Floats) -> None:
    """Refuse arrays of different lengths.

    Raises:
        EstimateError: naming the first that differs from the first one.
    """
    first, size = next((name, values.size) for name, values in arrays.items())
    for name, values in arrays.items():
        if values.size != size:
            raise EstimateError(f"{name}: must have {size} values as {first} has, got {values.size}")


def amounts(name: str, values: Mapping[str, float], *, least: float | None = None) -> None:
    """Refuse an amount that is no number, or less than the least.

    Raises:
        EstimateError: naming the key and the value.
    """
    for key, value in values.items():
        if not np.isfinite(value) or (least is not None and value < least):
            allowed = "finite" if least is None else f"a number of at least {least:g}"
            raise EstimateError(f"{name}[{key!r}]: must be {allowed}, got {value}")


def root(values: Floats) -> Floats:
    """The square root, with the sign kept: on this scale money is about as uncertain at any size.

    >>> root(np.array([9.0, -4.0]))
    array([ 3., -2.])
    """
    found: Floats = np.copysign(np.sqrt(np.abs(values)), values)
    return found


def square(values: Floats) -> Floats:
    """What `root` was taken of."""
    found: Floats = np.copysign(np.square(values), values)
    return found
