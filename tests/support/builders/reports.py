"""Reports for tests: readings with numbers that are easy to reckon, and a report of every section."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.events import Severity
from core.incidents.model import Impact, Incident, State
from core.reports import queries
from core.reports.compose import compose
from core.reports.document import QueryRecord, Report, SectionDocument
from core.reports.queries import Query
from core.reports.registry import REPORTS
from core.reports.rows import (
    ActionCount,
    CostAnomaly,
    CostDay,
    DailyMetric,
    ForecastDay,
    ForecastTotal,
    ModelReturn,
    ModelWeek,
    PartnerWeek,
    PipelineWeek,
    QualityWeek,
    RecommendationWeek,
    RevenueDay,
    RevenuePart,
    StageWeek,
)
from core.reports.section import Facts, Reading
from core.reports.weeks import Week
from core.settings import Partner

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK = Week(date(2026, 11, 16))
"""2026-W47."""
MADE_AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
FLOORS = {"churn": 0.9, "fraud": 0.8}
BANK = Partner(name="bank", success_ratio=0.99, latency=timedelta(seconds=2))


def revenue(*, now: float = 90.0, usual: float = 100.0, source: str = "shop", weeks: int = 10) -> list[RevenueDay]:
    """The same revenue each day before the week, and another one each day of it."""
    days = [WEEK.day_until - ago * DAY for ago in range(7 * weeks, 0, -1)]
    return [RevenueDay(source=source, day=day, dollars=now if day >= WEEK.day_since else usual) for day in days]


def metric(name: str, now: float, before: float | None = None, labels: str = "{}") -> list[DailyMetric]:
    """A metric with one value until the end of the week before, and another one from then on."""
    old = now if before is None else before
    ends = [(WEEK.midnight - ago * DAY, old if ago >= 7 else now) for ago in range(62, -1, -1)]
    return [DailyMetric(day=day, measured_at=day, name=name, labels=labels, value=value) for day, value in ends]


def bounded(
    name: str, now: tuple[float, float, float], before: tuple[float, float, float], **labels: str
) -> list[DailyMetric]:
    """A metric whose interval is in the label `bound`: low, middle and high."""
    return [
        row
        for bound, new, old in zip(("low", "middle", "high"), now, before, strict=True)
        for row in metric(name, new, old, json.dumps(labels | {"bound": bound}, sort_keys=True))
    ]


def surveys() -> list[DailyMetric]:
    """40 answers of each group about whether they would recommend it and 20 about whether they are satisfied; of operations, 3 and none."""
    found: list[DailyMetric] = []
    for group in ("executive", "technical", "business"):
        fell = group == "technical"
        nps = (-30.0, -20.0, -10.0) if fell else (20.0, 40.0, 60.0)
        found += bounded("aia_net_promoter_score", nps, (20.0, 40.0, 60.0), stakeholder=group)
        found += bounded("aia_csat_ratio", (0.7, 0.8, 0.9), (0.65, 0.8, 0.9), stakeholder=group)
    for group in ("business", "executive", "operations", "technical"):
        for question, count in (("nps", 40.0), ("csat", 20.0)):
            given = {"nps": 3.0, "csat": 0.0}[question] if group == "operations" else count
            labels = json.dumps({"question": question, "stakeholder": group})
            found += metric("aia_survey_answers", given, labels=labels)
    return found


def market_growth() -> list[DailyMetric]:
    """Growth against a quarter before: of ours 12 %, of all companies 8 %; the table does not go back a year."""
    found: list[DailyMetric] = []
    for of, ratio in (("ours", 0.12), ("market", 0.08)):
        found += metric("aia_market_growth_ratio", ratio, labels=json.dumps({"against": "quarter", "of": of}))
    end = WEEK.until
    for period, ago in (("current", 0), ("quarter", 91)):
        bounds = {"begin": end - (ago + 30) * DAY, "end": end - ago * DAY}
        bounds |= {"newest_sale": end - HOUR} if period == "current" else {}
        for bound, at in bounds.items():
            labels = json.dumps({"bound": bound, "period": period, "table": "crm.sales"})
            found += metric("aia_market_period_timestamp_seconds", at.timestamp(), labels=labels)
    return found


def cohorts() -> list[DailyMetric]:
    """Two cohorts of 100 and 50 customers, and the retention of three months."""
    found: list[DailyMetric] = []
    for months, ratio in (("01", 0.3), ("02", 0.2), ("03", 0.1)):
        found += metric("aia_customer_retention_ratio", ratio, labels=json.dumps({"months": months}))
    for cohort, size, dollars in (("2026-09", 100.0, 6000.0), ("2026-10", 50.0, 1000.0)):
        found += metric("aia_cohort_customers", size, labels=json.dumps({"cohort": cohort}))
        found += metric("aia_cohort_revenue_dollars", dollars, labels=json.dumps({"cohort": cohort}))
    return found


def cost_days(days: int = 7) -> list[CostDay]:
    """$10 a day in the week before and $12 in the week: of Vertex AI all, of churn and the team risk the half; the models on some days only."""
    found: list[CostDay] = []
    for ago in range(14):
        day, dollars = WEEK.day_since + (ago - 7) * DAY, 10.0 if ago < 7 else 12.0
        parts = [("service", "Vertex AI", dollars), ("team", "risk", dollars / 2), ("team", None, dollars / 2)]
        if ago < 7 + days:
            parts += [("model", "churn", dollars / 2), ("model", "unallocated", dollars / 2)]
        found += [CostDay(dimension=of, name=name, day=day, dollars=amount) for of, name, amount in parts]
    return found


def recommendation(target: str, state: str, month: float | None, saved: float | None = None) -> RecommendationWeek:
    return RecommendationWeek(
        kind="idle_endpoint",
        target=target,
        state=state,
        confidence="high",
        dollars_per_month=month,
        saved_dollars=saved,
        saved_until=WEEK.until if saved is not None else None,
    )


def model_return(model: str, roi: float | None, high: float | None, *, reason: str | None = None) -> ModelReturn:
    """A return by an experiment against a target of 20 %, whose interval begins at 0.1 less than it."""
    known = roi is not None and high is not None
    return ModelReturn(
        day=WEEK.day_until,
        model=model,
        arm="",
        basis="experiment",
        basis_text="$2 a customer",
        verdict=("bad" if high < 0.2 else "good") if known and high is not None else "not known",
        reason=reason,
        target=0.2,
        cost=100.0 if known else None,
        revenue=100.0 * (1 + roi) if roi is not None else None,
        roi_low=roi - 0.1 if roi is not None else None,
        roi_middle=roi,
        roi_high=high,
    )


def partner(name: str, calls: int, failures: int, seconds: float | None = 1.0) -> PartnerWeek:
    """Calls of a week, after 1000 calls of which 5 failed."""
    return PartnerWeek(
        partner=name,
        calls=calls,
        failures=failures,
        seconds=seconds,
        calls_before=1000,
        failures_before=5,
        seconds_before=1.0,
    )


def incident(number: int, opened_at: datetime, hours: float = 2.0, **changed: Any) -> Incident:
    """An incident that costs $600 an hour, and is acknowledged after 10 minutes."""
    cost = Impact(dollars_per_hour=600.0, low=450.0, high=750.0, targets=("model/churn",), reason="")
    given = {
        "id": f"i{number}",
        "target": "model/churn",
        "title": f"Churn drifted <{number}>",
        "state": State.RESOLVED,
        "severity": Severity.ERROR,
        "category": "drift",
        "opened_at": opened_at,
        "resolved_at": opened_at + hours * HOUR,
        "acknowledged_at": opened_at + HOUR / 6,
        "acknowledged_by": "Ada",
        "impact": cost,
    }
    return Incident(**given | changed)


def rows() -> dict[str, list[Any]]:
    """What each query gives, by its name."""
    monday = WEEK.day_since
    groups = ("executive", "technical", "operations", "business")
    daily = [
        row
        for group in groups
        for row in metric("aia_stakeholder_satisfaction_ratio", 0.9, 0.8, f'{{"stakeholder": "{group}"}}')
    ]
    for kind, dollars in (("serving", 2000.0), ("training", 1000.0)):
        daily += metric("aia_cost_dollars", dollars, labels=f'{{"kind": "{kind}"}}')
    for company, share in (("us", 0.4), ("them", 0.6)):
        daily += metric("aia_market_share_ratio", share, labels=f'{{"company": "{company}"}}')
    for state, count in (("active", 500.0), ("lapsed", 100.0), ("new", 50.0)):
        daily += metric("aia_customers", count, labels=f'{{"state": "{state}"}}')
    for method, error in (("forecast", 0.1), ("seasonal_naive", 0.2)):
        daily += metric(
            "aia_forecast_total_error_ratio", error, labels=f'{{"method": "{method}", "source": "all sources"}}'
        )
    daily += [*surveys(), *market_growth(), *cohorts()]
    daily += metric("aia_attributed_revenue_dollars", 9000.0, labels='{"kind": "model"}')
    daily += metric("aia_business_data_issues", 3.0, labels='{"issue": "late", "table": "orders"}')
    for name, value in {
        "aia_customer_churn_ratio": 0.25,
        "aia_customer_lifetime_value_dollars": 120.0,
        "aia_market_rank": 2.0,
        "aia_revenue_difference_cents": 0.0,
        "aia_roi_ratio": 2.0,
    }.items():
        daily += metric(name, value)
    return {
        "revenue_days": [*revenue(), *revenue(now=50.0, usual=50.0, source="<b>market</b>")],
        "forecast_total": [ForecastTotal(made_at=WEEK.day_until, low=3000.0, middle=4000.0, high=5000.0)],
        "forecast_days": [ForecastDay(day=WEEK.day_until + ago * DAY, dollars=140.0) for ago in range(30)],
        "daily_metrics": daily,
        "incidents": [incident(1, monday + 10 * HOUR), incident(2, monday - 3 * DAY, hours=1)],
        "actions": [ActionCount(action="retrain_model", mode="act", requests=3, verified=2, failed=1, refused=0)],
        "models": [
            ModelWeek(
                model="churn",
                window_end=WEEK.until,
                features=5,
                drifted=2,
                names="age, city",
                accuracy=0.85,
                accuracy_low=0.83,
                accuracy_high=0.87,
            ),
            ModelWeek(
                model="fraud",
                window_end=WEEK.until,
                features=4,
                drifted=0,
                names=None,
                accuracy=None,
                accuracy_low=None,
                accuracy_high=None,
            ),
        ],
        "pipelines": [
            PipelineWeek(
                pipeline="etl", runs=10, failed=8, seconds=600.0, runs_before=10, failed_before=1, seconds_before=500.0
            )
        ],
        "stages": [
            StageWeek(pipeline="etl", stage="join", runs=10, seconds=400.0, share=0.8),
            StageWeek(pipeline="etl", stage="load", runs=10, seconds=100.0, share=0.2),
        ],
        "quality": [
            QualityWeek(model="churn", issue="missing", windows=2, of=7),
            QualityWeek(model="fraud", issue="missing", windows=0, of=7),
        ],
        "losses": [],
        "cost_days": cost_days(),
        "cost_anomalies": [
            CostAnomaly(dimension="service", item="Vertex AI", judged=7, days=0, dollars=0.0),
            CostAnomaly(dimension="model", item="churn", judged=7, days=0, dollars=0.0),
        ],
        "recommendations": [
            recommendation("churn", "open", 300.0),
            recommendation("fraud", "open", None),
            recommendation("old", "done", 100.0, saved=42.0),
        ],
        "model_returns": [
            model_return("churn", 0.5, 0.8),
            model_return("fraud", None, None, reason="no cost is known of it"),
        ],
        "revenue_parts": [
            RevenuePart(dimension="country", value="DE", dollars=120.0, dollars_before=100.0),
            RevenuePart(dimension="country", value="FR", dollars=30.0, dollars_before=0.0),
            RevenuePart(dimension="source", value="shop", dollars=150.0, dollars_before=100.0),
        ],
        "partners": [partner("bank", 1000, 5), partner("post", 10, 0, None)],
    }


def reading(query: Query, given: Sequence[Any], problem: str = "") -> Reading:  # type: ignore[type-arg]  # of any row
    record = QueryRecord(
        name=query.name,
        title=query.title,
        source=query.source,
        text=f"SELECT 1 < 2 -- {query.name}",
        parameters={"since": "2026-11-16T00:00:00+00:00"},
        read_at=MADE_AT,
        complete_until=WEEK.until,
        rows=len(given),
        problem=problem,
    )
    return Reading(record=record, rows=tuple(given))


def facts(week: Week = WEEK, problems: Mapping[str, str] | None = None, **changed: Sequence[Any]) -> Facts:
    """The facts of a week; of some queries other rows, or a problem instead."""
    given = rows() | changed
    readings = {
        query.name: reading(
            query, [] if query.name in (problems or {}) else given[query.name], (problems or {}).get(query.name, "")
        )
        for query in queries.QUERIES
    }
    return Facts(
        week=week, readings=readings, floors=FLOORS, models=("churn", "fraud", "silent"), company="us", partners=(BANK,)
    )


def report(name: str = "executive", **changed: Any) -> Report:
    """A report of every kind of section."""
    return compose(REPORTS[name], facts(**changed), made_at=MADE_AT)


def section(made: Report, name: str) -> SectionDocument:
    return next(one for one in made.sections if one.name == name)


def said(made: Report, name: str) -> list[str]:
    return [statement.text for statement in section(made, name).statements]


def cells(made: Report, name: str, table: int = 0) -> list[list[str]]:
    return [
        [cell if isinstance(cell, str) else cell.text for cell in row] for row in section(made, name).tables[table].rows
    ]
