"""Revenue by dimension, one at a time: source, model, version, arm, device, country and currency; daily, up to midnight."""

from dataclasses import dataclass
from datetime import datetime

from functions.bi_rollup import marts
from functions.bi_rollup.order_parts import dimensions
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob, has_orders
from functions.bi_rollup.spans import DAY, HOUR

MART = marts.Mart(table="marts.revenue_by_dimension_daily", statement="write_revenue_by_dimension", step=DAY)
ARMS_MART = marts.Mart(table="marts.customer_arm_days", statement="write_customer_arm_days", step=DAY)
WINDOW = 30 * DAY
MOST = 10
"""Values of a dimension with metrics of their own; the rest is one more, `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionRevenue:
    """Net revenue and payments of one value of a dimension."""

    dimension: str
    value: str
    dollars: float
    payments: int


REVENUE_BY_DIMENSION = Query("revenue_by_dimension", DimensionRevenue)


def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Materialize the marts up to a local midnight, and sum up the last 30 days."""
    orders, zone = outside.orders, outside.settings.business.time_zone
    complete = {
        mart.table: marts.materialize(mart, outside.tables, due, previous, late=orders.late, zone=zone)
        for mart in written(outside)
    }
    reached = min(complete.values())
    if reached < due:
        return RollupResult(due=reached, complete_until=complete)
    marked = len(dimensions(orders)) > 1
    rows = outside.tables.read(REVENUE_BY_DIMENSION, since=due - WINDOW, until=due, most=MOST) if marked else []
    metrics = [
        MetricValue("aia_revenue_by_dimension_dollars", row.dollars, {"dimension": row.dimension, "member": row.value})
        for row in rows
    ]
    return RollupResult(due=due, metrics=tuple(metrics), complete_until=complete)


def written(outside: Outside) -> tuple[marts.Mart, ...]:
    """The marts that these settings have."""
    return (MART, ARMS_MART) if outside.orders.arm else (MART,)


JOB = RollupJob(name="dimensions", every=DAY, max_age=DAY + HOUR, enabled=has_orders, run=run)
