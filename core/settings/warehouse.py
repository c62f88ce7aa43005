"""The section `warehouse`: how much the statements of the functions may read."""

from dataclasses import dataclass
from typing import Annotated

from core.settings.notes import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseSettings:
    """Statements in BigQuery."""

    most_read: Annotated[float, Range(0.01, 1_000_000, "GiB")] = 20.0
    """A statement of a function that would read more is refused before it costs anything."""
