"""A window of a model, its summary, and its drift thresholds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.drift import Thresholds
from core.settings import Model
from functions.adapters.ports import Data

_LEAST_ROWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which rows are scored: those of a model between two instants, compared with the reference of a version."""

    model: Model
    version: str
    start: datetime
    end: datetime

    @property
    def parameters(self) -> Data:
        """The window as query parameters."""
        return {"model": self.model.name, "window_start": self.start, "window_end": self.end}

    @property
    def columns(self) -> Data:
        """The window as columns of a row of its results; `scored_at` is the tick."""
        return self.parameters | {"version": self.version, "scored_at": self.end}

    @property
    def length(self) -> timedelta:
        """From its start to its end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSummary:
    """Summary of a window, read before its rows.

    Attributes:
        version: the row of the version in use at the end of the window, or None.
        rows: number of rows, duplicates included.
        newest: instant of the newest row, if there is one.
    """

    version: Data | None
    rows: int
    newest: datetime | None


def watched(model: Model) -> tuple[str, ...]:
    """The columns that are compared: the features and, last, the score."""
    return tuple(dict.fromkeys((*model.features.names, model.score)))


def thresholds(model: Model) -> Thresholds:
    """When a change is called drift."""
    rows = max(model.minimum_rows, _LEAST_ROWS)
    return Thresholds(shift=model.drift.shift, false_alarms=model.drift.false_alarms, minimum_rows=rows)
