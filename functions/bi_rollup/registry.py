"""The registry of rollups, in the order in which they depend on each other."""

from functions.bi_rollup import customers, daily_metrics, forecasts, market, revenue, roi, satisfaction

_MEASURES = (revenue.JOB, forecasts.JOB, customers.JOB, market.JOB, roi.JOB)
_SATISFACTION = satisfaction.job(_MEASURES)
ROLLUPS = (*_MEASURES, _SATISFACTION, daily_metrics.job((*_MEASURES, _SATISFACTION)))
"""Revenue first: the others read its mart. Daily metrics last: they are those of the others."""
