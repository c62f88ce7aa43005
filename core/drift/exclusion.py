"""Features that are left out of the comparison: identifiers, timestamps and constants, found in the reference.

Every window has new identifiers and later timestamps, so such a feature would drift always and tell nothing. A constant has no
distribution to compare: that it begins to vary is a data quality issue.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import EXACT, Floats, is_integer
from core.drift.grid import inner

FEWEST = 30
"""Of fewer rows nothing is known to be constant or to differ in every row."""
MANY = 1000
"""From so many rows on, whole numbers that hardly repeat may be identifiers, and a few repetitions of text are no matter."""
_DISTINCT = 0.95
_EVEN = 0.1  # as far the distribution of identifiers may be from an even one
_EPOCH = 1_000_000_000, 4_200_000_000  # seconds: 2001 to 2103
_UNITS = 1, 10**3, 10**6, 10**9
_PARSED = 20


class LeftOut(StrEnum):
    """Why a feature is not compared."""

    IDENTIFIER = "identifier"
    """Almost every row has a value of its own."""

    TIMESTAMP = "timestamp"
    """It says when, so that every window is later than the reference."""

    CONSTANT = "constant"
    """All rows of the reference have one value, or none has any."""


def why_numbers(values: NDArray[Any], ascending: Floats, missing: int, origin: int = 0) -> LeftOut | None:
    """Why a numeric feature is left out, or None when it is compared.

    Whole numbers are identifiers when more than 95 % of at least `MANY` rows differ and they rise with the rows or are
    spread evenly from the lowest to the highest: an amount in cents may differ as much, but is not spread so.

    Args:
        values: in the order of the rows, as they came.
        ascending: the same, sorted, without missing ones.
        missing: how many are missing.
        origin: what the sorted ones are measured from.

    >>> why_numbers(np.arange(2000), np.arange(2000.0), 0).value
    'identifier'
    """
    if ascending.size + missing >= FEWEST and (not ascending.size or (not missing and ascending[0] == ascending[-1])):
        return LeftOut.CONSTANT
    finite = inner(ascending)
    if finite.size < MANY or not _are_whole(values, finite):
        return None
    distinct = 1 + int(np.count_nonzero(np.diff(finite)))
    almost_unique = distinct > _DISTINCT * finite.size
    rises = _rises(values)
    if (rises or almost_unique) and any(
        _EPOCH[0] * unit <= finite[0] + origin and finite[-1] + origin <= _EPOCH[1] * unit for unit in _UNITS
    ):
        return LeftOut.TIMESTAMP
    return LeftOut.IDENTIFIER if almost_unique and (rises or _is_even(finite)) else None


def why_categories(values: NDArray[Any], found: Mapping[str, int], missing: int) -> LeftOut | None:
    """Why a categorical feature is left out, or None when it is compared.

    Args:
        values: in the order of the rows, as they came.
        found: rows by category.
        missing: rows without one.

    >>> why_categories(np.array(["a"] * 50), {"a": 50}, 0).value
    'constant'
    """
    present = sum(found.values())
    if present + missing < FEWEST:
        return None
    if not found or (len(found) == 1 and not missing):
        return LeftOut.CONSTANT
    if _are_dates(values):
        return LeftOut.TIMESTAMP
    least = _DISTINCT * present if present >= MANY else present - 1
    return LeftOut.IDENTIFIER if present >= FEWEST and len(found) > least else None


def is_temporal(values: NDArray[Any]) -> bool:
    """Whether the values are dates or instants."""
    if values.dtype.kind == "M":
        return True
    return values.dtype.kind == "O" and isinstance(next((one for one in values if one is not None), None), date)


def _are_whole(values: NDArray[Any], finite: Floats) -> bool:
    if is_integer(values):
        return True
    return bool(max(-finite[0], finite[-1]) <= EXACT and (finite == np.floor(finite)).all())


def _rises(values: NDArray[Any]) -> bool:
    """Whether no value is below the one before; missing ones are passed over."""
    present = values[values == values] if values.dtype.kind == "f" else values  # noqa: PLR0124 - NaN differs from itself
    if present.dtype.kind == "O":
        present = np.array([value for value in present.tolist() if value is not None and value == value])  # noqa: PLR0124 - as above
    return bool((present[1:] >= present[:-1]).all() and present[0] < present[-1])


def _is_even(finite: Floats) -> bool:
    places = (finite - finite[0]) / (finite[-1] - finite[0])
    return bool(np.abs(places - np.arange(finite.size) / (finite.size - 1)).max() < _EVEN)


def _are_dates(values: NDArray[Any]) -> bool:
    """Whether text holds dates or instants of ISO 8601: of some values spread over the rows, all do."""
    if values.dtype.kind not in "UO":
        return False
    present = [value for value in values.tolist() if value is not None and value == value]  # noqa: PLR0124 - NaN differs from itself
    return all(_is_date(value) for value in present[:: max(len(present) // _PARSED, 1)])


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or value[4:5] != "-":
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
