"""Files as they come, CSV or parquet, turned into columns."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pyarrow.types as pt

from core.drift.columns import EXACT
from core.errors import AiaError
from functions.cli.drift.encoding import as_utf8
from functions.cli.drift.numerals import Numerals, numerals
from functions.cli.drift.text import several, show

_HEAD = 1 << 16
_BLOCK = 1 << 23  # a header and each row must fit into one block
_DELIMITERS = ",;\t|"
_INDEX = "__index_level_"


class FileError(AiaError):
    """A file can not be read or compared; the message names it, and is one line."""


class Sort(StrEnum):
    """What a column holds, in words."""

    NUMBERS = "numbers"
    BOOLEANS = "booleans"
    TEXT = "text"
    TIMES = "times"
    EMPTY = "nothing"
    NESTED = "nested values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a file holds.

    Attributes:
        table: its columns.
        notes: how it was read where that is not plain, a sentence each.
    """

    table: pa.Table
    notes: Sequence[str]


def load(path: Path, *, text: Collection[str] = ()) -> Loaded:
    """Read a file; what it is, its first bytes say, not its name.

    Args:
        path: CSV (also compressed; of any usual encoding; separated by commas, semicolons, tabs or bars) or parquet.
        text: names of columns that a CSV file's numbers are not looked for in.

    Raises:
        FileError: it is not there, is neither, has no rows, or has two columns of one name.
    """
    try:
        with as_utf8(path) as (readable, encoding):
            read = _read(readable, path, text)
        names = read.table.column_names
    except UnicodeDecodeError as error:
        raise FileError(f"{show(path)}: must be UTF-8 text or parquet") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileError(f"{show(path)}: {_cause(error)}") from error
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise FileError(f"{show(path)}: column names must differ, got {several(twice)} more than once")
    if not names:
        raise FileError(f"{show(path)}: must have columns, has none")
    if not read.table.num_rows:
        raise FileError(f"{show(path)}: must have rows, has only the header {several(names)}")
    table = {name: _plain(read.table[name]) for name in names if name and not name.startswith(_INDEX)}
    return Loaded(table=pa.table(table), notes=[*([f"not UTF-8: read as {encoding}"] if encoding else []), *read.notes])


def sort_of(column: pa.ChunkedArray) -> Sort:
    """What a column holds."""
    kind = column.type
    if column.null_count == len(column):
        return Sort.EMPTY
    if pt.is_integer(kind) or pt.is_floating(kind):
        return Sort.NUMBERS
    if pt.is_boolean(kind):
        return Sort.BOOLEANS
    if pt.is_temporal(kind):
        return Sort.TIMES
    return Sort.TEXT if _is_text(kind) else Sort.NESTED


def values(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """A column as a 1-d array: numbers, booleans or text; None and NaN are missing."""
    if pt.is_null(column.type):
        return np.full(len(column), np.nan)
    if column.null_count and pt.is_integer(column.type) and _is_large(column):
        return np.array(column.to_pylist(), dtype=object)
    found: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    return found


def _is_large(column: pa.ChunkedArray) -> bool:
    """Whether floats, as which integers with nulls come out of arrow, would round some of them."""
    ends = pc.min_max(column)
    return max(-(ends["min"].as_py() or 0), ends["max"].as_py() or 0) > EXACT


def _read(path: Path, given: Path, text: Collection[str]) -> Numerals:
    """Read a file, or its copy; faults name the file that was given."""
    if path.exists() and not path.is_file():
        raise FileError(f"{show(given)}: must be a file, and no directory or pipe, because it is read twice")
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return Numerals(table=pq.ParquetFile(path).read(), notes=())
    with pa.input_stream(str(path), compression="detect") as stream:
        head: bytes = stream.read(_HEAD)
    if not head.strip():
        raise FileError(f"{show(given)}: must be CSV or parquet, is empty")
    if b"\0" in head:
        raise FileError(f"{show(given)}: must be CSV (UTF-8) or parquet, is neither")
    return _read_csv(path, head.splitlines()[0].decode(errors="replace"), text)


def _read_csv(path: Path, header: str, text: Collection[str]) -> Numerals:
    delimiter = max(_DELIMITERS, key=header.count)

    def read(as_text: Collection[str], only: Sequence[str] = ()) -> pa.Table:
        return pa_csv.read_csv(
            str(path),
            read_options=pa_csv.ReadOptions(block_size=_BLOCK),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                strings_can_be_null=True, column_types=dict.fromkeys(as_text, pa.string()), include_columns=[*only]
            ),
        )

    table = read(text)
    if len({*table.column_names}) != len(table.column_names):
        return Numerals(table=table, notes=())
    return numerals(table, delimiter, written=lambda names: read(names, names), kept=text)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in one of few types: other encodings of text and numbers are undone."""
    kind = column.type
    if pt.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pt.is_decimal(kind):
        return column.cast(pa.float64())
    return column.cast(pa.large_string()) if pt.is_string_view(kind) else column


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pt.is_string, pt.is_large_string, pt.is_binary, pt.is_large_binary))


def _cause(error: Exception) -> str:
    """What went wrong, in one line and without the path that the message begins with."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    said = str(error).strip() or type(error).__name__
    return show(io.StringIO(said).readline().strip(), limit=200)
