"""The queries that sections read. The statement of one is `NAME.sql` in `functions/services/reports/statements/`.

A statement gets those of these parameters that it names: `since`, `until` and `before` are the instants of the week and of the week
before; `day_since` and `day_until` its local days, each as the midnight of its date in UTC; `midnight` the first
midnight in UTC after it; `oldest` and `oldest_day` the first instant and day of its history; `names` the metrics of `daily.NAMES`.
`{local_hour}` stands for the local time of the column `hour`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from core.incidents.model import Incident
from core.reports import rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")
BIGQUERY, FIRESTORE = "BigQuery", "Firestore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[Row]):
    """A query.

    Attributes:
        name: of its statement; numbers refer to it.
        title: what it reads.
        row: the type of a row.
        table: that it reads first; its rollup, if it has one, says up to when it is complete.
        weeks: how many weeks it reads, up to the end of the week.
        source: BigQuery or Firestore.
    """

    name: str
    title: str
    row: type[Row]
    table: str
    weeks: int = 2
    source: str = BIGQUERY


REVENUE_DAYS = Query(
    name="revenue_days",
    title="Revenue by source and day, net of refunds",
    row=rows.RevenueDay,
    table="marts.revenue_hourly",
    weeks=110,
)
FORECAST_TOTAL = Query(
    name="forecast_total",
    title="Newest forecast of 30 days, all sources together",
    row=rows.ForecastTotal,
    table="ops.revenue_forecast_totals",
)
FORECAST_DAYS = Query(
    name="forecast_days",
    title="Newest forecast by day, all sources together",
    row=rows.ForecastDay,
    table="ops.revenue_forecasts",
)
DAILY_METRICS = Query(
    name="daily_metrics",
    title="Business metrics as first computed on each day",
    row=rows.DailyMetric,
    table="marts.daily_metrics",
    weeks=9,
)
INCIDENTS = Query(
    name="incidents",
    title="Incidents that were open at some time in the week or in the week before",
    row=Incident,
    table="incidents",
    source=FIRESTORE,
)
ACTIONS = Query(
    name="actions",
    title="Decisions about automated actions, by action",
    row=rows.ActionCount,
    table="ops.action_decisions",
)
MODELS = Query(
    name="models",
    title="Newest drift scores and accuracy of each model in the week",
    row=rows.ModelWeek,
    table="ops.drift_scores",
)
PIPELINES = Query(
    name="pipelines",
    title="Pipeline runs that ended in the week and in the week before",
    row=rows.PipelineWeek,
    table="ops.pipeline_runs",
)
STAGES = Query(
    name="stages",
    title="Time by pipeline stage in the week",
    row=rows.StageWeek,
    table="ops.pipeline_runs",
)
QUALITY = Query(
    name="quality",
    title="Windows of models with data quality issues in the week",
    row=rows.QualityWeek,
    table="ops.data_quality",
)
LOSSES = Query(
    name="losses",
    title="Losses of incidents by the orders that came, of those that lasted in the week or in the week before",
    row=rows.IncidentLoss,
    table="incident_losses",
    source=FIRESTORE,
)
COST_DAYS = Query(
    name="cost_days",
    title="Costs by day of usage, by service, team and model",
    row=rows.CostDay,
    table="marts.costs_daily",
)
COST_ANOMALIES = Query(
    name="cost_anomalies",
    title="Costs above their forecast in the week, by service and model",
    row=rows.CostAnomaly,
    table="marts.daily_metrics",
)
RECOMMENDATIONS = Query(
    name="recommendations",
    title="Recommendations that lower costs, as they were at the end of the week",
    row=rows.RecommendationWeek,
    table="marts.recommendations",
)
PARTNERS = Query(
    name="partners",
    title="Calls of partners in the week and in the week before, each once",
    row=rows.PartnerWeek,
    table="telemetry.partner_calls",
)
MODEL_RETURNS = Query(
    name="model_returns",
    title="Return of each model over 30 days, as of the newest day of the week",
    row=rows.ModelReturn,
    table="marts.model_roi",
)
REVENUE_PARTS = Query(
    name="revenue_parts",
    title="Net revenue by dimension, in the week and in the week before",
    row=rows.RevenuePart,
    table="marts.revenue_by_dimension_daily",
)
QUERIES: tuple[Query, ...] = (  # type: ignore[type-arg]  # of any row
    REVENUE_DAYS,
    FORECAST_TOTAL,
    FORECAST_DAYS,
    DAILY_METRICS,
    INCIDENTS,
    ACTIONS,
    MODELS,
    PIPELINES,
    STAGES,
    QUALITY,
    LOSSES,
    COST_DAYS,
    COST_ANOMALIES,
    RECOMMENDATIONS,
    PARTNERS,
    MODEL_RETURNS,
    REVENUE_PARTS,
)
