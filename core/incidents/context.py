"""A finding with the condition that it is about: what the incidents of a group are brought in line with."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Change
from core.incidents.lifecycle import Step
from core.incidents.model import IncidentCondition, IncidentReason, Observation

SILENT = frozenset({IncidentReason.NOT_REPEATED, IncidentReason.STALE})
"""Nothing more was heard: whether it recovered is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingContext:
    """A finding with the condition that it is about.

    Attributes:
        before: the condition before it, or None.
        observation: the finding as an observation.
        key: the condition.
        target: of the condition.
        summary: one line for people.
        cause: the id of the finding, or empty.
        resolve_reason: the reason of the resolution, if this ends the incident.
    """

    before: IncidentCondition | None
    observation: Observation
    key: str
    target: str
    summary: str
    cause: str
    resolve_reason: IncidentReason = IncidentReason.ALL_RECOVERED

    @property
    def is_late(self) -> bool:
        """Whether a newer finding of the condition is known."""
        return self.before is not None and self.observation.at < self.before.observed_at

    def ending(self, at: datetime) -> Step:
        """The end of an incident by the finding: an expiry where something in it only went silent, a merge where it moved."""
        change = Change.EXPIRED if self.resolve_reason in SILENT else Change.RESOLVED
        change = Change.MERGED if self.resolve_reason is IncidentReason.MOVED else change
        return self.step(change, self.resolve_reason, at)

    def step(self, change: Change, reason: IncidentReason, at: datetime) -> Step:
        """A step caused by the finding."""
        return Step(change, reason, at, self.summary, self.cause)
