"""Net revenue of the week by dimension: model, version, arm, device, country and currency."""

from collections import defaultdict

from core.reports.document import Number, Part, SectionDocument, Table
from core.reports.queries import REVENUE_PARTS
from core.reports.rows import RevenuePart
from core.reports.section import Facts, Section, relative
from core.text import clean

MOST_SHOWN = 3
"""Values of each dimension, the largest ones."""
_NAME = 60
_BASIS = "Sales less discounts and refunds, without tax, in the reporting currency."
_IN_REVENUE = "source"
"""The section about revenue has it."""


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    by_dimension: dict[str, list[RevenuePart]] = defaultdict(list)
    for row in facts.rows(REVENUE_PARTS):
        if row.dimension != _IN_REVENUE and (row.dollars or row.dollars_before):
            by_dimension[row.dimension].append(row)
    rows = tuple(
        _row(part)
        for parts in by_dimension.values()
        for part in sorted(parts, key=lambda part: (-part.dollars, part.value))[:MOST_SHOWN]
    )
    if not rows:
        return SectionDocument(
            name="", title="", unknown=("the settings name no dimension of the orders but their source",)
        )
    if not any(row.dollars for row in facts.rows(REVENUE_PARTS)):
        return SectionDocument(name="", title="", unknown=(f"{REVENUE_PARTS.table} has no revenue in this week",))
    return SectionDocument(
        name="",
        title="",
        tables=(
            Table(
                title=f"Net revenue, the {MOST_SHOWN} largest of each",
                columns=("By", "Name", "This week", "Week before", "Change"),
                rows=rows,
            ),
        ),
        notes=(_BASIS,),
    )


SECTION = Section(name="revenue_parts", title="Revenue by dimension", reads=(REVENUE_PARTS,), write=write)


def _row(part: RevenuePart) -> tuple[Part, ...]:
    change = relative(part.dollars, part.dollars_before, REVENUE_PARTS, "the week before")
    return (
        part.dimension.capitalize(),
        clean(part.value, _NAME),
        _dollars(part.dollars),
        _dollars(part.dollars_before),
        change,
    )


def _dollars(value: float) -> Number:
    return Number(value=value, unit="dollars", query=REVENUE_PARTS.name, basis=_BASIS)
