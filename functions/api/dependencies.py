"""The service map by traces: which target calls which, and which of these dependencies the settings do not have."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.settings import Dependency
from core.telemetry.dependencies import Called, seen
from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.parameters import range_of

MOST = 1000
USUAL, LONGEST = timedelta(hours=24), timedelta(days=3)
_SQL = (Path(__file__).parent / "dependencies.sql").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Reads traces.

    Attributes:
        warehouse: has them.
        known: dependencies of the settings.
        models: names of the models.
        clock: now.
    """

    warehouse: Warehouse
    known: Sequence[Dependency]
    models: Callable[[], Collection[str]]
    clock: Clock

    def seen(self, values: Mapping[str, Any]) -> list[Data]:
        """The dependencies of a range, those with the most calls first.

        Raises:
            BodyError: the range is longer than is allowed.
        """
        since, until = range_of(values, usual=USUAL, most=LONGEST).ending(self.clock())
        rows = self.warehouse.query(_SQL, since=since, until=until, most=MOST)
        found = seen((Called(**row) for row in rows), self.models(), self.known)
        return [
            {"from": one.target, "to": one.needs, "calls": one.calls, "in_settings": one.in_settings} for one in found
        ]
