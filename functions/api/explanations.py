"""Explanations of incidents: what is recorded of one, read from the store and the history, and why."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from core.errors import AiaError
from core.incidents.model import Incident
from core.incidents.policy import IncidentPolicy
from core.replay.explanation import causes, explain
from core.replay.inputs import Input
from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.incidents import Incidents
from functions.services.incidents.kept_decisions import inputs, rows_of

log = logging.getLogger(__name__)
_SQL = Path(__file__).with_name("decisions_of_incident.sql").read_text()
_BEFORE = timedelta(days=1)
"""So long before the opening a late finding may have been published."""
_MOST = 1000
"""The most findings and messages that are returned."""
_PATIENCE = 3.0
"""Seconds that an explanation waits for the history: the rest must be shown while the warehouse hangs."""
_FRESH_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanations:
    """Explains incidents.

    Attributes:
        incidents: as they are in the store.
        warehouse: has the kept decisions.
        policy: of the settings.
        clock: now.
    """

    incidents: Incidents
    warehouse: Warehouse
    policy: IncidentPolicy
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def of(self, incident_id: str) -> Data:
        """The `chapters` of the explanation of an incident, and whether the history had its part (`complete`).

        Raises:
            LookupError: there is no such incident.
        """
        found = self.incidents.recorded(incident_id)
        recorded = replace(found, kept=self._kept(found.incident, causes(found.incident, found.members)))
        chapters = explain(recorded, self.policy, self.clock())
        return {"id": incident_id, "complete": recorded.kept is not None, "chapters": chapters}

    def _kept(self, incident: Incident, names: Sequence[str]) -> list[Input] | None:
        """What is kept of it; None where the history does not answer or cannot be read."""

        def read() -> list[Input]:
            since = incident.opened_at - _BEFORE
            found = self.warehouse.query(_SQL, since=since, incident=incident.id, names=list(names), most=_MOST)
            return sorted(inputs(rows_of(found)), key=lambda one: (one.decided_at, one.revision, one.key))

        try:
            return self._cache.within(_PATIENCE, ("explanation", incident.id, *names), read, seconds=_FRESH_SECONDS)
        except AiaError as error:
            log.warning("%s: explained without what is kept: %s", incident.id, error)
            return None
