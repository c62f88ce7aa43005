"""Which reports there are, and of which sections each consists: a new section is a module and its place in these lists."""

from dataclasses import dataclass
from importlib import import_module

from core.reports.queries import QUERIES, Query
from core.reports.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """A report that there is.

    Attributes:
        name: the stakeholder it is for, as in `executive`.
        title: for people.
        section_names: of its sections, in order.
    """

    name: str
    title: str
    section_names: tuple[str, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Its sections; their modules are imported now, so that only those who make reports pay for it."""
        return tuple(map(section_of, self.section_names))

    @property
    def queries(self) -> tuple[Query, ...]:  # type: ignore[type-arg]  # of any row
        """The queries of its sections, each once."""
        read = {query.name for section in self.sections for query in (*section.reads, *section.also)}
        return tuple(query for query in QUERIES if query.name in read)


REPORTS = {
    kind.name: kind
    for kind in (
        ReportKind(
            name="executive",
            title="Executive report",
            section_names=(
                "revenue",
                "forecast",
                "incidents",
                "returns",
                "model_returns",
                "billed_costs",
                "satisfaction",
                "surveys",
                "customers",
                "market",
                "models",
                "pipelines",
                "automation",
                "data_quality",
            ),
        ),
        ReportKind(
            name="technical",
            title="Report for model and pipeline engineers",
            section_names=(
                "models",
                "pipelines",
                "incidents",
                "automation",
                "billed_costs",
                "satisfaction",
                "data_quality",
            ),
        ),
        ReportKind(
            name="operations",
            title="Report for operations",
            section_names=("incidents", "automation", "pipelines", "partners", "satisfaction", "data_quality"),
        ),
        ReportKind(
            name="business",
            title="Report for the business",
            section_names=(
                "revenue",
                "revenue_parts",
                "forecast",
                "customers",
                "retention",
                "market",
                "costs",
                "model_returns",
                "billed_costs",
                "satisfaction",
                "surveys",
                "partners",
                "data_quality",
            ),
        ),
    )
}
"""By the name of the stakeholder."""


def section_of(name: str) -> Section:
    """The section that a module of `core.reports.sections` has."""
    section: Section = import_module(f"core.reports.sections.{name}").SECTION
    return section
