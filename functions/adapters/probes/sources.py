"""What probes of Google's services ask, in the place of a target that they connect to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.adapters.ports import Data
from functions.adapters.prometheus import Series


class Query(Protocol):
    """Runs a statement of the warehouse."""

    def __call__(self, sql: str, **parameters: object) -> list[Data]:
        """The rows."""
        ...


Instant = Callable[[str, int], Sequence[Series]]
"""The series that a query of metrics gives at an instant, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The warehouse, the metrics and the clock.

    Attributes:
        query: runs a statement of the warehouse.
        instant: asks Prometheus, or Cloud Monitoring.
        clock: the present.
    """

    query: Query
    instant: Instant
    clock: Callable[[], datetime]
