"""The document of a report: what it says, as data. Each rendering shows the numbers by their `text`, so that none differs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from core.detection import Outcome
from core.text import days, number

NOT_KNOWN = "not known"
_POINT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with what it is made of.

    Attributes:
        value: None or NaN where it is not known.
        unit: as of `core.text.number`: `dollars`, `ratio`, `seconds`, another word, or empty; `points` for the difference of two
            ratios.
        query: the name of the query that it is from.
        low, high: its interval, where it has one.
        basis: how it is computed, in one sentence.
        at: the instant that it is about, where that is another one than until which its table is complete.
        change: whether it is a difference, which is shown with its sign.
        reason: why it is not known.
    """

    value: float | None
    unit: str = ""
    query: str
    low: float | None = None
    high: float | None = None
    basis: str = ""
    at: datetime | None = None
    change: bool = False
    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None and math.isfinite(self.value)

    @property
    def text(self) -> str:
        """The number as every rendering shows it.

        >>> Number(value=0.05, unit="ratio", query="q", change=True).text, Number(value=None, query="q").text
        ('+5%', 'not known')
        >>> Number(value=1200.0, unit="dollars", query="q", low=900.0, high=1500.0).text
        '$1,200 ($900 to $1,500)'
        """
        if self.value is None or not self.is_known:
            return NOT_KNOWN
        plus = "+" if self.change and self.value > 0 else ""
        interval = f" ({self.interval})" if self.interval else ""
        return plus + amount(self.value, self.unit) + interval

    @property
    def interval(self) -> str:
        """Its interval as text; empty without one."""
        if self.low is None or self.high is None:
            return ""
        return f"{amount(self.low, self.unit)} to {amount(self.high, self.unit)}"


def amount(value: float, unit: str) -> str:
    """An amount with its unit."""
    size = abs(value)
    shown = _points(size) if unit == "points" else number(size, unit)
    return f"-{shown}" if value < 0 and any(digit in shown for digit in "123456789") else shown


Part = str | Number
"""A piece of a sentence, or a cell of a table."""


def _points(size: float) -> str:
    return f"{100 * size:.1f} points" if size >= _POINT else f"{100 * size:.2g} points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence about a number.

    Attributes:
        parts: its words and numbers, in order; together they are a sentence.
        outcome: good, bad or not known; None where it is neither.
        effect: how large the difference is that it states, in the largest one that is usual: from 1 on it is significant, and
            may be a headline.
    """

    parts: tuple[Part, ...]
    outcome: Outcome | None = None
    effect: float = 0.0

    @property
    def text(self) -> str:
        """The sentence."""
        return sentence(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number for the first look, with its change.

    Attributes:
        name: of what it is.
        number: the number.
        note: one short line below it.
        outcome: good, bad or not known; None where it is neither.
    """

    name: str
    number: Number
    note: tuple[Part, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        title: what it shows.
        columns: their heads.
        rows: of a cell a column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The values of a chart, one a label; None where there is none, and a band around them where they have one."""

    name: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as data.

    Attributes:
        title: what it shows, with its unit and period.
        kind: `line` over time, or `bars`, one a label.
        unit: of the values, as of `Number`.
        labels: days as `2026-11-23`, or names.
        series: in the order of their colours.
        query: the name of the query that the values are from.
    """

    title: str
    kind: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionDocument:
    """A section.

    Attributes:
        name: in the registry.
        title: for people.
        statements: what it says, the most important first.
        figures: for the first look.
        tables, charts: below.
        notes: how its numbers are to be read.
        unknown: what is not known, one line each with the reason.
    """

    name: str
    title: str
    statements: tuple[Statement, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord:
    """A query as it was run.

    Attributes:
        name: the numbers refer to it.
        title: what it reads.
        source: `BigQuery` or `Firestore`.
        text: the statement, or which documents were read.
        parameters: as text, by name.
        read_at: when it was run.
        complete_until: up to when its table is complete; None where that is not kept: then it is as it was read.
        rows: how many it gave.
        problem: why it gave none; empty where it did.
    """

    name: str
    title: str
    source: str
    text: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    read_at: datetime
    complete_until: datetime | None = None
    rows: int = 0
    problem: str = ""

    @property
    def date(self) -> datetime:
        """The instant of its numbers."""
        return self.complete_until or self.read_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of a week.

    Attributes:
        name: in the registry, as in `executive`.
        title: for people.
        week: as in `2026-W47`.
        first, last: its days.
        since, until: its instants.
        time_zone: whose days they are.
        made_at: when the report was made.
        headlines: what differs from what is usual, the largest first.
        sections: in order.
        queries: every query of a number.
        late: tables that were not complete for the week when it was made, one line each.
    """

    name: str
    title: str
    week: str
    first: date
    last: date
    since: datetime
    until: datetime
    time_zone: str
    made_at: datetime
    headlines: tuple[Statement, ...]
    sections: tuple[SectionDocument, ...]
    queries: tuple[QueryRecord, ...]
    late: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of all sections."""
        return tuple(figure for section in self.sections for figure in section.figures)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What is not known, in all sections."""
        return tuple(f"{section.title}: {line}" for section in self.sections for line in section.unknown)

    @property
    def period(self) -> str:
        """Its days, as in `2026-11-16 to 2026-11-22`."""
        return days(self.first, self.last)


def sentence(parts: tuple[Part, ...]) -> str:
    """Words and numbers as text."""
    return "".join(part if isinstance(part, str) else part.text for part in parts)
