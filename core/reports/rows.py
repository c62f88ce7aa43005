"""The rows that the queries of reports give: a dataclass a query, whose fields are the columns."""

from dataclasses import dataclass
from datetime import datetime

from core.incidents.measured import MeasuredLoss


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueDay:
    """Revenue of a source on a local day, in dollars."""

    source: str
    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastTotal:
    """The newest forecast of the revenue of all sources in 30 days, in dollars, with its 90 % prediction interval."""

    made_at: datetime
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastDay:
    """The expected revenue of all sources on a day, by the newest forecast, in dollars."""

    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyMetric:
    """The value of a series as first computed on a day; the labels as a JSON object, ordered by name."""

    day: datetime
    measured_at: datetime
    name: str
    labels: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCount:
    """Requests for an automated action in a week, by what became of them."""

    action: str
    mode: str
    requests: int
    verified: int
    failed: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWeek:
    """The newest window of a model in a week.

    Attributes:
        model: its name.
        window_end: the end of the window.
        features: features that were tested.
        drifted: those of them that have drifted.
        names: the drifted ones, with commas between; empty without any.
        accuracy, accuracy_low, accuracy_high: the newest accuracy with its 95 % interval; None where it is not known.
    """

    model: str
    window_end: datetime
    features: int
    drifted: int
    names: str | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineWeek:
    """Runs of a pipeline that ended in a week, and in the week before."""

    pipeline: str
    runs: int
    failed: int
    seconds: float | None
    runs_before: int
    failed_before: int
    seconds_before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWeek:
    """The time that a stage of a pipeline took in a week: on average, and as a share of all stages of its pipeline."""

    pipeline: str
    stage: str
    runs: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityWeek:
    """Windows of a model in a week with a data quality issue, of all its windows."""

    model: str
    issue: str
    windows: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLoss:
    """What an incident lost by its orders."""

    incident_id: str
    loss: MeasuredLoss


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDay:
    """Costs on a day (UTC) in dollars, net of credits and without taxes.

    Attributes:
        dimension: `service`, `team` or `model`.
        name: the service, team or model; None without the label of a team, `unallocated` without a model.
        day: the day of usage.
        dollars: its costs.
    """

    dimension: str
    name: str | None
    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAnomaly:
    """Costs of a service or a model against their forecast, as judged once a day in the week.

    Attributes:
        dimension: `service` or `model`.
        item: the service or model.
        judged: on how many days.
        days: on how many of them the costs were above the forecast.
        dollars: over the expected costs, on the worst day.
    """

    dimension: str
    item: str
    judged: int
    days: int
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationWeek:
    """A recommendation as it was at the end of the week: `open`, `done` or `dismissed`; amounts are None where not known."""

    kind: str
    target: str
    state: str
    confidence: str
    dollars_per_month: float | None
    saved_dollars: float | None
    saved_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerWeek:
    """Calls of a partner in a week, and in the week before: their number, those that failed, and the 95th percentile of their latency."""

    partner: str
    calls: int
    failures: int
    seconds: float | None
    calls_before: int
    failures_before: int
    seconds_before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReturn:
    """The return of a model over 30 days up to a day, as in `marts.model_roi`; amounts are None where not known, for the `reason`."""

    day: datetime
    model: str
    arm: str
    basis: str
    basis_text: str
    verdict: str
    reason: str | None
    target: float
    cost: float | None
    revenue: float | None
    roi_low: float | None
    roi_middle: float | None
    roi_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePart:
    """Net revenue of a value of a dimension in a week, and in the week before, in dollars."""

    dimension: str
    value: str
    dollars: float
    dollars_before: float
