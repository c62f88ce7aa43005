"""A track of the history: computed part by part, the newest part first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import pyarrow as pa

from functions.adapters.ports import Data
from infra.local.past.plan import Part
from infra.local.prometheus import HistoryPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The result of a part of the history.

    Attributes:
        points: for the charts.
        tables: rows for the warehouse, by table.
        documents: for the store, by collection and key.
    """

    points: Sequence[HistoryPoint] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    documents: Mapping[tuple[str, str], Data] = field(default_factory=dict)


class Track(Protocol):
    """Computes parts of the past.

    Attributes:
        name: of the track.
        first: the length of the first part of a span, which the first page shows.
        size: how long the others are.
    """

    name: str
    first: timedelta
    size: timedelta

    def compute(self, part: Part) -> Computed:
        """Compute a part; the newest part of a span comes first."""
        ...
