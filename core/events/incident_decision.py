"""What the incident service decided on, and when: from these events its decisions can be made again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from core.instants import require_aware, stamp


class DecisionKind(StrEnum):
    """What a decision was about."""

    FINDING = "finding"
    COMMAND = "command"
    ACTION_DECISION = "action_decision"
    SWEEP = "sweep"
    """Time alone: of a group, where that changed something; without a group, the start of a sweep."""
    DELIVERY = "delivery"
    """A message that was delivered, refused or dropped, or a request for an action that was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDecision:
    """One event as the incident service decided on it.

    Attributes:
        kind: what the decision was about.
        incident_group: the group decided on; empty for a silence and for the start of a sweep.
        revision: of the group afterwards; 0 without a group.
        event_id: of the finding, command, decision about an action or sweep; of a delivery, the key of the message or request.
        target: of the finding or action, or the subject of the command; else empty.
        event: as JSON, the event without secrets, its texts as far as they are used; of a delivery, a `Delivered`.
        published_at: when the event was published, in UTC; of a sweep, the instant of its tick; of a delivery, the instant of
            the decision to notify.
        decided_at: when it was decided on, in UTC; of a delivery, when it was delivered.
        known: as JSON, what the decision knew of revenue measured by orders; empty where it knew nothing.
    """

    TYPE: ClassVar[str] = "incident_decision"
    VERSION: ClassVar[int] = 1

    kind: DecisionKind
    incident_group: str
    revision: int
    event_id: str
    target: str
    event: str
    published_at: datetime
    decided_at: datetime
    known: str = ""

    def __post_init__(self) -> None:
        require_aware("published_at", self.published_at)
        require_aware("decided_at", self.decided_at)

    @property
    def id(self) -> str:
        """A digest: the same for every delivery of the event and for every attempt at a message; of a sweep, by revision."""
        parts: tuple[str, ...] = (self.kind, self.event_id)
        if self.kind is not DecisionKind.DELIVERY:
            revision = str(self.revision) if self.kind is DecisionKind.SWEEP else ""
            parts = (*parts, self.incident_group, self.event, stamp(self.published_at), revision)
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of one message, or of one request for an action.

    Attributes:
        incident_id: the incident.
        outcome: `delivered`, `refused`, `merged` into a later message about the same incident, or `dropped`.
        target: of the message or the action.
        channel: of the message; empty for a request.
        change: what the message is about.
        severity: of the message or the request.
        title: of the message.
        detail: the answer of a channel that refused it.
        action: the name of the action; empty for a message.
        mode: of the request, `act` or `dry_run`.
    """

    incident_id: str
    outcome: str
    target: str
    channel: str = ""
    change: str = ""
    severity: str = ""
    title: str = ""
    detail: str = ""
    action: str = ""
    mode: str = ""
