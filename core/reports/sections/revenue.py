"""Revenue of the week, against what was expected before it and against the week before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from core.business.checks import EstimateError, Floats
from core.business.forecast import Forecast, Interval, forecast
from core.detection import Outcome
from core.reports.changes import beyond_interval
from core.reports.daily import CHART_DAYS
from core.reports.document import Chart, Figure, Number, Part, SectionDocument, Series, Statement, Table
from core.reports.queries import REVENUE_DAYS
from core.reports.section import Facts, Section, relative

ALL = "All sources"
MOST_SOURCES = 8
"""Sources with a row of their own; the rest is one more."""
_REST = "other sources"
_WEEK = 7
_BASIS = "Sum over the days of the week, net of refunds, each order once."
_NOTE = (
    "Expected revenue is the forecast for the whole week from the days before it. A difference within its 90%"
    " prediction interval is no headline."
)
_EXPECTED = "Forecast of the week's total, from the days before the week alone, with its 90% prediction interval."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A source or all of them, by day up to the end of the week; with the forecast of the week, where there is one."""

    name: str
    days: Floats
    expected: Forecast | None

    @property
    def week(self) -> float:
        return float(self.days[-_WEEK:].sum())

    @property
    def before(self) -> float:
        return float(self.days[-2 * _WEEK : -_WEEK].sum())


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    by_source = _by_source(facts)
    total = np.sum(list(by_source.values()), axis=0)
    if not any(facts.week.day_since <= row.day for row in facts.rows(REVENUE_DAYS)):
        reason = "marts.revenue_hourly has no order in this week: a feed that has stopped looks the same as a week without orders"
        return SectionDocument(name="", title="", unknown=(reason,))
    monday = facts.week.monday
    line = _line(ALL, total, monday)
    lines = [_line(name, days, monday) for name, days in _largest(by_source).items()]
    others = [statement for one in lines if len(lines) > 1 and (statement := _statement(one)).effect >= 1]
    return SectionDocument(
        name="",
        title="",
        statements=(_statement(line), *others),
        figures=(
            Figure(
                name="Revenue", number=_week(line), note=(_change(line), " on the week before"), outcome=_outcome(line)
            ),
        ),
        tables=(_table([line, *lines] if len(lines) > 1 else [line]),),
        charts=(_chart(line, monday),),
        notes=(_NOTE,),
    )


SECTION = Section(name="revenue", title="Revenue", reads=(REVENUE_DAYS,), write=write)


def _by_source(facts: Facts) -> dict[str, Floats]:
    """Revenue by day up to the end of the week, from the first day of any source on; a day without an order has none."""
    rows = [row for row in facts.rows(REVENUE_DAYS) if row.day < facts.week.day_until]
    if not rows:
        return {ALL: np.zeros(2 * _WEEK)}
    size = max((facts.week.day_until - min(row.day for row in rows)).days, 2 * _WEEK)
    days = {source: np.zeros(size) for source in sorted({row.source for row in rows})}
    for row in rows:
        days[row.source][size - (facts.week.day_until - row.day).days] += row.dollars
    return days


def _largest(by_source: dict[str, Floats]) -> dict[str, Floats]:
    """The sources with the highest revenue in the two weeks, and the rest as one."""
    names = sorted(by_source, key=lambda name: -float(by_source[name][-2 * _WEEK :].sum()))
    shown = {name: by_source[name] for name in names[:MOST_SOURCES]}
    rest = [by_source[name] for name in names[MOST_SOURCES:]]
    return shown | ({_REST: np.sum(rest, axis=0)} if rest else {})


def _line(name: str, days: Floats, monday: date) -> _Line:
    try:
        made = forecast(days[:-_WEEK], horizon=_WEEK, today=monday)
    except EstimateError:
        made = None
    return _Line(name=name, days=days, expected=made if made and made.total.low is not None else None)


def _week(line: _Line) -> Number:
    return Number(value=line.week, unit="dollars", query=REVENUE_DAYS.name, basis=_BASIS)


def _before(line: _Line) -> Number:
    return Number(value=line.before, unit="dollars", query=REVENUE_DAYS.name, basis=_BASIS)


def _change(line: _Line) -> Number:
    return relative(line.week, line.before, REVENUE_DAYS, "the week before")


def _expected(line: _Line) -> Number:
    total = line.expected.total if line.expected else Interval(low=None, middle=None, high=None)
    return Number(
        value=total.middle,
        low=total.low,
        high=total.high,
        unit="dollars",
        query=REVENUE_DAYS.name,
        basis=_EXPECTED,
        reason="too few days before the week for a forecast with an interval",
    )


def _effect(line: _Line) -> float:
    expected = _expected(line)
    if expected.value is None or expected.low is None or expected.high is None:
        return 0.0
    return beyond_interval(line.week, expected.low, expected.value, expected.high)


def _outcome(line: _Line) -> Outcome | None:
    """Bad below the interval of what was expected; within it or above it is good."""
    expected = _expected(line)
    if expected.low is None:
        return Outcome.NOT_KNOWN
    return Outcome.of(bad=line.week < expected.low)


def _statement(line: _Line) -> Statement:
    expected = _expected(line)
    name = "Revenue" if line.name == ALL else f"Revenue of {line.name}"
    start: tuple[Part, ...] = (f"{name} was ", _week(line), ", ")
    change: tuple[Part, ...] = (_change(line), " on the week before (", _before(line), ").")
    if not expected.is_known or not expected.value:
        return Statement(parts=(*start, *change, " The expected revenue is ", expected, "."), outcome=Outcome.NOT_KNOWN)
    off = relative(line.week, expected.value, REVENUE_DAYS, "what was expected")
    within = "within" if _effect(line) < 1 else "outside"
    return Statement(
        parts=(
            *start,
            *change,
            " The expected revenue was ",
            expected,
            "; the difference of ",
            off,
            f" is {within} the interval.",
        ),
        outcome=_outcome(line),
        effect=_effect(line),
    )


def _table(lines: Sequence[_Line]) -> Table:
    return Table(
        title="Revenue by source",
        columns=("Source", "Week", "Expected (90% interval)", "Week before", "Change"),
        rows=tuple((line.name, _week(line), _expected(line), _before(line), _change(line)) for line in lines),
    )


def _chart(line: _Line, monday: date) -> Chart:
    shown = min(CHART_DAYS, line.days.size)
    days = [monday + timedelta(days=_WEEK - ago) for ago in range(shown, 0, -1)]
    series = [Series(name="Revenue", values=tuple(float(value) for value in line.days[-shown:]))]
    if line.expected:
        empty = (None,) * (shown - _WEEK)
        made = line.expected
        mean, low, high = ((*empty, *map(float, of)) for of in (made.mean, made.low, made.high))
        series.append(Series(name="Expected, with its 90% interval", values=mean, low=low, high=high))
    return Chart(
        title="Revenue by day, all sources ($)",
        kind="line",
        unit="dollars",
        labels=tuple(day.isoformat() for day in days),
        series=tuple(series),
        query=REVENUE_DAYS.name,
    )
