"""A file of predictions as a log: its instants, its columns, and what each column is."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.onboarding import Hours, LabelRole, OnboardingError, Roles, label_role, roles
from core.text import counted
from functions.cli.drift.read import Sort, load, sort_of, values
from functions.cli.drift.text import several, show
from functions.cli.watch.times import instants

TIME, ROW, ARRIVED, MODEL = "scored_at_", "row_id", "arrived_at", "model"
"""Columns that the table has whatever the file has: their names are given to no other column."""
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The columns that the options name.

    Attributes:
        timestamp: of the times; None where the only column of times is it.
        score: of the predicted scores.
        label: of the labels, if any.
        row_id: of what identifies a row; None where one is found, or the contents of a row identify it.
        ignore: that are left out.
        categorical: whose numbers are categories.
        time_format: of times as text, as `strptime` has it.
    """

    timestamp: str | None
    score: str | None
    label: str | None = None
    row_id: str | None = None
    ignore: Collection[str] = ()
    categorical: Collection[str] = ()
    time_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The rows of a file that have a time, the oldest first.

    Attributes:
        micros: instants in microseconds since 1970, shape (rows,).
        hours: how many there are by the hour.
        table: the columns by their names in the file.
        timestamp: the name of the column of times.
        score: of the scores.
        label: of the labels, if any are used.
        label_role: how they are used.
        roles: of the other columns.
        row_id: the column that identifies a row, if any.
        notes: what was done to the file, a sentence each.
    """

    micros: NDArray[np.int64]
    hours: Hours
    table: pa.Table
    timestamp: str
    score: str
    label: str | None
    label_role: LabelRole | None
    roles: Roles
    row_id: str | None
    notes: Sequence[str] = field(default_factory=tuple)


def read(path: Path, chosen: Chosen, now: datetime) -> Log:
    """Read a file and tell what its columns are.

    Raises:
        FileError: it cannot be read, or has no rows.
        OnboardingError: a column that an option names is not there or is not what it must be.
    """
    found = load(path, text=list(chosen.categorical))
    return _once(inferred(found.table, chosen, now, [*found.notes]))


def inferred(table: pa.Table, chosen: Chosen, now: datetime, notes: list[str]) -> Log:
    """Tell what the columns of a table are.

    Raises:
        OnboardingError: a column that an option names is not there or is not what it must be.
    """
    table = pa.table({name: _decoded(table[name]) for name in table.column_names})
    _require(table, chosen)
    timestamp = chosen.timestamp or _only_times(table)
    micros, known, told = instants(timestamp, table[timestamp], chosen.time_format)
    notes = [*notes, *([f"{timestamp}: {told}"] if told else [])]
    late = known & (micros > int(now.timestamp() * 1e6))
    notes += [f"left out: {counted(int((~known).sum()), 'row')} without a time"] if not known.all() else []
    notes += [f"left out: {counted(int(late.sum()), 'row')} later than now"] if late.any() else []
    kept = np.flatnonzero(known & ~late)
    if not kept.size:
        raise OnboardingError(
            f"--timestamp: {show(timestamp)!r} must have a time up to now, has none in {table.num_rows:,} rows"
        )
    order = kept[np.argsort(micros[kept], kind="stable")]
    return _typed(table.take(pa.array(order)), micros[order], timestamp, chosen, notes)


def _once(log: Log) -> Log:
    """A log without the rows that repeat the identifier of an earlier one: a table has each once."""
    if log.row_id is None:
        return log
    kept = np.sort(np.unique(np.array(row_ids(log)), return_index=True)[1])
    repeated = len(log.micros) - len(kept)
    if not repeated:
        return log
    note = f"left out: {counted(repeated, 'row')} with the {show(log.row_id)} of an earlier one (--id names another column)"
    micros = log.micros[kept]
    return replace(
        log, micros=micros, hours=Hours.of(micros), table=log.table.take(pa.array(kept)), notes=[*log.notes, note]
    )


def _typed(table: pa.Table, micros: NDArray[np.int64], timestamp: str, chosen: Chosen, notes: list[str]) -> Log:
    score = _score(table, chosen)
    role = label_role(values(table[chosen.label]), values(table[score])) if chosen.label else None
    if role and role.reason:
        notes = [*notes, f"{chosen.label}: {'not used: ' if role.task is None else ''}{role.reason}"]
    taken = {timestamp, score, chosen.label, chosen.row_id, *chosen.ignore}
    features, nested = dict[str, NDArray[Any]](), dict[str, str]()
    for name in table.column_names:
        if name not in taken and (reason := _unfit(table[name])):
            nested[name] = reason
        elif name not in taken:
            features[name] = values(table[name])
    found = roles(features)
    if not (found.numeric or found.categorical):
        raise OnboardingError(
            f"must have a feature beside time, score and label, has none: {_reasons({**found.left_out, **nested})}"
        )
    left_out = {**found.left_out, **nested, **dict.fromkeys(chosen.ignore, "ignored")}
    row_id = chosen.row_id or next(iter(found.identifiers), None)
    return Log(
        micros=micros,
        hours=Hours.of(micros),
        table=table,
        timestamp=timestamp,
        score=score,
        label=chosen.label if role and role.task else None,
        label_role=role if role and role.task else None,
        roles=Roles(
            numeric=found.numeric, categorical=found.categorical, left_out=left_out, identifiers=found.identifiers
        ),
        row_id=row_id,
        notes=notes,
    )


def _unfit(column: pa.ChunkedArray) -> str:
    sort = sort_of(column)
    return f"holds {sort}" if sort in {Sort.NESTED, Sort.EMPTY} else ""


def _reasons(left_out: Mapping[str, str]) -> str:
    return ", ".join(f"{show(name, limit=60)!r} {why}" for name, why in list(left_out.items())[:3]) or "no other column"


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as text, as far as they are."""
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return column
    return pa.chunked_array([[one and one.decode("utf-8", "replace") for one in column.to_pylist()]], pa.string())


def _require(table: pa.Table, chosen: Chosen) -> None:
    """Refuse names of options that no column has."""
    named = {
        "--timestamp": [chosen.timestamp],
        "--score": [chosen.score],
        "--label": [chosen.label],
        "--id": [chosen.row_id],
    }
    named |= {"--ignore": list(chosen.ignore), "--categorical": list(chosen.categorical)}
    for option, names in named.items():
        if unknown := [name for name in names if name is not None and name not in table.column_names]:
            raise OnboardingError(
                f"{option}: must name a column of {several(table.column_names)}, got {several(unknown)}"
            )


def _only_times(table: pa.Table) -> str:
    found = [name for name in table.column_names if sort_of(table[name]) is Sort.TIMES]
    if len(found) != 1:
        told = (
            f"several hold times: {several(found)}" if found else f"none of {several(table.column_names)} holds times"
        )
        raise OnboardingError(f"--timestamp: must name the column of the prediction time, {told}")
    only: str = found[0]
    return only


def _score(table: pa.Table, chosen: Chosen) -> str:
    numbers = [name for name in table.column_names if sort_of(table[name]) is Sort.NUMBERS and name != chosen.timestamp]
    if chosen.score is None:
        raise OnboardingError(
            f"--score: must name the column of the predicted score: one of the numbers {several(numbers)}"
        )
    if chosen.score not in numbers:
        raise OnboardingError(
            f"--score: must name a column of numbers, {show(chosen.score)!r} holds {sort_of(table[chosen.score])}"
        )
    return chosen.score


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """The column of a table for each name of a file: letters, digits and underscores, and no two that differ by case only.

    >>> columns_of(["Größe (m²)", "gro_e_m2", "2nd"])
    {'Größe (m²)': 'Gro_e_m2', 'gro_e_m2': 'gro_e_m2_2', '2nd': '_2nd'}
    """
    taken = {TIME, ROW, ARRIVED, MODEL}
    found: dict[str, str] = {}
    for name in names:
        plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
        base = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST] or "column"
        base = f"_{base}" if base[0].isdigit() else base
        unique, number = base, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{base}_{number}"
        taken.add(unique.lower())
        found[name] = unique
    return found


def row_ids(log: Log) -> list[str]:
    """What identifies each row: its identifier, or else its contents and how many rows before it have the same."""
    if log.row_id is not None:
        return [str(one) for one in log.table[log.row_id].to_pylist()]
    names = [log.score, *log.roles.numeric, *log.roles.categorical]
    texts = [pc.cast(log.table[name], pa.string()).to_pylist() for name in names]
    seen: Counter[bytes] = Counter()
    found = []
    for row in zip(log.micros.tolist(), *texts, strict=True):
        digest = blake2b(repr(row).encode(), digest_size=12)
        seen[digest.digest()] += 1
        found.append(f"{digest.hexdigest()}-{seen[digest.digest()]}")
    return found
