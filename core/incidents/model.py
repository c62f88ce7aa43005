"""Data model: the conditions and incidents of one group, as the store keeps them.

Every collection is bounded by the limits below, so that a document stays far below the store's limit (1 MiB in Firestore).
Collections are lists of objects, never maps with foreign keys: a store may refuse a key that a foreign system chose.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from core.events import Change, IncidentChange, Severity, Status
from core.incidents.acknowledgement import Acknowledgement, TargetOwner
from core.incidents.ladder import ActionLadder
from core.incidents.notified import NotificationState
from core.incidents.part import Part

HISTORY_LIMIT = 16
"""Observations kept per condition; within them, late observations are sorted into place."""
CONDITIONS_LIMIT = 100
"""Conditions kept in detail per group; the oldest resolved one is evicted for a new one."""
HIDDEN_LIMIT = 200
"""Firing conditions beyond those in detail that are kept as a digest per group."""
TIMELINE_LIMIT = 120
"""Timeline entries kept per group, over all its incidents; each timeline keeps its first and its newest entries."""
TIMELINE_LEAST = 12
"""Timeline entries that an incident keeps however many the others have."""
EVIDENCE_LIMIT = 4
"""Pieces of evidence kept per finding."""
ACKNOWLEDGEMENTS_LIMIT = 8
"""Earlier acknowledgements kept of a reopened incident: the newest."""


class State(StrEnum):
    """Lifecycle state of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class IncidentReason(StrEnum):
    """Reason of a decision."""

    FIRST_FIRING = "first_firing"
    FIRED_AGAIN = "fired_again"
    WORSENED = "worsened"
    EASED = "eased"
    JOINED = "joined"
    PARTLY_RECOVERED = "partly_recovered"
    ALL_RECOVERED = "all_recovered"
    ALREADY_RESOLVED = "already_resolved"
    STILL_FIRING = "still_firing"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    LATE = "late"
    NOTHING_TO_RESOLVE = "nothing_to_resolve"
    MERGED = "merged"
    """The incident is part of another one, or another one is part of it."""
    NOT_REPEATED = "not_repeated"
    """The source said until when the finding holds, and did not repeat it."""
    STALE = "stale"
    """No finding arrived for longer than the settings allow."""
    SPLIT = "split"
    """A person took it out of the incident that it was merged into."""
    MOVED = "moved"
    """The settings now put the target into another group: it continues in another incident."""
    NOTIFICATION_REFUSED = "notification_refused"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    HANDED_ON = "handed_on"
    """A channel of the notified tier refused the message for good."""
    REMINDER = "reminder"
    NOTIFIED = "notified"
    MUTED = "muted"
    STARTED_FLAPPING = "started_flapping"
    STOPPED_FLAPPING = "stopped_flapping"
    FLAPPING = "flapping"
    COMMAND = "command"
    COMMENT = "comment"
    ACKNOWLEDGEMENT_TIMED_OUT = "acknowledgement_timed_out"
    ACTION = "action"
    NO_SUCH_INCIDENT = "no_such_incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation of a condition: what the order of findings depends on."""

    at: datetime
    status: Status
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of evidence of a finding."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCondition:
    """State of a condition: its newest finding, and the order of the last ones.

    Attributes:
        key: the condition, as `Finding.condition` spells it.
        target: the target; with correlation, not always the incident's root.
        kind: the kind of finding.
        status, severity, observed_at, finding_id: of the newest finding.
        source, summary: the detector, and one line for people.
        value, threshold, unit: the observed number, the one that it is compared with, and the unit of both, if there are any.
        evidence, runbook: the first pieces of evidence, and the section of the runbooks.
        category, classification: its class, and the reason of that and of its severity, in one line for people.
        holds_until: when a firing that is not repeated expires, where the source repeats itself.
        last_seen_at: when its source last said that it fires, by the time of publishing; None before there was such a time.
        expired_at: when it expired because it was no longer reported; None where its source resolved it.
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
    category: str = ""
    classification: str = ""
    holds_until: datetime | None = None
    last_seen_at: datetime | None = None
    expired_at: datetime | None = None
    history: tuple[Observation, ...] = ()


class HiddenCondition(NamedTuple):
    """A firing condition that is not kept in detail; stored without the names of its fields.

    Attributes:
        key, target: digests of the condition's key and of its target.
        severity, observed_at: of the newest finding.
        last_seen_at: when its source last said that it fires.
        holds_until: when it expires unless it is repeated, where the source repeats itself.
    """

    key: str
    target: str
    severity: Severity
    observed_at: datetime
    last_seen_at: datetime | None = None
    holds_until: datetime | None = None

    @property
    def history(self) -> tuple[Observation, ...]:
        """It fires since its newest finding, as far as it is known."""
        return (Observation(at=self.observed_at, status=Status.FIRING, severity=self.severity),)


def expires_at(condition: IncidentCondition | HiddenCondition, resolve_after: timedelta) -> datetime:
    """When a firing condition expires unless it is reported again."""
    return condition.holds_until or last_report(condition) + resolve_after


def last_report(condition: IncidentCondition | HiddenCondition) -> datetime:
    """When a condition was last reported: its newest observation, or the publishing of a repetition."""
    return max(condition.observed_at, condition.last_seen_at or condition.observed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One step in the timeline of an incident."""

    sequence: int
    at: datetime
    change: Change
    reason: IncidentReason
    summary: str
    finding_id: str = ""


class OrdersAtRisk(NamedTuple):
    """Measured revenue at risk of one stream of orders; stored without the names of its fields.

    Attributes:
        orders: the stream: the source of the orders.
        share: of its revenue that is at risk, 0 to 1; the largest since the incident opened.
        dollars: per hour, at present.
    """

    orders: str
    share: float
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Revenue at risk of an incident.

    Attributes:
        dollars_per_hour: the best estimate.
        low, high: the ends of its 90 % interval.
        targets: the earning targets, largest risk first; a few of them.
        reason: the calculation, in one line for people.
        orders: the orders by which it is measured, largest risk first; a few of them.
    """

    dollars_per_hour: float
    low: float
    high: float
    targets: tuple[str, ...]
    reason: str
    orders: tuple[OrdersAtRisk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Findings that belong together, with a lifecycle.

    Attributes:
        id: deterministic: from the root target and the instant of the opening.
        target: the root target: the one that the others depend on, as far as that is known.
        title: one line for people: the summary of its worst condition.
        state: lifecycle state.
        severity: the worst that fires now, raised by the impact; when nothing fires, the last one.
        category, classification: its class, as in `drift`, and the reason of that and of its severity, in one line.
        peak: the worst severity since it was opened or reopened.
        opened_at: the start of the first firing.
        reopened_at, reopenings: the last reopening, or None, and how many there were.
        resolved_at: the end of the last firing, or None.
        acknowledged_at: when it was acknowledged, or None.
        acknowledged_by: who has it: who acknowledged it, or took it over since.
        taken_over_at: when the present owner took it over, or None where it is still the first one.
        released_at: acknowledgements up to this instant were withdrawn, or None.
        target_owners: who acknowledged single targets, the oldest first.
        by_target: whether it is acknowledged only because each of its firing targets is.
        acknowledgements: those before the last reopening, and withdrawn ones; the first of each opening, oldest first.
        mitigated_at: when it was mitigated, or None.
        closed_at: when a person resolved it, whatever still fires, or None.
        acted_at: when an automated action that changes something was last applied or verified, or None.
        healed_at: when an action was verified after which its conditions recovered, or None; a reopening resets it.
        cancelled: whether it was a false alarm.
        expired: whether it ended because something in it was no longer reported: whether that recovered is not known.
        lost: whether conditions beyond those that are kept in detail expired in it.
        merged_into: the id of the incident that it is part of, or empty.
        part: what it reports to the one that a person merged it into, or None where nobody did.
        joining: the channels of incidents that were merged into it, as long as they were not notified of it.
        targets, conditions: the targets, and the keys of the conditions, that fired in it, sorted.
        impact: the revenue at risk, or None where no revenue is mapped to its targets.
        loss: the estimated loss until `loss_until`, in dollars; from then on, `impact` by the hour is added.
        loss_low, loss_high: the ends of its interval.
        loss_until: until when the loss is counted, or None where nothing is counted yet.
        notified: the notifications so far.
        pending_update: the result of an automated action that is to be notified, in one line; empty when it was.
        requested_severity: at which the playbooks were evaluated last, or None where they are to be.
        ladders: the actions that the playbooks requested so far, one ladder a playbook.
        sequence: the number of the newest change.
        timeline: the changes with their reasons, oldest first.
    """

    id: str
    target: str
    title: str
    state: State
    severity: Severity
    category: str
    opened_at: datetime
    peak: Severity = Severity.INFO
    classification: str = ""
    reopened_at: datetime | None = None
    reopenings: int = 0
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    taken_over_at: datetime | None = None
    released_at: datetime | None = None
    target_owners: tuple[TargetOwner, ...] = ()
    by_target: bool = False
    acknowledgements: tuple[Acknowledgement, ...] = ()
    mitigated_at: datetime | None = None
    closed_at: datetime | None = None
    acted_at: datetime | None = None
    healed_at: datetime | None = None
    cancelled: bool = False
    expired: bool = False
    lost: bool = False
    merged_into: str = ""
    part: Part | None = None
    joining: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    impact: Impact | None = None
    loss: float = 0.0
    loss_low: float = 0.0
    loss_high: float = 0.0
    loss_until: datetime | None = None
    notified: NotificationState = field(default_factory=NotificationState)
    pending_update: str = ""
    requested_severity: Severity | None = None
    ladders: tuple[ActionLadder, ...] = ()
    sequence: int = 0
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def is_part(self) -> bool:
        """Whether a person merged it into another one: it fires as long as it has no `resolved_at`."""
        return bool(self.merged_into) and self.part is not None and bool(self.part.target)

    @property
    def lasts(self) -> bool:
        """Whether it is not over, by itself or as a part."""
        return self.resolved_at is None if self.is_part else self.state is not State.RESOLVED

    @property
    def escalates(self) -> bool:
        """Whether further tiers are notified as time passes: nobody has it, and it fires or only went silent as far as people know."""
        notified = self.notified
        if not notified.escalations or notified.acknowledged:
            return False
        if self.state is State.OPEN:
            return notified.firing
        silent = self.expired and notified.expired and not self.merged_into
        return silent and self.acknowledged_at is None and self.mitigated_at is None

    @property
    def last_opened_at(self) -> datetime:
        """The last opening or reopening."""
        return self.reopened_at or self.opened_at

    @property
    def owned_since(self) -> datetime | None:
        """Since when its owner has it, or None where nobody has."""
        return self.taken_over_at or self.acknowledged_at

    @property
    def ended_at(self) -> datetime | None:
        """When nothing fired any more or a person resolved it, whichever was first; None while it lasts."""
        return min((at for at in (self.resolved_at, self.closed_at) if at is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """State of a group of targets: every condition, and the incidents that are open or ended a short while ago.

    Resolved conditions are kept even when no incident is open: a late firing must not open what is already resolved.

    Attributes:
        name: of the group, as `Graph.group` gives it; for most targets the target itself.
        conditions, incidents: sorted by key, and in the order in which they were opened.
        hidden: the digest of firing conditions beyond the limit, sorted by key.
        overflowed: whether the digest was full once: what fires is not known entirely, and only a person ends the incidents.
    """

    name: str
    conditions: tuple[IncidentCondition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    hidden: tuple[HiddenCondition, ...] = ()
    overflowed: bool = False

    def members(self, incident: Incident) -> tuple[IncidentCondition, ...]:
        """The conditions of an incident, the worst first."""
        keys = set(incident.conditions)
        members = (condition for condition in self.conditions if condition.key in keys)
        return tuple(sorted(members, key=lambda c: (c.status is Status.RESOLVED, -c.severity.rank, c.key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The next state of a group, the changes, and the reason.

    Attributes:
        state: the next state.
        changes: the steps of the incidents, oldest first; empty when nothing changed that people care about.
        reason: why, or why not.
    """

    state: GroupState
    changes: tuple[IncidentChange, ...]
    reason: IncidentReason
