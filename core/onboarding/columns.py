"""Which columns of a log are features, and why the others are left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import EXACT
from core.drift.exclusion import LeftOut, is_temporal, why_categories, why_numbers
from core.performance.rows import missing

BEYOND: Final = "whole numbers beyond 2^53, as of an identifier or a hash"
EMPTY: Final = "empty"
_WORDS: Final = {
    LeftOut.IDENTIFIER: "almost every row has its own value, as of an identifier",
    LeftOut.TIMESTAMP: "times",
    LeftOut.CONSTANT: "constant",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The features of a log.

    Attributes:
        numeric: columns of numbers.
        categorical: columns of text or booleans.
        left_out: why, by the name of each other column.
        identifiers: those of them of which every row has its own value.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    left_out: Mapping[str, str]
    identifiers: tuple[str, ...]


def roles(columns: Mapping[str, NDArray[Any]]) -> Roles:
    """Tell features from identifiers, times, constants and empty columns.

    Args:
        columns: 1-d arrays of one length, in the order of the rows: numbers, booleans, times or text; None and NaN are missing.

    >>> found = roles({"age": np.array([31.0, 44.0, 27.0]), "plan": np.array(["a", "b", "a"], dtype=object), "note": np.array([np.nan] * 3)})
    >>> found.numeric, found.categorical, dict(found.left_out)
    (('age',), ('plan',), {'note': 'empty'})
    """
    why = {name: _why(values) for name, values in columns.items()}
    kept = [name for name, reason in why.items() if reason is None]
    return Roles(
        numeric=tuple(name for name in kept if columns[name].dtype.kind in "iuf"),
        categorical=tuple(name for name in kept if columns[name].dtype.kind not in "iuf"),
        left_out={name: reason for name, reason in why.items() if reason is not None},
        identifiers=tuple(name for name, values in columns.items() if why[name] is not None and _is_unique(values)),
    )


def _why(values: NDArray[Any]) -> str | None:
    """Why a column is no feature, or None where it is one."""
    if values.dtype.kind == "M" or is_temporal(values):
        return _WORDS[LeftOut.TIMESTAMP]
    present = values[~missing(values)]
    if not present.size:
        return EMPTY
    n_missing = values.size - present.size
    if values.dtype.kind in "iuf":
        reason = why_numbers(values, np.sort(present.astype(np.float64)), n_missing)
        return BEYOND if _is_beyond(present) else reason and _WORDS[reason]
    if isinstance(present[0], int) and not isinstance(present[0], bool):
        return BEYOND  # as integers beyond 2^53 come where some are missing
    reason = why_categories(values, Counter(map(str, present.tolist())), n_missing)
    return reason and _WORDS[reason]


def _is_beyond(present: NDArray[Any]) -> bool:
    """Whether floats would round some of these whole numbers."""
    if present.dtype.kind == "f":
        return bool(
            (present == np.floor(present)).all() and np.abs(present[np.isfinite(present)]).max(initial=0) > EXACT
        )
    return max(int(present.max()), -int(present.min())) > EXACT


def _is_unique(values: NDArray[Any]) -> bool:
    """Whether every row has a value of its own, which no other row has."""
    if values.dtype.kind in "fM":
        return False
    present = values[~missing(values)]
    return present.size == values.size > 1 and len(set(present.tolist())) == values.size
