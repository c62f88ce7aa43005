"""Models with their windows, versions, experiments and trainings."""

from datetime import date
from typing import Any, NotRequired, TypedDict

from core.events import Severity
from core.incidents.model import State
from functions.services.api_schemas import Instant
from functions.services.api_schemas.incidents import Training


class Statistic(TypedDict):
    """A statistic that compares two distributions."""

    name: str
    title: str
    blind_to: str
    full: float | None


class Test(TypedDict):
    """A statistic of a feature."""

    value: float | None
    p_value: float | None


class Feature(TypedDict):
    """A feature of the newest window."""

    name: str
    drifted: bool
    reason: str | None
    tests: dict[str, Test]


class AccuracyDay(TypedDict):
    """The accuracy of a day."""

    day: date
    value: float


class Accuracy(TypedDict):
    """The newest accuracy, and by day."""

    value: float
    n_labels: int | None
    floor: float | None
    by_day: list[AccuracyDay]


class Measure(TypedDict):
    """A measure of performance in the newest window, with its limit in the settings."""

    measure: str
    title: str
    unit: str
    better: str
    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    n_labels: int | None
    limit: float | None
    beyond: bool


class Group(TypedDict):
    """A measure of one group."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n_rows: int | None


class Gap(TypedDict):
    """The largest gap of a measure between the groups of a column."""

    segment: str
    measure: str
    value: float | None
    low: float | None
    high: float | None
    best: str | None
    worst: str | None
    title: str
    unit: str
    limit: float | None
    groups: list[Group]


class Labels(TypedDict):
    """Labels of the newest window: how many have arrived, and how many a verdict needs."""

    arrived: int | None
    required: int


class Model(TypedDict):
    """A model with its newest scored window; without one, what is of the window is absent."""

    name: str
    owner: str
    source: str
    task: str
    minimum_rows: int
    statistics: list[Statistic]
    version: NotRequired[str | None]
    window_start: NotRequired[Instant | None]
    window_end: Instant | None
    n_reference: NotRequired[int | None]
    n_current: NotRequired[int | None]
    reason: NotRequired[str | None]
    drifted: list[str]
    strongest: NotRequired[str | None]
    features: list[Feature]
    until: Instant | None
    overdue: bool
    awaited: bool
    due_at: Instant | None
    accuracy: Accuracy | None
    performance: list[Measure]
    gaps: list[Gap]
    labels: Labels | None


class ListedIncident(TypedDict):
    """An incident of a model, in short."""

    id: str
    title: str
    severity: Severity
    state: State
    opened_at: Instant
    resolved_at: Instant | None


class Verdict(TypedDict):
    """What is concluded: `good`, `bad` or `not_known`, and why."""

    outcome: str
    summary: str
    at: Instant | None
    rows: int | None


class Verdicts(TypedDict):
    """The verdicts on a model."""

    drift: Verdict
    performance: Verdict


class Overview(Model):
    """A model with its verdicts and open incidents."""

    target: str
    incidents: list[ListedIncident]
    verdicts: Verdicts


class DriftFeature(TypedDict):
    """The statistics of a feature, a value a day."""

    name: str
    tests: dict[str, list[float | None]]
    drifted: list[bool | None]
    threshold: float | None
    limits: dict[str, float]


class Drift(TypedDict):
    """The statistics of a model by feature and day."""

    model: str
    days: list[date]
    features: list[DriftFeature]


class PerformanceHistory(TypedDict):
    """A measure by day."""

    measure: str
    title: str
    unit: str
    better: str
    limit: float | None
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


class Performance(TypedDict):
    """The measures of a model by day."""

    model: str
    days: list[date]
    measures: list[PerformanceHistory]


class VersionInUse(TypedDict):
    """A version, and since when it is in use."""

    version: str
    in_use_from: Instant


class History(TypedDict):
    """A model by day: the share of features that drifted, performance, costs, versions and incidents."""

    model: str
    days: list[date]
    drift: list[float | None]
    performance: PerformanceHistory | None
    costs: list[float | None] | None
    versions: list[VersionInUse]
    incidents: list[ListedIncident]
    incidents_since: Instant


class Distribution(TypedDict):
    """A feature in the newest window beside the reference."""

    name: str
    role: str
    drifted: NotRequired[bool]
    reason: NotRequired[str | None]
    strength: NotRequired[float | None]
    threshold: NotRequired[float | None]
    edges: NotRequired[list[float] | None]
    categories: NotRequired[list[str] | None]
    reference: NotRequired[list[float] | None]
    current: NotRequired[list[float] | None]
    missing: NotRequired[list[float] | None]
    left_out: NotRequired[str]
    tests: dict[str, Test]


class Distributions(TypedDict):
    """The distributions of the newest window; `unknown` says why there are none."""

    model: str
    unknown: str | None
    version: NotRequired[str | None]
    mode: NotRequired[str | None]
    n_reference: NotRequired[int | None]
    n_current: NotRequired[int | None]
    outcome: NotRequired[str | None]
    summary: NotRequired[str | None]
    segments: NotRequired[dict[str, Any]]
    features: list[Distribution]
    window_start: Instant | None
    window_end: Instant | None


class ModelSettings(TypedDict):
    """Where the settings of a model are, and those of the table."""

    name: str
    source: str
    settings: NotRequired[dict[str, Any]]
    changed_at: NotRequired[Instant]
    changed_by: NotRequired[str]
    issue: NotRequired[str]


class ModelChange(TypedDict):
    """What a change did to a model."""

    name: str
    change: str


class AliasChange(TypedDict):
    """A change of an alias of a version."""

    alias: str
    version: str | None
    share: float | None
    stage: str | None
    changed_at: Instant
    changed_by: str | None
    why: str | None


class Version(TypedDict):
    """A version of a model; `fault` says why the rest of it cannot be read."""

    model: str
    version: str
    created_at: Instant
    reference_start: NotRequired[Instant | None]
    reference_end: NotRequired[Instant | None]
    parameters: NotRequired[dict[str, Any]]
    metrics: NotRequired[dict[str, Any]]
    fault: NotRequired[str]
    aliases: list[AliasChange]


class Versions(TypedDict):
    """The versions of a model, the newest first, and the changes of their aliases."""

    model: str
    in_use: str
    versions: list[Version]
    changes: list[AliasChange]


class VersionDifference(TypedDict):
    """How two versions differ."""

    model: str
    before: str
    after: str


class Trainings(TypedDict):
    """The trainings of a model that were requested within a range, and how many days that has."""

    model: str
    since: Instant
    until: Instant
    days: int
    trainings: list[Training]


class TrainingRequest(TypedDict):
    """A training that was requested, and the version that it is to replace."""

    request: str
    model_version: str


class Traffic(TypedDict):
    """The share of requests of a version."""

    alias: str
    version: str
    share: float


class Promotion(TypedDict):
    """Where the promotion of a challenger is."""

    champion: str
    challenger: str
    stage: str
    traffic: list[Traffic]
    began_at: Instant
    changed_at: Instant
    by: str
    why: str
    waits: str


class Experiment(TypedDict):
    """The newest experiment of a model with its looks, the oldest first."""

    model: str
    promotion: Promotion | None
    looks: list[dict[str, Any]]
