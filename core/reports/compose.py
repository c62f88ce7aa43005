"""The document of a report, from what its queries gave."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from core.detection import Outcome
from core.reports.document import Report, SectionDocument, Statement
from core.reports.registry import ReportKind
from core.reports.section import Facts, Section

MOST_HEADLINES = 5


def compose(kind: ReportKind, facts: Facts, *, made_at: datetime, late: Sequence[str] = ()) -> Report:
    """The report of a week.

    Args:
        kind: which one.
        facts: what its queries gave.
        made_at: now.
        late: tables that are not complete for the week, one line each.
    """
    sections = tuple(_section(section, facts) for section in kind.sections)
    week = facts.week
    return Report(
        name=kind.name,
        title=kind.title,
        week=week.name,
        first=week.monday,
        last=week.sunday,
        since=week.since,
        until=week.until,
        time_zone=week.zone,
        made_at=made_at,
        headlines=headlines(sections),
        sections=sections,
        queries=tuple(reading.record for reading in facts.readings.values()),
        late=tuple(late),
    )


def headlines(sections: Iterable[SectionDocument]) -> tuple[Statement, ...]:
    """The significant statements, the largest effect first; of equal ones, the bad first."""
    significant = [one for section in sections for one in section.statements if one.effect >= 1]
    ordered = sorted(significant, key=lambda one: (-one.effect, one.outcome is not Outcome.BAD))
    return tuple(ordered[:MOST_HEADLINES])


def _section(section: Section, facts: Facts) -> SectionDocument:
    missing = tuple(problem for query in section.reads if (problem := facts.problem(query)))
    content = SectionDocument(name="", title="", unknown=missing) if missing else section.write(facts)
    return replace(content, name=section.name, title=section.title)
