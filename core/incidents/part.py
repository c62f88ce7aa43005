"""The bond of an incident that a person merged into another one: what it has reported to that one so far."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a merged incident reports, and to whom; kept after it was taken out, for the order of what is said later.

    Attributes:
        target: the root target of the other incident, which the reports are about; empty where it was taken out.
        at: the instant of the newest command to merge it or to take it out.
        is_reported: whether it has reported since it became a part.
        severity: reported last as firing, or None for over.
        silent: whether the last report was that it is no longer reported.
        reported_at: the instant of the last report; the next one is later.
        leaves: the target of an incident that it is no part of any more, and that has not been told so; or empty.
    """

    target: str
    at: datetime
    is_reported: bool = False
    severity: Severity | None = None
    silent: bool = False
    reported_at: datetime
    leaves: str = ""
