"""Metrics of `marts.daily_metrics`: their value at the end of the week, and what changed since the end of the week before."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from core.reports.changes import beyond_usual
from core.reports.document import Number, Series
from core.reports.queries import DAILY_METRICS
from core.reports.rows import DailyMetric
from core.reports.section import Facts
from core.reports.weeks import Week
from core.text import day

NAMES = (
    "aia_action_saved_seconds",
    "aia_attributed_revenue_dollars",
    "aia_business_data_issues",
    "aia_cohort_customers",
    "aia_cohort_revenue_dollars",
    "aia_cost_dollars",
    "aia_csat_ratio",
    "aia_customer_churn_ratio",
    "aia_customer_lifetime_value_dollars",
    "aia_customer_retention_ratio",
    "aia_customers",
    "aia_forecast_total_coverage_ratio",
    "aia_forecast_total_error_ratio",
    "aia_forecast_totals",
    "aia_market_growth_ratio",
    "aia_market_period_timestamp_seconds",
    "aia_market_rank",
    "aia_market_share_ratio",
    "aia_net_promoter_score",
    "aia_revenue_difference_cents",
    "aia_roi_ratio",
    "aia_stakeholder_satisfaction_ratio",
    "aia_survey_answers",
)
"""The metrics that sections use."""
CHART_DAYS = 56
_DAY = timedelta(days=1)
_WEEK = 7 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A metric at the end of the week.

    Attributes:
        now: its newest value in the week or at its end.
        before: its value a week before; not known where there is none.
        change: the difference.
        effect: of the difference, in the largest usual one of the weeks before.
    """

    now: Number
    before: Number
    change: Number
    effect: float


class Daily:
    """The daily metrics of a report.

    Args:
        facts: with the reading of `DAILY_METRICS`.
    """

    def __init__(self, facts: Facts) -> None:
        self._week = facts.week
        self._rows = facts.rows(DAILY_METRICS)

    @cached_property
    def _series(self) -> Mapping[tuple[str, str], Mapping[datetime, DailyMetric]]:
        found: dict[tuple[str, str], dict[datetime, DailyMetric]] = {}
        for row in self._rows:
            found.setdefault((row.name, row.labels), {})[row.day] = row
        return found

    def labelled(self, name: str, label: str) -> list[str]:
        """The values of a label with which a metric has a value in the week, sorted."""
        found = (
            json.loads(labels).get(label)
            for (metric, labels), days in self._series.items()
            if metric == name and _newest(days, self._week) is not None
        )
        return sorted({value for value in found if value is not None})

    def trend(self, name: str, unit: str, basis: str, **labels: str) -> Trend:
        """A metric with its change.

        Args:
            name: of the metric.
            unit: as of `Number`.
            basis: how it is computed.
            labels: exactly those of the series.
        """
        return self._trend(self._days(name, labels), name, unit, basis)

    def trend_of_sum(self, name: str, unit: str, basis: str) -> Trend:
        """The sum of all series of a metric, as `trend`: one without a value on a day on which others have one is 0 then."""
        return self._trend(self._sums(name), name, unit, basis)

    def _trend(self, days: Mapping[datetime, DailyMetric], name: str, unit: str, basis: str) -> Trend:
        row = _newest(days, self._week)
        earlier = days.get(row.day - _WEEK) if row else None
        change, effect = None, 0.0
        if row and earlier:
            change = row.value - earlier.value
            past = [one.value if (one := days.get(row.day - ago * _DAY)) else None for ago in range(CHART_DAYS, 0, -1)]
            effect = beyond_usual(change, past)
        absent = f"marts.daily_metrics has no {name} for this week"
        return Trend(
            now=_number(row, unit, basis, absent),
            before=_number(earlier, unit, basis, f"marts.daily_metrics has no {name} of a week before"),
            change=Number(
                value=change,
                unit="points" if unit == "ratio" else unit,
                query=DAILY_METRICS.name,
                change=True,
                basis="Change within seven days.",
                at=row.measured_at if row else None,
                reason="one of the two values is not known",
            ),
            effect=effect,
        )

    def bounded(self, name: str, unit: str, basis: str, **labels: str) -> tuple[Number, Number]:
        """A metric whose interval is in the label `bound`: at the end of the week, and a week before."""
        trends = {bound: self.trend(name, unit, basis, **labels, bound=bound) for bound in ("low", "middle", "high")}
        low, middle, high = trends.values()
        return (
            replace(middle.now, low=low.now.value, high=high.now.value),
            replace(middle.before, low=low.before.value, high=high.before.value),
        )

    def line(self, title: str, name: str, **labels: str) -> Series:
        """A metric over the last weeks, as the series of a chart with the labels of `chart_days`."""
        return self._line(title, self._days(name, labels))

    def line_of_sum(self, title: str, name: str) -> Series:
        """The sum of all series of a metric, as `line`."""
        return self._line(title, self._sums(name))

    def _line(self, title: str, days: Mapping[datetime, DailyMetric]) -> Series:
        return Series(
            name=title, values=tuple(row.value if (row := days.get(day)) else None for day in chart_days(self._week))
        )

    def _sums(self, name: str) -> Mapping[datetime, DailyMetric]:
        """The sum of all series of a metric by day."""
        rows: dict[datetime, list[DailyMetric]] = {}
        for (metric, _), days in self._series.items():
            for at, row in days.items() if metric == name else ():
                rows.setdefault(at, []).append(row)
        return {day: replace(found[0], value=math.fsum(row.value for row in found)) for day, found in rows.items()}

    def _days(self, name: str, labels: Mapping[str, str]) -> Mapping[datetime, DailyMetric]:
        return self._series.get((name, json.dumps(labels, sort_keys=True)), {})


def chart_days(week: Week) -> list[datetime]:
    """The days of a chart of daily values, up to the end of the week: of metrics, the day after it is the newest."""
    return [week.midnight - ago * _DAY for ago in range(CHART_DAYS - 1, -1, -1)]


def chart_labels(week: Week) -> tuple[str, ...]:
    """The days of `chart_days` as labels."""
    return tuple(day(one) for one in chart_days(week))


def _newest(days: Mapping[datetime, DailyMetric], week: Week) -> DailyMetric | None:
    """The newest row that tells of the week: of the days after its first one, up to the one after its last one."""
    last = week.midnight
    within = [day for day in days if last - _WEEK < day <= last]
    return days[max(within)] if within else None


def _number(row: DailyMetric | None, unit: str, basis: str, absent: str) -> Number:
    if row is None:
        return Number(value=None, unit=unit, query=DAILY_METRICS.name, basis=basis, reason=absent)
    return Number(value=row.value, unit=unit, query=DAILY_METRICS.name, basis=basis, at=row.measured_at)
