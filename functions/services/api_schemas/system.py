"""Dashboards, probes, pipelines, upkeep and what the system knows of itself."""

from typing import Any, NotRequired, TypedDict

from core.events import Severity
from functions.services.api_schemas import Instant, Next


class Named(TypedDict):
    """A name and a title."""

    name: str
    title: str


class Variable(TypedDict):
    """A variable of a dashboard."""

    name: str
    value: str
    choices: list[str]


class TileLayout(TypedDict):
    """A tile; what it shows besides depends on its `kind`."""

    index: int
    title: str
    x: int
    y: int
    width: int
    height: int
    foreign: bool
    kind: str


class DashboardLayout(TypedDict):
    """The layout of a dashboard."""

    name: str
    title: str
    columns: int
    variables: list[Variable]
    tiles: list[TileLayout]


class Line(TypedDict):
    """A series of a chart."""

    labels: dict[str, str]
    values: list[float | None]


class Row(TypedDict):
    """The newest value of a series."""

    labels: dict[str, str]
    value: float | None


class DataSetValues(TypedDict):
    """The values of a data set; `left_out` says how many series there are beyond."""

    series: list[Line]
    now: list[Row]
    left_out: int


class TileData(TypedDict):
    """The data of a tile."""

    start: int
    end: int
    step: int
    sets: list[DataSetValues]
    judged_from: Instant | None


class Probe(TypedDict):
    """A probe with its newest result, if there is any."""

    name: str
    kind: str
    overdue: bool
    awaited: bool
    due_at: Instant | None
    status: NotRequired[str]
    checked_at: NotRequired[Instant]
    latency: NotRequired[float | None]


class PipelineHealth(TypedDict):
    """The health score of a pipeline, and what it consists of."""

    score: float | None
    success: float | None
    duration: float | None
    regularity: float | None
    reason: str


class Stage(TypedDict):
    """A stage of a run."""

    name: str
    status: str
    started_at: Instant | None
    ended_at: Instant | None
    seconds: float | None
    error: str
    cached: bool


class Run(TypedDict):
    """A run of a pipeline."""

    run_id: str
    status: str
    started_at: Instant | None
    ended_at: Instant | None
    seconds: float | None
    error: str
    stages: list[Stage]


class Pipeline(TypedDict):
    """A pipeline with its newest runs."""

    name: str
    fault: str | None
    known: bool
    running: int | None
    health: PipelineHealth
    usual_seconds: float | None
    interval_seconds: float | None
    last_success_at: Instant | None
    bottleneck: dict[str, Any] | None
    critical_path: list[str]
    runs: list[Run]


class AbsentRule(TypedDict):
    """An alert rule that lacks a metric."""

    name: str
    area: str
    metrics: list[str]
    missed: bool
    expected: bool
    severity: str


class Rules(TypedDict):
    """Alert rules without data; null where none were checked lately."""

    checked_at: Instant | None
    rules: int | None
    absent: list[AbsentRule] | None


class Signal(TypedDict):
    """A signal of an area."""

    selector: str
    metric: str
    unit: str
    help: str
    source: str
    rules: list[str]
    panels: list[str]
    series: int | None
    written_by: list[str]


class Area(TypedDict):
    """An area that is watched, and how well."""

    name: str
    owner: str
    sight: str
    due_at: Instant | None
    contract: str
    seen: int | None
    rules: list[str]
    panels: list[str]
    signals: list[Signal]


class Coverage(TypedDict):
    """What is watched."""

    at: Instant
    areas: list[Area]


class ProbeHistory(TypedDict):
    """Of each probe the share of good checks by interval, the newest last; null where there was no check."""

    since: Instant
    until: Instant
    seconds: int
    probes: dict[str, list[float | None]]


class TaskRun(TypedDict):
    """A run of a task of upkeep."""

    task: str
    due: Instant
    written_at: Instant
    outcome: str
    seconds: float
    detail: str
    fault: str


class Task(TypedDict):
    """A task of upkeep with its newest runs; null is what is not known."""

    task: str
    due: Instant | None
    next: Instant
    outcome: str | None
    finished_at: Instant | None
    succeeded_at: Instant | None
    success_ratio: float | None
    seconds: float | None
    detail: str
    runs: list[TaskRun] | None


class Backup(TypedDict):
    """A backup, and whether it was restored and compared."""

    id: str
    at: Instant
    status: str
    detail: str
    tables: int
    rows: int
    documents: int


class Check(TypedDict):
    """What the newest run of a check found."""

    task: str
    check: str
    runbook: str
    kind: str
    target: str
    outcome: str
    severity: Severity | None
    at: Instant | None
    detail: str


class Upkeep(TypedDict):
    """The tasks, the backups, the checks, and the newest advice."""

    tasks: list[Task]
    backups: list[Backup] | None
    checks: list[Check]
    advice: dict[str, Any] | None


class DeadLetter(TypedDict):
    """A message that could not be handled."""

    id: str
    received_at: Instant
    n_parked: int
    function: str
    subscription: str | None
    message_id: str | None
    reason: str
    sent_again: bool


class DeadLetters(TypedDict):
    """A page of dead letters, the newest first."""

    dead_letters: list[DeadLetter]
    next: Next


class WholeDeadLetter(DeadLetter):
    """A dead letter with what it says."""

    attributes: dict[str, str]
    data: str | None


class Resource(TypedDict):
    """A resource with a limit, its usage and the forecast of an hour."""

    name: str
    target: str


class Recommendation(TypedDict):
    """What lowers costs, and what people decided about it."""

    key: str
    kind: str
    target: str
    dollars_per_month: float | None
    evidence: str
    confidence: str
    state: str
    decided_by: str | None
    note: str | None
    decided_at: Instant | None
    saved_dollars: float | None


class Decision(TypedDict):
    """A decision about a recommendation."""

    key: str
    state: str
    decided_by: str
    note: str
    decided_at: Instant


class ComplianceItem(TypedDict):
    """An item of the list of compliance."""

    number: str
    title: str
    outcome: str
    evidence: list[str]
    at: Instant


Dependency = TypedDict("Dependency", {"from": str, "to": str, "calls": int, "in_settings": bool})
"""A dependency that traces show."""


class Me(TypedDict):
    """Who is signed in, and what they may do."""

    by: str
    role: str
    runbooks: str


class LoadedHistory(TypedDict):
    """Progress of loading the history."""

    days: int
    of: int
    since: Instant
    updated_at: Instant
    done: bool


class Backfills(TypedDict):
    """What is being loaded."""

    history: LoadedHistory | None


class Deployment(TypedDict):
    """The project, and the environment of a client where the services are emulators."""

    project: str
    emulators: dict[str, str]


class Taken(TypedDict):
    """How many were accepted."""

    accepted: int
