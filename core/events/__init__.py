"""The events that pass between functions: frozen, versioned, and flat where a table holds them.

A field may be added with a default without a new version; a version changes when an old reader would misunderstand.
Identifiers are deterministic, so that the same observation made twice is the same event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from core.events.enums import Change, Mode, Severity, Stage, Status, Verb
from core.events.incident_decision import DecisionKind, Delivered, IncidentDecision
from core.events.pipeline_run import PipelineRun, RunStatus
from core.events.registry_change import RegistryChange
from core.events.scoring_shard import ScoringShard, TableCount, UsedVersion
from core.events.sweep_batch import SweepBatch
from core.instants import YEARS, require_aware, stamp

__all__ = [
    "YEARS",
    "ActionDecision",
    "ActionRequest",
    "Change",
    "Command",
    "DecisionKind",
    "Delivered",
    "Event",
    "Finding",
    "IncidentChange",
    "IncidentDecision",
    "Mode",
    "PipelineRun",
    "RegistryChange",
    "RetrainingRequest",
    "RunStatus",
    "ScoringShard",
    "Severity",
    "Stage",
    "Status",
    "SweepBatch",
    "TableCount",
    "Tick",
    "UsedVersion",
    "Verb",
    "stamp",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The scheduler says that a job is due.

    Attributes:
        job: the job's name, as in `drift_score`.
        scheduled_at: the instant the job is due for, in UTC; everything the job does is relative to it.
    """

    TYPE: ClassVar[str] = "tick"
    VERSION: ClassVar[int] = 1

    job: str
    scheduled_at: datetime

    def __post_init__(self) -> None:
        require_aware("scheduled_at", self.scheduled_at)

    @property
    def id(self) -> str:
        """The job and the instant."""
        return f"{self.job}:{stamp(self.scheduled_at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding of a detector about a target.

    Attributes:
        target: as in `model/flight-delay` or `probe/api`.
        kind: as in `drift`; with the target it names the condition.
        status: whether the condition holds at `observed_at`.
        severity: how bad it is while it holds.
        observed_at: the instant the observation is about, in UTC.
        source: the function or the foreign system that noticed.
        summary: one line for people.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both, as in `ratio`, `seconds`.
        evidence: what supports it, as short texts by name.
        runbook: the section of the runbooks, as in `models.md#drift`, or an address.
        holds_until: when a firing that is not repeated counts as over, for sources that repeat themselves.
        labels: of the alert behind it, by which routes may group; the same when it fires and when it is resolved.
    """

    TYPE: ClassVar[str] = "finding"
    VERSION: ClassVar[int] = 1

    target: str
    kind: str
    status: Status
    severity: Severity
    observed_at: datetime
    source: str
    summary: str
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""
    holds_until: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware("observed_at", self.observed_at)
        if self.holds_until is not None:
            require_aware("holds_until", self.holds_until)

    @property
    def condition(self) -> str:
        """The condition of the finding, the same for all observations."""
        return f"{self.target}:{self.kind}"

    @property
    def id(self) -> str:
        """The condition and the instant: the same observation made twice has the same id."""
        return f"{self.condition}:{stamp(self.observed_at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChange:
    """One step in the lifecycle of an incident, as in the audit table.

    Attributes:
        incident_id: the incident.
        sequence: 1 for its opening, then counted without gaps.
        at: the instant of the observation or the act that caused the change, in UTC.
        change: what happened.
        state: the state of the incident afterwards: open, acknowledged, mitigated or resolved.
        severity: the severity of the incident afterwards.
        target: the root target of the incident.
        title: one line for people.
        reason: why the change was made, as the deciding enum spells it.
        finding_id: the finding that caused it, or empty.
        summary: of the finding or the command, in one line.
    """

    TYPE: ClassVar[str] = "incident_change"
    VERSION: ClassVar[int] = 1

    incident_id: str
    sequence: int
    at: datetime
    change: Change
    state: str
    severity: Severity
    target: str
    title: str
    reason: str
    finding_id: str = ""
    summary: str = ""

    def __post_init__(self) -> None:
        require_aware("at", self.at)

    @property
    def id(self) -> str:
        """The incident and the step."""
        return f"{self.incident_id}:{self.sequence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a person about an incident, an action or a silence.

    Attributes:
        verb: what to do.
        subject: the incident's id; to approve or reject, the id of the `ActionRequest`; to silence or unsilence, a
            pattern of targets as in `model/*`; to halt or resume, the name of an action, or `*` for all; to test a channel,
            its name; to promote or roll back, the name of a model; to send again, the id of a dead letter.
        by: the person.
        at: when, in UTC.
        note: why, in one line.
        until: when a silence ends.
        lifts: to resume, the id of the halt that is lifted.
        target: to acknowledge, the one target of the incident that is acknowledged; empty for the whole incident.
        to: to take over, the person who has the incident from then on; empty for `by`. To merge, the id of the incident that it
            becomes a part of. To promote, the version; empty for the challenger.
        body: to send a dead letter again, what it says instead, a JSON object; empty for what it said.
        verified: whether `by` is a person whose identity was verified, and not a name that the caller gave.
    """

    TYPE: ClassVar[str] = "command"
    VERSION: ClassVar[int] = 1

    verb: Verb
    subject: str
    by: str
    at: datetime
    note: str = ""
    until: datetime | None = None
    lifts: str = ""
    to: str = ""
    target: str = ""
    body: str = ""
    verified: bool = False

    def __post_init__(self) -> None:
        require_aware("at", self.at)
        if self.until is not None:
            require_aware("until", self.until)

    @property
    def id(self) -> str:
        """The verb, the subject, the target where there is one, and the instant."""
        about = f"{self.subject}:{self.target}" if self.target else self.subject
        return f"{self.verb}:{about}:{stamp(self.at)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """A request for an automated action on an incident.

    Attributes:
        incident_id: the incident.
        sequence: the step of the incident that asks.
        action: the name of the action, as in `retrain_model`.
        target: of the action, as in `model/flight-delay`.
        requested_at: when, in UTC.
        mode: whether it may change anything.
        playbook: the name of the playbook that asks.
        reason: why, in one line.
        severity: of the incident at the request.
        rung: which action of its playbook this is, as in `2 of 3`; empty where it is the only one.
        finding_id: of the finding that the incident opened or changed by; empty where none is known.
    """

    TYPE: ClassVar[str] = "action_request"
    VERSION: ClassVar[int] = 1

    incident_id: str
    sequence: int
    action: str
    target: str
    requested_at: datetime
    mode: Mode
    playbook: str
    reason: str
    severity: Severity
    rung: str = ""
    finding_id: str = ""

    def __post_init__(self) -> None:
        require_aware("requested_at", self.requested_at)

    @property
    def id(self) -> str:
        """The incident, the step, the action and its target."""
        return f"{self.incident_id}:{self.sequence}:{self.action}:{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDecision:
    """One decision about an action, as in the audit table; also if nothing is done.

    Attributes:
        request_id: of the `ActionRequest`.
        sequence: 1 for the first decision about the request, then counted without gaps.
        incident_id: the incident.
        action: the name of the action.
        target: of the action.
        mode: whether it might change anything.
        stage: the decision.
        reason: why, as the deciding enum spells it.
        at: when, in UTC.
        plan: what would change, or has changed, in one line.
        detail: the answer of the external system, in one line.
        by: the person who approved or rejected, or empty.
        rung: which action of its playbook this is, as in `2 of 3`; empty where it is the only one.
    """

    TYPE: ClassVar[str] = "action_decision"
    VERSION: ClassVar[int] = 1

    request_id: str
    sequence: int
    incident_id: str
    action: str
    target: str
    mode: Mode
    stage: Stage
    reason: str
    at: datetime
    plan: str = ""
    detail: str = ""
    by: str = ""
    rung: str = ""

    def __post_init__(self) -> None:
        require_aware("at", self.at)

    @property
    def id(self) -> str:
        """The request and the step."""
        return f"{self.request_id}:{self.sequence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """A request to retrain a model.

    Attributes:
        model: the model's name.
        model_version: the version in use at `requested_at`, which is to be replaced; `version` is the event's own.
        requested_at: the instant of the requesting tick, in UTC.
        reason: why, as the deciding enum spells it.
        window_start: the first instant of the data to train on, in UTC.
        window_end: the instant after the last.
        n_labels: how many labels had arrived for that data; 0 where they were not counted.
        features: the important features that drifted, in the order of the settings.
        accuracy: of the current window, 0 to 1, where it is known.
        floor: the accuracy floor, 0 to 1, if the settings have one.
        requested_by: `finding:ID`, `person:NAME` or `schedule`, or empty.
        note: why, in the words of the person.
    """

    TYPE: ClassVar[str] = "retraining_request"
    VERSION: ClassVar[int] = 1

    model: str
    model_version: str
    requested_at: datetime
    reason: str
    window_start: datetime
    window_end: datetime
    n_labels: int
    features: tuple[str, ...] = ()
    accuracy: float | None = None
    floor: float | None = None
    requested_by: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        require_aware("requested_at", self.requested_at)
        require_aware("window_start", self.window_start)
        require_aware("window_end", self.window_end)
        if self.window_start >= self.window_end:
            raise ValueError(f"window_end: must be after {stamp(self.window_start)}, got {stamp(self.window_end)}")

    @property
    def id(self) -> str:
        """The model and the instant: a tick that requests twice makes one request."""
        return f"{self.model}:{stamp(self.requested_at)}"


Event = (
    Tick
    | Finding
    | IncidentChange
    | IncidentDecision
    | Command
    | ActionRequest
    | ActionDecision
    | RetrainingRequest
    | PipelineRun
    | ScoringShard
    | SweepBatch
    | RegistryChange
    | TableCount
)
