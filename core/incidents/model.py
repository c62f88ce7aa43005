"""What is remembered of a target and of its incident, as the store keeps it.

Everything here is bounded, so that a document stays far below the store's limit (1 MiB in Firestore): see the limits below.
Lists hold objects and never maps with foreign keys, because a store may refuse a key that a foreign system chose.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.events import Change, IncidentChange, Severity, Status

HISTORY_LIMIT = 16
"""Observations remembered of a condition; within them late ones are seen in their place."""
CONDITIONS_LIMIT = 100
"""Conditions remembered of a group; the oldest resolved one makes room for a new one."""
TIMELINE_LIMIT = 120
"""Entries in the timelines of a group's incidents together; each keeps its first and its newest."""
TIMELINE_LEAST = 12
"""Entries that a timeline keeps however many others there are."""
EVIDENCE_LIMIT = 4
"""Pieces of evidence kept of a finding."""
ANSWERS_LIMIT = 8
"""Earlier acknowledgements kept of an incident that came back: the newest."""


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
    MERGED = "merged"
    """It is part of another incident: something that both hang on fires."""
    NOT_REPEATED = "not_repeated"
    """The source said until when it holds, and did not say it again."""
    NOTHING_HEARD = "nothing_heard"
    """Nothing was heard of it for longer than the settings allow."""
    MOVED = "moved"
    """The settings group its target otherwise now: it goes on in another incident."""
    NOTIFICATION_REFUSED = "notification_refused"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    """The tier that was told did not acknowledge in time: the next one is told."""
    REMINDER = "reminder"
    TOLD = "told"
    """People were told."""
    MUTED = "muted"
    """Maintenance, or a silence."""
    HELD = "held"
    """People were told the opposite a moment ago: it flaps, and waits until it settles."""
    COMMANDED = "commanded"
    """A person said so."""
    ACTION = "action"
    """An automated response was decided on."""
    NO_SUCH_INCIDENT = "no_such_incident"


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
        category: the class it is of.
        classed: why it is of that class and severity, in one line for people.
        holds_until: when a firing that is not repeated counts as over, where the source repeats itself.
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
    classed: str = ""
    holds_until: datetime | None = None
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
class Impact:
    """What an incident puts at risk.

    Attributes:
        dollars_per_hour: the best estimate.
        low: the lower end of its 90 % interval.
        high: the upper end.
        targets: what earns that money, what is most at risk first; a few of them.
        reason: how it was estimated, in one line for people.
    """

    dollars_per_hour: float
    low: float
    high: float
    targets: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An acknowledgement of an incident before it came back.

    Attributes:
        began_at: when it was opened or reopened before that.
        acknowledged_at: when somebody took care.
    """

    began_at: datetime
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How far up the tiers of one stakeholder it went.

    Attributes:
        stakeholder: the name.
        tier: the tier that was told last, from 0.
        since: when it was told, for the time it has to acknowledge; later, when it was reminded.
    """

    stakeholder: str
    tier: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What people were told of an incident.

    Attributes:
        firing: whether the last they heard is that it fires.
        severity: the worst they heard of since it was opened or reopened, or None before they heard anything.
        at: the instant that the last news was about, or None.
        flaps: how often they were told that it is back, without an hour of rest between.
        count: how often they were told anything, for the keys of the messages.
        quiet: why they are not told now, if that was written down.
        channels: every channel that heard of it.
        ladders: how far up the tiers it went, by stakeholder.
        acknowledged: whether they were told that somebody takes care.
    """

    firing: bool = False
    severity: Severity | None = None
    at: datetime | None = None
    flaps: int = 0
    count: int = 0
    quiet: str = ""
    channels: tuple[str, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Findings that belong together, with a life.

    Attributes:
        id: deterministic: from the root target and the instant it was opened for.
        target: the root target: what everything else that fires in it needs, as far as that is known.
        title: one line for people: the summary of its worst condition.
        state: where it is in its life.
        severity: the worst that fires now; when nothing does, the worst there was; raised by the impact.
        category: the class of incident, as in `drift`.
        classed: why it is of that class and severity, in one line for people.
        peak: the worst it was since it was opened or reopened.
        opened_at: since when something fires.
        began_at: when it came back last, or None where it never did, so that it began when it was opened.
        resolved_at: since when nothing fires any more, or None.
        acknowledged_at: when somebody took care, or None.
        acknowledged_by: who.
        answered: the acknowledgements before it came back, oldest first.
        mitigated_at: when it stopped hurting, or None.
        closed_at: when a person resolved it, whatever still fires, or None.
        cancelled: whether it was no incident.
        merged_into: the id of the incident that it is part of, or empty.
        targets: the targets whose conditions fired in it, in order.
        conditions: the keys of the conditions that fired in it, in order.
        impact: what it puts at risk, or None where nothing is known of that.
        lost: what it has cost until `lost_until`, in dollars; after that counts what `impact` says.
        lost_low: the lower end of the interval of it.
        lost_high: the upper end.
        lost_until: until when the loss is counted, or None where that has not begun.
        heard: what people were told.
        unsaid: what came of an automated response and people are to hear yet, in one line; empty when they have.
        asked: the severity at which the playbooks were asked last, or None where they are to be asked.
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
    peak: Severity = Severity.INFO
    classed: str = ""
    began_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    answered: tuple[Answer, ...] = ()
    mitigated_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled: bool = False
    merged_into: str = ""
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    impact: Impact | None = None
    lost: float = 0.0
    lost_low: float = 0.0
    lost_high: float = 0.0
    lost_until: datetime | None = None
    heard: Heard = Heard()
    unsaid: str = ""
    asked: Severity | None = None
    sequence: int = 0
    timeline: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is remembered of a group of targets: every condition, and the incidents that are not long over.

    Resolved conditions are remembered even when no incident is open: a firing that comes late must not open what is
    over already.

    Attributes:
        group: the name of the group, as `Graph.group` gives it; for most targets the target itself.
        conditions: by their keys, in order.
        incidents: in the order in which they were opened.
    """

    group: str
    conditions: tuple[Tracked, ...] = ()
    incidents: tuple[Incident, ...] = ()

    def members(self, incident: Incident) -> tuple[Tracked, ...]:
        """The conditions of an incident, the worst first."""
        keys = set(incident.conditions)
        found = (condition for condition in self.conditions if condition.key in keys)
        return tuple(sorted(found, key=lambda c: (c.status is Status.RESOLVED, -c.severity.rank, c.key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to remember from now on, what changed, and why (or why not).

    Attributes:
        watch: what to remember.
        changes: the steps of the incidents, oldest first; empty when nothing changed that people care about.
        reason: why.
    """

    watch: Watch
    changes: tuple[IncidentChange, ...]
    reason: Reason
