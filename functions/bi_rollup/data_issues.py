"""Data-quality issues of input tables: invalid rows are left out and counted, and do not fail a rollup."""

import logging
from collections.abc import Iterator, Mapping

from functions.adapters.logs import fields
from functions.bi_rollup.result import MetricValue

log = logging.getLogger(__name__)
_READ = ("orders", "spending", "market", "billing", "models")
MESSAGES = {
    ("orders", "unknown"): "orders left out: unknown outcome, or no valid amount",
    ("orders", "no_rate"): "orders left out: no exchange rate of their currency is known for their day",
    ("orders", "test"): "test orders: they are no revenue",
    ("orders", "missing_id"): "orders without an id: a duplicate delivery counts twice",
    ("orders", "late"): "orders later than `business.orders.late`, or changed after it: their days are booked again",
    ("orders", "other_sources"): "sources without metrics of their own: they are summed up as `other`",
    ("market", "missing_amount"): "sales left out: no valid amount",
    ("market", "missing_id"): "sales without an id: a duplicate delivery counts twice",
    ("market", "invalid_company"): "companies left out: their sales are unknown or negative",
    ("answers", "invalid"): "answers left out: unknown group or question, or a score out of its range",
    ("spending", "missing_amount"): "amounts left out: not valid",
    ("spending", "invalid_kind"): "kinds left out: their spend is unknown",
    ("billing", "late"): "complete days without a row of the billing export: costs are those of the days before",
    ("billing", "missing_amount"): "charges left out: no valid amount",
    ("recommender", "unavailable"): "projects whose recommendations of Google are not known: those known before stay",
    ("billing", "invalid_rate"): "charges left out of dollars: no valid conversion rate",
    **{
        (name, "unpartitioned"): "table read whole by every statement: it is not partitioned by its column of time"
        for name in _READ
    },
}
"""Log messages by table (a section of `business` in the settings, or `answers`) and issue."""


def data_issues(table: str, counts: Mapping[str, int]) -> Iterator[MetricValue]:
    """The number of rows by issue, logged and as metric values.

    Args:
        table: the input table.
        counts: rows by issue.
    """
    for issue, count in counts.items():
        if count:
            log.warning(MESSAGES[table, issue], extra=fields(count=count))
        yield MetricValue("aia_business_data_issues", float(count), {"table": table, "issue": issue})
