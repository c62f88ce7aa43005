"""Incidents, automated actions, silences and what notifies people of them."""

from typing import Any, NotRequired, TypedDict

from core.events import Severity, Status
from core.incidents.acknowledgement import Acknowledgement, TargetOwner
from core.incidents.model import Evidence, Impact, State, TimelineEntry
from core.incidents.notified import NotificationState
from core.incidents.part import Part
from core.replay.chain import Chapter
from functions.services.api_schemas import Instant, Next


class Accepted(TypedDict):
    """A command that was published; `warning` says what is perhaps not meant."""

    id: str
    warning: NotRequired[str]


class Condition(TypedDict):
    """A condition of an incident with its newest finding."""

    key: str
    target: str
    kind: str
    status: Status
    severity: Severity
    observed_at: Instant
    finding_id: str
    source: str
    summary: str
    value: float | None
    threshold: float | None
    unit: str
    evidence: list[Evidence]
    runbook: str
    category: str
    classification: str
    holds_until: Instant | None
    last_seen_at: Instant | None
    expired_at: Instant | None
    acknowledged_by: str
    acknowledged_at: Instant | None


class Step(TypedDict):
    """What an action changes."""

    what: str
    before: str
    after: str


class Action(TypedDict):
    """An automated action: why it was asked for, what it does, and how far it is."""

    id: str
    incident_id: str
    action: str
    target: str
    mode: str
    playbook: str
    rung: str
    asked_because: str
    requested_at: Instant
    severity: Severity
    stage: str
    reason: str
    at: Instant
    answer_by: Instant | None
    first_approver: str
    summary: str
    steps: list[Step]
    touched: int
    undoing: str
    run_id: str


class TrainingStep(TypedDict):
    """A step that led to the outcome of a training."""

    at: Instant
    outcome: str
    detail: str


class Training(TypedDict):
    """A training that was requested, and what came of it."""

    request: str
    requested_at: Instant
    requested_by: str
    run_id: str
    version: str | None
    outcome: str
    detail: str
    steps: list[TrainingStep]


class Loss(TypedDict):
    """Revenue lost, measured by the orders that did not come."""

    dollars: float
    low: float
    high: float
    usual: float
    actual: float
    since: Instant
    until: Instant
    orders: list[str]
    text: str


class Incident(TypedDict):
    """Findings that belong together, with their life, impact, owner and notifications; open ones, and one alone, also have their actions and trainings."""

    id: str
    target: str
    title: str
    state: State
    severity: Severity
    category: str
    classification: str
    opened_at: Instant
    peak: Severity
    reopened_at: Instant | None
    reopenings: int
    resolved_at: Instant | None
    acknowledged_at: Instant | None
    acknowledged_by: str
    taken_over_at: Instant | None
    released_at: Instant | None
    target_owners: list[TargetOwner]
    by_target: bool
    acknowledgements: list[Acknowledgement]
    mitigated_at: Instant | None
    cancelled: bool
    expired: bool
    merged_into: str
    part: Part | None
    targets: list[str]
    conditions: list[Condition]
    impact: Impact | None
    loss: float
    loss_low: float
    loss_high: float
    loss_until: Instant | None
    notified: NotificationState
    sequence: int
    timeline: list[TimelineEntry]
    updated_at: Instant
    open: bool
    over_on: str
    lasting_part: bool
    revision: int
    group: str
    actions: NotRequired[list[Action]]
    trainings: NotRequired[list[Training]]
    measured_loss: Loss | None


class Incidents(TypedDict):
    """A page of incidents: on the first one those that are open, then those that are over, the newest first."""

    incidents: list[Incident]
    next: Next


class FoundIncident(TypedDict):
    """A line of the list; null is what only recorded changes do not tell."""

    id: str
    title: str
    target: str
    targets: list[str]
    state: str
    severity: Severity
    peak: Severity
    category: str | None
    opened_at: Instant
    acknowledged_by: str | None
    resolved_at: Instant | None
    mitigated_at: Instant | None
    merged_into: str
    dollars_per_hour: float | None
    n_firing: int
    n_comments: int
    source: str


class IncidentChoices(TypedDict):
    """What can be chosen from, of the incidents of the store."""

    categories: list[str]
    people: list[str]
    models: list[str]


class FoundIncidents(TypedDict):
    """A page of incidents."""

    incidents: list[FoundIncident]
    next: Next
    stored_since: Instant
    recorded_since: Instant
    choices: IncidentChoices


class Event(TypedDict):
    """What a person or the system did."""

    id: str
    at: Instant
    kind: str
    what: str
    person: str
    subject: str
    target: str
    incident: str
    text: str


class Events(TypedDict):
    """A page of events, the newest first."""

    events: list[Event]
    next: Next
    since: Instant
    kinds: list[str]


class Explanation(TypedDict):
    """Why it came to what was sent and done, and whether the history had its part."""

    id: str
    complete: bool
    chapters: list[Chapter]


class Switch(TypedDict):
    """A halt of one action, or of all."""

    action: str
    halted: bool
    by: str
    at: Instant | None
    note: str
    halted_at: Instant | None


class Resuming(TypedDict):
    """The first of the two people who resume all actions."""

    by: str
    at: Instant
    lifts: str


class Switches(TypedDict):
    """Whether actions are allowed."""

    enabled: bool
    halted: list[Switch]
    resuming: Resuming | None
    actions: list[str]


class Actions(TypedDict):
    """Automated actions; `recent` is null while the history does not answer, and `starting` says that it never has yet."""

    waiting: list[Action]
    recent: list[dict[str, Any]] | None
    starting: bool
    automation: Switches


class Silence(TypedDict):
    """A silence of some targets."""

    pattern: str
    by: str
    at: Instant
    until: Instant
    note: str
    warning: str


class ChannelTest(TypedDict):
    """The newest test message through a channel, and the channel's answer."""

    id: str
    by: str
    at: Instant
    outcome: NotRequired[str]
    detail: NotRequired[str]
    answered_at: NotRequired[Instant | None]


class Channel(TypedDict):
    """A channel of the settings."""

    name: str
    kind: str
    failing: bool
    test: ChannelTest | None


Override = TypedDict("Override", {"from": Instant, "until": Instant, "person": str})
"""Somebody stands in for the rotation."""


class OnCall(TypedDict):
    """Who is on call in a rotation."""

    name: str
    person: str
    channels: list[str]
    until: Instant | None
    next: str | None
    instead_of: str | None
    overrides: list[Override]


class Sent(TypedDict):
    """What a channel answered to a report."""

    at: Instant
    outcome: str
    detail: str


class KeptReport(TypedDict):
    """A report that was sent."""

    name: str
    week: str
    made_at: Instant
    sent: dict[str, Sent]


class ReportKind(TypedDict):
    """A report that there is; `section_titles` are those of `sections`, in their order."""

    name: str
    title: str
    sections: list[str]
    section_titles: list[str]


class Reports(TypedDict):
    """The weekly reports, and those that were sent."""

    reports: list[ReportKind]
    latest: str
    kept: list[KeptReport]
