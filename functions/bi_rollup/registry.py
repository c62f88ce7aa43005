"""The registry of rollups, in the order in which they depend on each other."""

from functions.bi_rollup import (
    actions,
    answers,
    costs,
    customers,
    daily_metrics,
    dimensions,
    forecasts,
    losses,
    market,
    model_roi,
    recommendations,
    reconciliation,
    revenue,
    roi,
    satisfaction,
    table_scans,
    usual_revenue,
)
from functions.bi_rollup.local_days import by_local_day

_MEASURES = (
    revenue.JOB,
    reconciliation.JOB,
    usual_revenue.JOB,
    losses.JOB,
    by_local_day(forecasts.JOB),
    by_local_day(customers.JOB),
    by_local_day(dimensions.JOB),
    costs.JOB,
    by_local_day(model_roi.JOB),
    by_local_day(market.JOB),
    roi.JOB,
    table_scans.JOB,
    recommendations.JOB,
)
_SATISFACTION = satisfaction.job(_MEASURES)
_RECORDED = (*_MEASURES, actions.JOB, answers.JOB, _SATISFACTION)
ROLLUPS = (*_RECORDED, daily_metrics.job(_RECORDED))
"""Revenue and its reconciliation first: the others read its mart. Daily metrics last: they are those of the others."""
