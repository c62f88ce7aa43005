"""What is remembered of a target and of its incident, as the store keeps it.

Everything here is bounded, so that a document stays far below the store's limit (1 MiB in Firestore): see the limits below.
Lists hold objects and never maps with foreign keys, because a store may refuse a key that a foreign system chose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import Change, IncidentChange, Severity, Status

HISTORY_LIMIT = 16
"""Observations remembered of a condition; within them late ones are seen in their place."""
CONDITIONS_LIMIT = 50
"""Conditions remembered of a target; the oldest resolved one makes room for a new one."""
TIMELINE_LIMIT = 100
"""Entries in a timeline: the first one and the newest."""
EVIDENCE_LIMIT = 6
"""Pieces of evidence kept of a finding."""


class State(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why a decision was made."""

    FIRST_FIRING = "first_firing"
    FIRED_AGAIN = "fired_again"
    WORSENED = "worsened"
    EASED = "eased"
    JOINED = "joined"
    PARTLY_RECOVERED = "partly_recovered"
    ALL_RECOVERED = "all_recovered"
    ALREADY_OVER = "already_over"
    STILL_FIRING = "still_firing"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    LATE = "late"
    NOTHING_TO_RESOLVE = "nothing_to_resolve"
    NOTIFICATION_REFUSED = "notification_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How findings become incidents.

    Attributes:
        reopen_within: a firing this soon after the resolution reopens the incident, a later one opens a new incident.
        summary_every: how often a condition that goes on firing is written to the timeline.
        ahead: how far an observation may lie in the future; one further ahead (a wrong clock) counts as made now, or
            it would keep every later one of its condition from being seen.
    """

    reopen_within: timedelta = timedelta(minutes=30)
    summary_every: timedelta = timedelta(days=1)
    ahead: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation of a condition, as far as order matters."""

    at: datetime
    status: Status
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of what supports a finding."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A condition: its newest finding, and the order of the last ones.

    Attributes:
        key: the condition, as `Finding.condition` spells it.
        target: what is watched; with correlation, not always the incident's own.
        kind: what was noticed.
        status: of the newest finding.
        severity: of the newest finding.
        observed_at: the instant of the newest finding.
        finding_id: the newest finding.
        source: who noticed.
        summary: one line for people.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
        evidence: what supports it, the first few.
        runbook: the section of the runbooks.
        history: the last observations, oldest first.
    """

    key: str
    target: str
    kind: str
    status: Status
    severity: Severity
    observed_at: datetime
    finding_id: str
    source: str
    summary: str
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: tuple[Evidence, ...] = ()
    runbook: str = ""
    history: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step in the timeline of an incident."""

    sequence: int
    at: datetime
    change: Change
    reason: Reason
    summary: str
    finding_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Findings that belong together, with a life.

    Attributes:
        id: deterministic: from the root target and the instant it was opened for.
        target: the root target.
        title: one line for people: the summary of its worst condition.
        state: where it is in its life.
        severity: the worst that fires now; when nothing does, the worst there was.
        category: the class of incident, as in `drift`.
        opened_at: since when something fires.
        updated_at: the newest observation.
        resolved_at: since when nothing fires any more, or None.
        conditions: the keys of the conditions that fired in it, in order.
        told: the severities people heard of since it was opened or reopened.
        sequence: how many changes there were; the number of the newest.
        timeline: what happened and why, oldest first.
    """

    id: str
    target: str
    title: str
    state: State
    severity: Severity
    category: str
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    conditions: tuple[str, ...] = ()
    told: tuple[Severity, ...] = ()
    sequence: int = 0
    timeline: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is remembered of a target: every condition, and the current or last incident.

    Resolved conditions are remembered even when no incident is open: a firing that comes late must not open what is
    over already.
    """

    target: str
    conditions: tuple[Tracked, ...] = ()
    incident: Incident | None = None

    def members(self) -> tuple[Tracked, ...]:
        """The conditions of the incident, the worst first."""
        keys = set(self.incident.conditions if self.incident else ())
        found = (condition for condition in self.conditions if condition.key in keys)
        return tuple(sorted(found, key=lambda c: (c.status is Status.RESOLVED, -c.severity.rank, c.key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to remember from now on, what changed, and why (or why not).

    Attributes:
        watch: what to remember.
        changes: the steps of the incident, oldest first; empty when nothing changed that people care about.
        reason: why.
    """

    watch: Watch
    changes: tuple[IncidentChange, ...]
    reason: Reason
