"""Columns of a CSV file that have their numbers as text: separated thousands, a decimal comma, a currency, a per cent sign."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from functions.cli.drift.text import show

_GAPS: Final = r" '\x{2019}\x{00A0}\x{2009}\x{202F}"
"""What separates thousands in either notation, inside a class of a regular expression."""
_MOSTLY: Final = 0.9
"""From this share of its values on, a column of text is told to be numbers with something else among them."""
_HEAD: Final = 1_000
"""So many values say whether a column may hold numbers at all."""


class Notation(Enum):
    """How a number is written: the mark of its decimals, and the marks between thousands."""

    POINT = r"\.", ","
    COMMA = ",", r"\."

    @property
    def pattern(self) -> str:
        """Of a whole value: a sign, a currency, the digits, and a currency or a per cent sign."""
        decimal, thousands = self.value
        whole = rf"(?:[1-9]\d{{0,2}}(?:[{thousands}{_GAPS}]\d{{3}})+|\d+)"
        digits = rf"{whole}(?:{decimal}\d+)?(?:[eE][-+]?\d+)?"
        return rf"^\s*(?P<sign>[-+\x{{2212}}]?)\s*(?P<before>[$€£¥]?)\s*(?P<digits>{digits})\s*(?P<after>[%$€£¥]?)\s*$"

    def plain(self, digits: pa.ChunkedArray) -> pa.ChunkedArray:
        """Digits as Python writes them."""
        decimal, thousands = self.value
        joined = pc.replace_substring_regex(digits, rf"[{thousands}{_GAPS}]", "")
        return pc.replace_substring_regex(joined, decimal, ".")


_POINTS: Final = {Notation.POINT: "decimals", Notation.COMMA: "thousands"}
_OTHERWISE: Final = "--categorical makes them categories"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerals:
    """The columns of a file with what was text read as numbers.

    Attributes:
        table: the columns.
        notes: a sentence for each column that was read so, or that has something else among its numbers.
    """

    table: pa.Table
    notes: Sequence[str]


def numerals(
    table: pa.Table, delimiter: str, *, written: Callable[[Sequence[str]], pa.Table], kept: Collection[str] = ()
) -> Numerals:
    """Read columns of text as numbers where each value is one, all in one notation and one unit.

    Where both notations fit a column, as of `1,234`, the other columns decide, else the delimiter: a comma is that of decimals in
    files with semicolons. Per cent become shares. A column of floats, as `1.234`, decides and is decided as well; in a file without
    numbers as text its points are those of decimals.

    Args:
        table: of a CSV file, with names that differ.
        delimiter: of the file.
        written: columns of the file, of these names, as text.
        kept: names of columns that stay text.
    """
    texts = {name: table[name] for name in table.column_names if name not in kept and _is_text(table[name])}
    fits = {name: tuple(_fitting(column)) for name, column in texts.items()}
    names = [name for name in table.column_names if pt.is_floating(table[name].type)]
    is_in_doubt = any(fits.values()) or delimiter == ";"
    floats = written(names) if names and is_in_doubt else pa.table({})
    floats_fit = {name: tuple(_fitting(floats[name])) for name in floats.column_names}
    sure = {found[0] for found in (*fits.values(), *floats_fit.values()) if len(found) == 1}
    usual = Notation.COMMA if delimiter == ";" and any(fits.values()) else Notation.POINT
    usual = next(iter(sure)) if len(sure) == 1 else usual
    table, notes = _texts_read(table, fits, usual)
    for name, found in floats_fit.items():
        if len(found) > 1 and sure != {Notation.POINT} and (delimiter == ";" or sure):
            read = _numbers(floats[name], usual)
            notes.append(
                f"{show(name)}: points are those of {_POINTS[usual]}, {_example(floats[name], read)}; {_OTHERWISE}"
            )
            table = table.set_column(table.column_names.index(name), name, read)
    return Numerals(table=table, notes=notes)


def _texts_read(table: pa.Table, fits: Mapping[str, Sequence[Notation]], usual: Notation) -> tuple[pa.Table, list[str]]:
    """The table with its columns of text that fit a notation as numbers, and what is to be said of columns of text."""
    notes = []
    for name, found in fits.items():
        if found:
            read = _numbers(table[name], found[0] if len(found) == 1 else usual)
            notes.append(f"{show(name)}: text read as numbers, {_example(table[name], read)}; {_OTHERWISE}")
            table = table.set_column(table.column_names.index(name), name, read)
        elif told := _impure(table[name]):
            notes.append(f"{show(name)}: {told}")
    return table, notes


def _is_text(column: pa.ChunkedArray) -> bool:
    return column.null_count < len(column) and bool(pt.is_string(column.type) or pt.is_large_string(column.type))


def _fitting(column: pa.ChunkedArray) -> Iterator[Notation]:
    """The notations in which every value is a number, all of one unit."""
    known = pc.drop_null(column)
    for notation in Notation:
        if _share(known[:_HEAD], notation) == 1.0 and _share(known, notation) == 1.0:
            parts = pc.extract_regex(known, notation.pattern)
            units = {part: pc.unique(pc.struct_field(parts, part)).to_pylist() for part in ("before", "after")}
            if all(len(found) == 1 for found in units.values()):
                yield notation


def _share(known: pa.ChunkedArray, notation: Notation) -> float:
    """The share of values that are numbers in a notation."""
    return float(pc.mean(pc.match_substring_regex(known, notation.pattern)).as_py())


def _numbers(column: pa.ChunkedArray, notation: Notation) -> pa.ChunkedArray:
    parts = pc.extract_regex(column, notation.pattern)
    sign = pc.if_else(pc.is_in(pc.struct_field(parts, "sign"), pa.array(["-", "\N{MINUS SIGN}"])), -1.0, 1.0)
    found = pc.multiply(sign, pc.cast(notation.plain(pc.struct_field(parts, "digits")), pa.float64()))
    is_percent = pc.any(pc.equal(pc.struct_field(parts, "after"), "%")).as_py()
    return pc.divide(found, 100.0) if is_percent else found


def _impure(column: pa.ChunkedArray) -> str:
    """What is to be said of text that is numbers but for some values; empty for other text."""
    known = pc.drop_null(column)
    for notation in Notation:
        if _share(known[:_HEAD], notation) < _MOSTLY or _share(known, notation) < _MOSTLY:
            continue
        others = known.filter(pc.invert(pc.match_substring_regex(known, notation.pattern)))
        if len(others):
            return f"categories, for {len(others):,} of {len(known):,} values are not numbers, as {_first(others)!r}"
    return ""


def _example(column: pa.ChunkedArray, read: pa.ChunkedArray) -> str:
    """The longest of the first values, which is likely to show the separators, and what it is read as."""
    index = pc.fill_null(pc.utf8_length(column[:_HEAD]), 0).to_numpy().argmax()
    return f"{show(column[int(index)].as_py(), limit=40)!r} as {read[int(index)].as_py():.10g}"


def _first(column: pa.ChunkedArray) -> str:
    return show(pc.drop_null(column)[0].as_py(), limit=40)
