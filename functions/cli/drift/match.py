"""Two tables made comparable: which columns are compared, as what, and which are left out and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core.statistics import DEFAULT
from functions.cli.drift.read import FileError, Sort, load, sort_of, values
from functions.cli.drift.text import several, show

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user asked for.

    Attributes:
        categorical: names of columns whose numbers are categories.
        numeric: names of columns of numbers that are compared even if they look like identifiers or timestamps.
        ignore: names of columns that are not compared.
        by: the name of the column that parts the rows, or None.
        statistics: the names of the statistics that are shown.
    """

    categorical: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    by: str | None = None
    statistics: tuple[str, ...] = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Two windows, ready to be compared.

    Attributes:
        reference: a column by name.
        current: the same columns, but for those that are missing.
        categorical: names of columns whose numbers are categories.
        left_out: why, by the name of each column that is not compared.
        changed: what a column holds in the reference and in the current window, where that differs.
        parts: the column that parts the rows of the reference, and of the current window; None without one.
        notes: how the files were read where that is not plain, a sentence each.
    """

    reference: Mapping[str, Array]
    current: Mapping[str, Array]
    categorical: frozenset[str]
    left_out: Mapping[str, str]
    changed: Mapping[str, tuple[str, str]]
    parts: tuple[Array, Array] | None
    notes: tuple[str, ...] = ()


def match(reference: Path, current: Path, choice: Choice) -> Matched:
    """Read two files and pair their columns.

    Raises:
        FileError: a file can not be read, has no rows, or lacks the column that parts the rows; an option names no column;
            or nothing is left to compare.
    """
    before, after = load(reference), load(current)
    old, new = before.table, after.table
    _require_columns(old, new, (reference, current), choice)
    text = [
        name
        for name in old.column_names
        if name in choice.categorical and name in new.column_names and _differs(old[name], new[name])
    ]
    if text:
        before, after = load(reference, text=text), load(current, text=text)
        old, new = before.table, after.table
    left_out = {name: f"only in {show(current)}" for name in new.column_names if name not in old.column_names}
    compared: list[str] = []
    for name in old.column_names:
        if name in choice.ignore:
            left_out[name] = "ignored"
        elif why := _unfit(old[name], new[name] if name in new.column_names else None):
            left_out[name] = why
        else:
            compared.append(name)
    if not compared:
        reasons = ", ".join(f"'{show(name, limit=60)}': {why}" for name, why in list(left_out.items())[:3])
        raise FileError(f"{show(reference)}: must have a column to compare, has none ({reasons})")
    shared = [name for name in compared if name in new.column_names]
    paired = {name: _alike(values(old[name]), values(new[name])) for name in shared}
    alone = {name: values(old[name]) for name in compared if name not in paired}
    return Matched(
        reference={name: paired[name][0] if name in paired else alone[name] for name in compared},
        current={name: pair[1] for name, pair in paired.items()},
        categorical=choice.categorical.intersection(compared),
        left_out=left_out,
        changed={
            name: (sort_of(old[name]), sort_of(new[name]))
            for name in old.column_names
            if name in new.column_names and name not in choice.ignore and _differs(old[name], new[name])
        },
        parts=_parts(old, new, choice.by),
        notes=_notes((reference, before.notes), (current, after.notes)),
    )


def _notes(reference: tuple[Path, Sequence[str]], current: tuple[Path, Sequence[str]]) -> tuple[str, ...]:
    """How the files were read: what is true of both once, and else with the name of the file."""
    both = [note for note in reference[1] if note in current[1]]
    alone = [f"{show(path)}: {note}" for path, notes in (reference, current) for note in notes if note not in both]
    return (*both, *alone)


def _require_columns(old: pa.Table, new: pa.Table, paths: tuple[Path, Path], choice: Choice) -> None:
    known = {*old.column_names, *new.column_names}
    for option, names in (
        ("--categorical", choice.categorical),
        ("--numeric", choice.numeric),
        ("--ignore", choice.ignore),
    ):
        if unknown := sorted(names - known):
            raise FileError(f"{option}: must name a column of {several(old.column_names)}, got {several(unknown)}")
    if choice.by is not None and choice.by not in known:
        raise FileError(f"--by: must name a column of {several(old.column_names)}, got {several([choice.by])}")
    for table, path in zip((old, new), paths, strict=True):
        if choice.by is not None and choice.by not in table.column_names:
            raise FileError(f"{show(path)}: has no column {several([choice.by])}, which --by names")
    if not set(old.column_names) & set(new.column_names):
        raise FileError(f"{show(paths[1])}: has none of the columns {several(old.column_names)} of {show(paths[0])}")


def _differs(old: pa.ChunkedArray, new: pa.ChunkedArray) -> bool:
    return len({sort_of(old), sort_of(new)} - {Sort.EMPTY}) > 1


def _unfit(old: pa.ChunkedArray, new: pa.ChunkedArray | None) -> str | None:
    """Why a column is not compared, or None when it is."""
    kinds = {sort_of(old), sort_of(old if new is None else new)}
    if kinds == {Sort.EMPTY}:
        return "empty in both files"
    told = [kind for kind in (sort_of(old), *kinds) if kind in {Sort.TIMES, Sort.NESTED}]
    return f"holds {told[0]}" if told else None


def _alike(old: Array, new: Array) -> tuple[Array, Array]:
    """Numbers of both files in the coarser precision of the two.

    A 0.1 of 32 bits is no 0.1 of 64 bits: written to CSV and read again, it would lie on the other side of an edge.
    """
    coarse = min((values.dtype for values in (old, new) if values.dtype.kind == "f"), key=_size, default=None)
    if coarse is None or old.dtype == new.dtype or not {old.dtype.kind, new.dtype.kind} <= set("iuf"):
        return old, new
    return _rounded(old, coarse), _rounded(new, coarse)


def _rounded(values: Array, precision: np.dtype[Any]) -> Array:
    with np.errstate(over="ignore"):
        rounded = values.astype(precision).astype(np.float64)
    return np.where(np.isfinite(rounded), rounded, values)


def _size(precision: np.dtype[Any]) -> int:
    return precision.itemsize


def _parts(old: pa.Table, new: pa.Table, by: str | None) -> tuple[Array, Array] | None:
    if by is None:
        return None
    kinds: Iterable[Sort] = (sort_of(old[by]), sort_of(new[by]))
    if wrong := [kind for kind in kinds if kind in {Sort.TIMES, Sort.NESTED}]:
        raise FileError(f"--by: must name a column of text, booleans or numbers, '{show(by)}' holds {wrong[0]}")
    return values(old[by]), values(new[by])
