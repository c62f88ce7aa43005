"""The compliance report by what the audit log shows; policies and plans are read by `aia compliance`."""

from dataclasses import dataclass

import msgspec

from core.security.compliance import report
from core.security.inventory import Inventory
from core.settings import SecuritySettings
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import every
from functions.services.security import CASES, read_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """Answers the items of the list.

    Attributes:
        store: has the cases of the detections.
        settings: the settings of these.
        clock: now.
    """

    store: Store
    settings: SecuritySettings
    clock: Clock

    def all(self) -> list[Data]:
        """Each item with its outcome (`good`, `bad` or `not_known`), its evidence and the instant of the answer."""
        opened = [read_case(found.data) for found in every(self.store, CASES, where={"open": True})]
        answers = report(opened, Inventory(), self.settings, self.clock())
        rows: list[Data] = [msgspec.to_builtins(one) for one in answers]
        return rows
