"""Alert rules without data as the page shows them, from what health_check found."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.alert_rules import EVERY
from core.settings import Settings
from core.signals import is_expected
from functions.adapters.ports import Clock, Data, Store
from functions.api.alerts import FOLDER
from functions.api.coverage import areas_of
from functions.api.freshness import LATE
from functions.services.alert_rules import COLLECTION, KEY, entries

LONGEST = EVERY + LATE + timedelta(minutes=5)
"""How old the newest check may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Reads the document of health_check, and says by the settings of which rules data are expected."""

    store: Store
    clock: Clock
    settings: Settings

    def all(self) -> Data:
        """The rules that lack a metric; null where none were checked lately: then it is not known of any."""
        document = self.store.get(COLLECTION, KEY)
        checked_at: datetime | None = document.data["checked_at"] if document else None
        fresh = checked_at is not None and self.clock() - checked_at <= LONGEST
        severity = {entry.rule["alert"]: entry.rule["labels"]["severity"] for entry in entries(FOLDER)}
        absent = document.data["absent"] if document and fresh else None
        areas = [*areas_of(self.settings)]
        return {
            "checked_at": checked_at,
            "rules": document.data["rules"] if document else None,
            "absent": absent
            and [
                one
                | {
                    "severity": severity.get(one["name"], ""),
                    "expected": one["missed"] or any(is_expected(metric, areas) for metric in one["metrics"]),
                }
                for one in absent
            ],
        }
