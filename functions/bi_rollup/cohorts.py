"""Cohorts of customers: the mart, the retention curve, and the size and revenue of each."""

from collections.abc import Iterator
from datetime import datetime

from core.business.cohorts import CohortMonth, cohorts, retention_curve
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue

MART = "marts.customer_cohorts"
COHORT_MONTHS = Query("cohort_months", CohortMonth)
SHOWN = 12
"""Newest cohorts with metrics, and months of the retention curve."""


def cohort_metrics(tables: Tables, until: datetime) -> Iterator[MetricValue]:
    """Rebuild the mart up to a local midnight, and read the metrics from it."""
    tables.write("write_customer_cohorts", until=until)
    rows = tables.read(COHORT_MONTHS, since=_months_before(until, SHOWN))
    for months, ratio in retention_curve(rows).items():
        yield MetricValue("aia_customer_retention_ratio", ratio, {"months": f"{months:02}"})
    for month, cohort in cohorts(rows).items():
        labels = {"cohort": f"{month:%Y-%m}"}
        yield MetricValue("aia_cohort_customers", float(cohort.customers), labels)
        yield MetricValue("aia_cohort_revenue_dollars", cohort.dollars, labels)


def _months_before(at: datetime, months: int) -> datetime:
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=years, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
