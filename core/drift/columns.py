"""Columns as they come, turned into what can be counted: sorted numbers, or categories and how often each is there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import AiaError

Column = NDArray[Any] | Sequence[Any]
"""One feature of a window: 1-d, numbers or categories; None and NaN are missing."""

Columns = Mapping[str, Column]
"""A window: a column by feature name, all of one length."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FITS = 2.0**62  # a distance up to here is an int64, rounding included
_SPAN = 1 << 16  # integers within so wide a range are counted by position, without a sort


EXACT = 2**53
"""Up to here a float holds every whole number."""

_KINDS = {
    "i": "numbers",
    "u": "numbers",
    "f": "numbers",
    "b": "booleans",
    "U": "text",
    "S": "text",
    "M": "times",
    "m": "times",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "booleans": (bool, np.bool_),
    "numbers": (int, float, np.number),
    "text": (str, bytes),
    "times": (date, time, timedelta, np.datetime64),
}


class ProfileError(AiaError, ValueError):
    """A profile, or what is compared with one, is not what it must be; the message names the key and the value."""


def array(name: str, column: Column) -> NDArray[Any]:
    """The column as a 1-d numpy array.

    Raises:
        ProfileError: it has another number of dimensions.
    """
    values = column if isinstance(column, np.ndarray) else _from_sequence(column)
    if values.ndim != 1:
        raise ProfileError(f"column {name!r}: must be 1-d, got shape {values.shape}")
    return values


def rows(columns: Columns) -> int:
    """How many rows the window has.

    Raises:
        ProfileError: the columns differ in length.
    """
    sizes = {name: len(column) for name, column in columns.items()}
    first = next(iter(sizes), "")
    for name, size in sizes.items():
        if size != sizes[first]:
            raise ProfileError(f"column {name!r}: must have {sizes[first]} rows as {first!r} has, got {size}")
    return sizes.get(first, 0)


def is_numeric(values: NDArray[Any]) -> bool:
    """Whether the values are numbers: integers and floats, also among None; not booleans."""
    if values.dtype.kind in "iuf":
        return True
    if values.dtype.kind != "O":
        return False
    kinds = set(map(type, values.tolist())) - {type(None)}
    return bool(kinds) and all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds)


def is_integer(values: NDArray[Any]) -> bool:
    """Whether the values are integers, also among None."""
    if values.dtype.kind in "iu":
        return True
    kinds = set(map(type, values.tolist())) - {type(None)} if values.dtype.kind == "O" else set()
    return bool(kinds) and all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds)


def holds(values: NDArray[Any]) -> str:
    """What a column holds, in a word or two.

    It is `numbers`, `text`, `booleans`, `mixed values` of these, `times`, `other values`, or `nothing` where all are missing.

    >>> holds(np.array([1.5, None], dtype=object)), holds(np.array(["a"])), holds(np.array([np.nan]))
    ('numbers', 'text', 'nothing')
    """
    kind = values.dtype.kind
    if kind in "fO" and not values.size:
        return "nothing"
    if kind == "f" and np.isnan(values[0]) and bool(np.isnan(values).all()):
        return "nothing"
    if kind != "O":
        return _KINDS.get(kind, "other values")
    listed = values.tolist()
    kinds = set(map(type, listed)) - {type(None)}
    if float in kinds and all(value != value for value in listed if type(value) is float):  # noqa: PLR0124 - so is NaN found
        kinds.discard(float)
    found = {
        next((name for name, types in _TYPES.items() if issubclass(kind, types)), "other values") for kind in kinds
    }
    if len(found) > 1:
        return "other values" if found & {"other values", "times"} else "mixed values"
    return found.pop() if found else "nothing"


def origin_of(values: NDArray[Any]) -> int:
    """Where the numbers of a column are measured from, so that floats hold them: 0, or the median of integers beyond 2^53.

    >>> origin_of(np.array([2**60, 2**60 + 1, 2**60 + 3])) - 2**60, origin_of(np.array([5, 6]))
    (1, 0)
    """
    if not values.size or values.dtype.kind not in "iuO" or not is_integer(values):
        return 0
    whole = (
        values if values.dtype.kind in "iu" else np.array([one for one in values.tolist() if one is not None], object)
    )
    if max(int(whole.max()), -int(whole.min())) <= EXACT:
        return 0
    return int(np.sort(whole)[whole.size // 2])


def measured(name: str, column: Column, origin: int = 0) -> Floats:
    """The numbers of a column in the order of the rows, as distances from an origin; NaN for what is missing.

    The difference of integers is taken before it becomes a float, so that values beyond 2^53 do not fall together. Distances
    beyond 2^53 are rounded.

    >>> measured("id", np.array([2**60 + 1, 2**60 + 2]), 2**60)
    array([1., 2.])

    Raises:
        ProfileError: a value is no number.
    """
    values = array(name, column)
    if values.dtype.kind not in "iufbO":
        raise ProfileError(f"column {name!r}: must be numeric, got {values.dtype}{_example(values)}")
    try:
        if origin and values.dtype.kind == "O":
            distances = [None if one is None else one - origin for one in values.tolist()]
            return np.array(distances, dtype=object).astype(np.float64)
        numbers: Floats = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ProfileError(f"column {name!r}: must be numeric, got {values.dtype}: {error}") from error
    if not origin:
        return numbers
    numbers -= float(origin)
    if values.dtype.kind in "iu":
        wide = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
        apart = (wide - np.uint64(origin % 2**64)).view(np.int64)  # modulo 2^64: right wherever the distance fits
        numbers = np.where(np.abs(numbers) < _FITS, apart.astype(np.float64), numbers)
    return numbers


def ordered(name: str, column: Column, origin: int = 0) -> tuple[Floats, int]:
    """The numbers of a column in ascending order, infinities among them, and how many are missing.

    They are distances from an origin, as from `measured`.

    >>> ordered("age", [3, None, 1.5])
    (array([1.5, 3. ]), 1)

    Raises:
        ProfileError: a value is no number.
    """
    numbers = measured(name, column, origin)
    numbers.sort()
    if not numbers.size or not np.isnan(numbers[-1]):
        return numbers, 0
    present = int(np.searchsorted(numbers, np.nan))
    return numbers[:present], numbers.size - present


def tally(name: str, column: Column) -> tuple[dict[str, int], int]:
    """How often each category is there, and how many values are missing.

    A category is spelt as `CAST(value AS STRING)` spells it in BigQuery, so that rows and counts agree.

    >>> tally("open", [True, None, True])
    ({'true': 2}, 1)

    Raises:
        ProfileError: a value can be no category.
    """
    values = array(name, column)
    kind = values.dtype.kind
    if kind in "iu":
        return _tally_integers(values), 0
    if kind not in "bfUSO":
        raise ProfileError(f"column {name!r}: must be categorical, got {values.dtype}{_example(values)}")
    listed = values.tolist()
    kinds = set(map(type, listed))
    if kinds <= {str, type(None)}:
        counted = dict(Counter(listed))
        missing = counted.pop(None, 0)
        return counted, missing
    try:
        if bool in kinds and not kinds <= {bool, str, type(None)}:
            listed = [None if _is_missing(value) else spell(value) for value in listed]  # True equals 1 to a Counter
        raw = Counter(listed)
    except TypeError as error:
        raise ProfileError(f"column {name!r}: must hold strings, booleans or numbers: {error}") from error
    return _spelt(raw.items())


def _from_sequence(column: Sequence[Any]) -> NDArray[Any]:
    values = np.asarray(column, dtype=object)
    if values.ndim == 1 and values.size and is_numeric(values):
        if origin_of(values):
            return values
        return values.astype(np.float64)
    return values


def _tally_integers(values: NDArray[Any]) -> dict[str, int]:
    if not values.size:
        return {}
    lowest, highest = int(values.min()), int(values.max())
    if highest - lowest < _SPAN:
        counts = np.bincount(values.astype(np.int64) - lowest)
        present = np.flatnonzero(counts)
        return dict(zip(map(str, (present + lowest).tolist()), counts[present].tolist(), strict=True))
    distinct, counts = np.unique(values, return_counts=True)
    return dict(zip(map(str, distinct.tolist()), counts.tolist(), strict=True))


def _spelt(raw: Iterable[tuple[Any, int]]) -> tuple[dict[str, int], int]:
    found: dict[str, int] = {}
    missing = 0
    for value, count in raw:
        if _is_missing(value):
            missing += count
        else:
            name = spell(value)
            found[name] = found.get(name, 0) + count
    return found, missing


def spell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    """A value as a category, spelt as `CAST(value AS STRING)` spells it in BigQuery; `missing` for None and NaN."""
    if _is_missing(value):
        return "missing"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def spell_all(values: Sequence[Any]) -> list[str]:
    """Each value as `spell` spells it; where all are of one type, each distinct one is spelt once.

    >>> spell_all([2.0, None, 2.0])
    ['2', 'missing', '2']
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(values)
    if any(kinds <= {plain, type(None)} for plain in (str, int, float, bool)):
        words = {value: spell(value) for value in set(values)}
        return [words[value] for value in values]
    return [spell(value) for value in values]


def _is_missing(value: Any) -> bool:  # noqa: ANN401 - whatever a column holds
    return value is None or (isinstance(value, float | np.floating) and value != value)  # noqa: PLR0124 - NaN is what differs from itself


def _example(values: NDArray[Any]) -> str:
    return f" as in {values[0]!s}" if values.size else ""
