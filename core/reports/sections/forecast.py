"""The forecast of the revenue of 30 days, and how accurate such forecasts were."""

from datetime import timedelta

from core.reports.daily import Daily
from core.reports.document import Chart, Figure, Number, SectionDocument, Series, Statement, Table
from core.reports.queries import DAILY_METRICS, FORECAST_DAYS, FORECAST_TOTAL, REVENUE_DAYS
from core.reports.section import Facts, Section, relative
from core.text import day

HORIZON = 30
"""Days."""
_SHOWN = 28
"""Days of the past in the chart."""
_DAY = timedelta(days=1)
_ALL = "all sources"
_OVER = "Over the forecasts of 30 days that ended in the last 90 days, as they were stored."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    made = facts.rows(FORECAST_TOTAL)[0]
    total = Number(
        value=made.middle,
        low=made.low,
        high=made.high,
        unit="dollars",
        query=FORECAST_TOTAL.name,
        at=made.made_at,
        basis="Forecast of the total of 30 days, with its own 90% prediction interval.",
    )
    past = sum(row.dollars for row in facts.rows(REVENUE_DAYS) if -HORIZON * _DAY <= row.day - made.made_at < 0 * _DAY)
    before = Number(
        value=past if facts.rows(REVENUE_DAYS) else None,
        unit="dollars",
        query=REVENUE_DAYS.name,
        basis="Revenue of the 30 days before the forecast.",
        reason=facts.problem(REVENUE_DAYS),
    )
    change = relative(made.middle, past, REVENUE_DAYS, "the 30 days before")
    said = Statement(
        parts=(
            "The forecast for the 30 days from ",
            day(made.made_at),
            " on is ",
            total,
            "; revenue of the 30 days before was ",
            before,
            ".",
        )
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said, _accuracy(facts)),
        figures=(Figure(name="Forecast, next 30 days", number=total, note=(change, " on the 30 days before")),),
        tables=(_table(facts),),
        charts=_charts(facts),
        unknown=tuple(filter(None, [_unknown(facts)])),
    )


SECTION = Section(
    name="forecast",
    title="Forecast",
    reads=(FORECAST_TOTAL,),
    also=(FORECAST_DAYS, REVENUE_DAYS, DAILY_METRICS),
    write=write,
)


def _error(facts: Facts, method: str) -> Number:
    basis = f"Sum of the absolute errors as a share of the sum of the totals. {_OVER}"
    return Daily(facts).trend("aia_forecast_total_error_ratio", "ratio", basis, method=method, source=_ALL).now


def _coverage(facts: Facts) -> Number:
    basis = f"Share of the totals within their 90% interval. {_OVER}"
    return Daily(facts).trend("aia_forecast_total_coverage_ratio", "ratio", basis, source=_ALL).now


def _totals(facts: Facts) -> Number:
    return (
        Daily(facts)
        .trend("aia_forecast_totals", "", f"Number of totals; most of them overlap. {_OVER}", source=_ALL)
        .now
    )


def _accuracy(facts: Facts) -> Statement:
    return Statement(
        parts=(
            "Past forecasts of 30 days were off by ",
            _error(facts, "forecast"),
            "; repeating the last week would have been off by ",
            _error(facts, "seasonal_naive"),
            ".",
        )
    )


def _unknown(facts: Facts) -> str:
    error = _error(facts, "forecast")
    return "" if error.is_known else f"the accuracy of past forecasts: {error.reason}"


def _table(facts: Facts) -> Table:
    return Table(
        title="Accuracy of forecasts of 30 days, last 90 days",
        columns=("Measure", "Value"),
        rows=(
            ("Error of the forecasts", _error(facts, "forecast")),
            ("Error of the seasonal naive forecast", _error(facts, "seasonal_naive")),
            ("Totals within the 90% interval", _coverage(facts)),
            ("Totals compared", _totals(facts)),
        ),
    )


def _charts(facts: Facts) -> tuple[Chart, ...]:
    """The days before the forecast, and those that it forecasts."""
    ahead = {row.day: row.dollars for row in facts.rows(FORECAST_DAYS)}
    if not ahead:
        return ()
    past: dict[object, float] = {}
    for row in facts.rows(REVENUE_DAYS):
        past[row.day] = past.get(row.day, 0.0) + row.dollars
    first = min(ahead)
    days = [first + number * _DAY for number in range(-_SHOWN, HORIZON)]
    return (
        Chart(
            title="Revenue by day and its forecast, all sources ($)",
            kind="line",
            unit="dollars",
            labels=tuple(day(one) for one in days),
            series=(
                Series(
                    name="Revenue", values=tuple(past.get(day, 0.0) if day < first and past else None for day in days)
                ),
                Series(name="Forecast", values=tuple(ahead.get(day) for day in days)),
            ),
            query=FORECAST_DAYS.name,
        ),
    )
