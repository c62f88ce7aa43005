"""Arrays of several windows as one, so that one call of numpy serves all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def joined(parts: Sequence[T]) -> T:
    """Arrays, mappings of arrays, or dataclasses of them: those of one part behind those of another; at least one part.

    >>> joined([np.array([1, 2]), np.array([3])])
    array([1, 2, 3])
    """
    first: Any = parts[0]
    listed: Sequence[Any] = parts
    if len(parts) == 1:
        return parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(listed)  # type: ignore[return-value] # of the same type
    if isinstance(first, Mapping):
        return {name: joined([part[name] for part in listed]) for name in first}  # type: ignore[return-value] # as above
    names = [field.name for field in fields(first)]
    found: T = type(first)(**{name: joined([getattr(part, name) for part in listed]) for name in names})
    return found
