"""Faults of the data behind the report."""

from core.detection import Outcome
from core.reports.daily import Daily
from core.reports.document import Number, SectionDocument, Statement, Table
from core.reports.queries import DAILY_METRICS, QUALITY
from core.reports.section import Facts, Section

MOST_SHOWN = 12
_ROWS = "Rows with the issue at the newest read of the table."
_WINDOWS = "Windows of the model in the week in which the issue was found."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily, problem = Daily(facts), facts.problem(QUALITY)
    difference = daily.trend(
        "aia_revenue_difference_cents",
        "cents",
        "Revenue of closed days in the mart less an independent computation from the orders.",
    ).now
    rows = facts.rows(QUALITY)
    found = [row for row in rows if row.windows]
    statements = [
        Statement(
            parts=(
                "The difference between revenue in the mart and its reconciliation with the orders is ",
                difference,
                ".",
            ),
            outcome=_outcome(difference),
        )
    ]
    if not problem:
        models = Number(
            value=float(len({row.model for row in found})),
            query=QUALITY.name,
            basis="Models with an issue in a window of the week.",
        )
        every = Number(
            value=float(len({row.model for row in rows})), query=QUALITY.name, basis="Models whose data was checked."
        )
        parts = (models, " of ", every, " checked models had data quality issues.")
        statements.append(Statement(parts=parts, outcome=Outcome.of(bad=bool(found))))
    unknown = [f"data quality of models: {problem}"] if problem else []
    unknown += [] if difference.is_known else [f"the reconciliation of revenue: {difference.reason}"]
    return SectionDocument(
        name="", title="", statements=tuple(statements), tables=_tables(facts, daily), unknown=tuple(unknown)
    )


SECTION = Section(name="data_quality", title="Data quality", reads=(), also=(QUALITY, DAILY_METRICS), write=write)


def _outcome(difference: Number) -> Outcome:
    return Outcome.of(bad=difference.value != 0) if difference.is_known else Outcome.NOT_KNOWN


def _tables(facts: Facts, daily: Daily) -> tuple[Table, ...]:
    tables = []
    lines = []
    for table in daily.labelled("aia_business_data_issues", "table"):
        for issue in daily.labelled("aia_business_data_issues", "issue"):
            number = daily.trend("aia_business_data_issues", "", _ROWS, table=table, issue=issue).now
            lines += (
                [(f"business.{table}", issue.replace("_", " "), number)] if number.is_known and number.value else []
            )
    if lines:
        tables.append(Table(title="Issues of business tables", columns=("Table", "Issue", "Rows"), rows=tuple(lines)))
    found = sorted((row for row in facts.rows(QUALITY) if row.windows), key=lambda row: (-row.windows, row.model))
    if found:
        models = tuple(
            (
                row.model,
                row.issue.replace("_", " "),
                Number(value=float(row.windows), query=QUALITY.name, basis=_WINDOWS),
                Number(value=float(row.of), query=QUALITY.name, basis="Windows of the model in the week."),
            )
            for row in found[:MOST_SHOWN]
        )
        tables.append(
            Table(
                title="Data quality issues of models", columns=("Model", "Issue", "Windows with it", "Of"), rows=models
            )
        )
    return tuple(tables)
