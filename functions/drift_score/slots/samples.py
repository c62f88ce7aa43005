"""Some rows of a window, as its slots keep them: by them it is seen how features go together."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.drift import Profile
from core.drift.columns import array
from core.drift.joint import ROWS, evenly
from functions.adapters.columns import Columns

_rows = msgspec.json.Decoder(list[list[Any]])


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRows:
    """Some rows of the slots of a window that have the same columns.

    Attributes:
        names: the columns.
        text: a row a line, as a JSON array of the values of these columns; whole, for the lines of a shard's models at once would take as
            much memory again.
    """

    names: tuple[str, ...]
    text: str

    @property
    def lines(self) -> list[str]:
        """A row each."""
        return self.text.split("\n")


def sample_columns(parts: Sequence[SampledRows], profile: Profile, numbers: Collection[str]) -> Columns:
    """Evenly spaced rows of a sample, at most `joint.ROWS`: the columns that are compared as to how they go together.

    Args:
        parts: the sample, in the order of time.
        profile: names the columns; one that no part has is left out.
        numbers: the columns that hold numbers; the others hold categories.
    """
    decoded = [(part.names, list(zip(*rows, strict=True)), len(rows)) for part, rows in _decoded(parts)]
    known = {name for names, _, _ in decoded for name in names}
    tables = [(dict(zip(names, columns, strict=True)), size) for names, columns, size in decoded]
    found: dict[str, NDArray[Any]] = {}
    for name in filter(known.__contains__, profile.joint.names):
        values = list(chain.from_iterable(table.get(name, repeat(None, size)) for table, size in tables))
        origin = profile.joint.origins.get(name, 0)
        found[name] = _numbers(name, values, origin) if name in numbers else _categories(name, values)
    return found


def _decoded(parts: Iterable[SampledRows]) -> Iterable[tuple[SampledRows, list[list[Any]]]]:
    """The rows that are looked at; only these are decoded."""
    listed = [(part, part.lines) for part in parts]
    at, start = evenly(sum(len(lines) for _, lines in listed), ROWS), 0
    for part, lines in listed:
        inside = at[(at >= start) & (at < start + len(lines))] - start
        start += len(lines)
        if inside.size:
            yield part, _rows.decode(f"[{','.join([lines[k] for k in inside.tolist()])}]")


def _numbers(name: str, values: list[Any], origin: int) -> NDArray[Any]:
    """Numbers of JSON, which spells NaN, infinities and large whole numbers as text."""
    if origin:  # large whole numbers are told apart only as such
        return array(name, [_exact(value) if isinstance(value, str) else value for value in values])
    return np.array(values, dtype=np.float64)


def _exact(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _categories(name: str, values: list[Any]) -> NDArray[Any]:
    """Categories as they are; other values are spelt as BigQuery spells them."""
    return array(name, [value if value is None or isinstance(value, str) else _spelt(value) for value in values])


def _spelt(value: float | bool) -> str:  # noqa: FBT001 - a JSON value
    return str(value).lower() if isinstance(value, bool) else str(value)
