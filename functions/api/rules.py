"""Alert rules without data as the page shows them, from what health_check found."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.alert_rules import EVERY
from functions.adapters.ports import Clock, Data, Store
from functions.api.alerts import FOLDER
from functions.api.freshness import LATE
from functions.services.alert_rules import COLLECTION, KEY, entries

LONGEST = EVERY + LATE + timedelta(minutes=5)
"""How old the newest check may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Reads the document of health_check."""

    store: Store
    clock: Clock

    def all(self) -> Data:
        """The rules that lack a metric; null where none were checked lately: then it is not known of any."""
        document = self.store.get(COLLECTION, KEY)
        checked_at: datetime | None = document.data["checked_at"] if document else None
        fresh = checked_at is not None and self.clock() - checked_at <= LONGEST
        severity = {entry.rule["alert"]: entry.rule["labels"]["severity"] for entry in entries(FOLDER)}
        absent = document.data["absent"] if document and fresh else None
        return {
            "checked_at": checked_at,
            "rules": document.data["rules"] if document else None,
            "absent": absent and [one | {"severity": severity.get(one["name"], "")} for one in absent],
        }
