"""A section of reports: what it reads, and what it says of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.reports.document import Number, QueryRecord, SectionDocument
from core.reports.queries import FIRESTORE, Query, Row
from core.reports.weeks import Week
from core.settings import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a query gave.

    Attributes:
        record: the query as it was run; its `problem` says why it gave nothing.
        rows: in the order of the statement.
    """

    record: QueryRecord
    rows: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What sections are written from.

    Attributes:
        week: of the report.
        readings: by the name of the query.
        floors: the accuracy below which a model is reported, by model.
        models: the models that are monitored.
        company: ours in the market, or empty.
        partners: of the settings.
    """

    week: Week
    readings: Mapping[str, Reading]
    floors: Mapping[str, float] = field(default_factory=dict)
    models: Sequence[str] = ()
    company: str = ""
    partners: Sequence[Partner] = ()

    def rows(self, query: Query[Row]) -> tuple[Row, ...]:
        """The rows of a query; none where it was not run or gave none."""
        reading = self.readings.get(query.name)
        return reading.rows if reading else ()

    def problem(self, query: Query[Row]) -> str:
        """Why a query gave no rows; empty where it gave some."""
        reading = self.readings.get(query.name)
        if reading is None:
            return f"{query.table} was not read"
        may_be_empty = query.source == FIRESTORE
        return reading.record.problem or (
            "" if reading.rows or may_be_empty else f"{query.table} has no rows for this week"
        )

    def date(self, query: Query[Row]) -> datetime | None:
        """The instant of the numbers of a query."""
        reading = self.readings.get(query.name)
        return reading.record.date if reading else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section.

    Attributes:
        name: in the registry.
        title: for people.
        reads: the queries that it needs; where one of them gives nothing, the section says why, and nothing else.
        also: queries that it uses where they give something.
        write: what it says.
    """

    name: str
    title: str
    reads: tuple[Query[Any], ...]
    also: tuple[Query[Any], ...] = ()
    write: Callable[[Facts], SectionDocument]


def relative(now: float, before: float, query: Query[Row], against: str) -> Number:
    """A change as a share of what was before.

    Args:
        now: the new value.
        before: the old one.
        query: that both are from.
        against: what the old one is, for the basis.
    """
    basis = f"Change against {against}, as a share of it."
    if before <= 0:
        return Number(value=None, unit="ratio", query=query.name, change=True, reason=f"{against} is not above 0")
    return Number(value=(now - before) / before, unit="ratio", query=query.name, change=True, basis=basis)
