"""What people were notified of an incident so far, and the tiers that it has reached."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationState:
    """The tier of one stakeholder that an incident has reached.

    Attributes:
        stakeholder: the name.
        tier: the tier notified last, from 0.
        since: when it was notified or reminded last: its time to acknowledge runs from then.
    """

    stakeholder: str
    tier: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationState:
    """The notifications of an incident so far.

    Attributes:
        firing: whether the last notification said that it fires.
        severity: the worst severity notified since it was opened or reopened, or None before the first notification.
        at: the instant that the last notification was about, or None.
        flaps: how often a reopening was notified without an hour of rest between.
        count: the number of notifications, for the keys of the messages.
        mute_reason: why it is muted now, if that is in the timeline.
        channels: every channel that was notified since it was opened, or reopened after a notification that it is over.
        escalations: the tier reached, by stakeholder.
        acknowledged: whether the acknowledgement or mitigation was notified.
        owner: who acknowledged it as far as was notified, or empty; None where that was not recorded yet.
        expired: whether the last notification said that it is no longer reported.
        flapping: whether the last notification said that it flaps: it is `firing` then, whatever it is at the moment.
    """

    firing: bool = False
    severity: Severity | None = None
    at: datetime | None = None
    flaps: int = 0
    count: int = 0
    mute_reason: str = ""
    channels: tuple[str, ...] = ()
    escalations: tuple[EscalationState, ...] = ()
    acknowledged: bool = False
    owner: str | None = None
    expired: bool = False
    flapping: bool = False

    @property
    def alerted(self) -> tuple[str, ...]:
        """The channels that have it open: all, as long as they were not notified that it is over."""
        return self.channels if self.firing or self.expired else ()
