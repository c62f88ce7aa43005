"""What running the models costs, over 30 days by kind."""

from core.detection import Outcome
from core.reports.daily import Daily, chart_labels
from core.reports.document import Chart, Figure, SectionDocument, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

_METRIC = "aia_cost_dollars"
_BASIS = "Running costs of the settings and spending, over 30 days."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    kinds = {kind: daily.trend(_METRIC, "dollars", _BASIS, kind=kind) for kind in daily.labelled(_METRIC, "kind")}
    if not kinds:
        return SectionDocument(
            name="", title="", unknown=("marts.daily_metrics has no aia_cost_dollars for this week",)
        )
    total = daily.trend_of_sum(_METRIC, "dollars", _BASIS)
    bad = (total.change.value or 0.0) > 0
    said = Statement(
        parts=("Costs over 30 days are ", total.now, " (", total.change, " within the week)."),
        outcome=Outcome.of(bad=bad) if total.effect >= 1 else None,
        effect=total.effect,
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said,),
        figures=(Figure(name="Costs, 30 days", number=total.now, note=(total.change, " in a week")),),
        tables=(
            Table(
                title="Costs by kind, 30 days",
                columns=("Kind", "30 days", "Week before", "Change"),
                rows=tuple((kind, trend.now, trend.before, trend.change) for kind, trend in kinds.items()),
            ),
        ),
        charts=(
            Chart(
                title="Costs over the 30 days before each day ($)",
                kind="line",
                unit="dollars",
                labels=chart_labels(facts.week),
                series=(daily.line_of_sum("Costs", _METRIC),),
                query=DAILY_METRICS.name,
            ),
        ),
    )


SECTION = Section(name="costs", title="Running costs and spending", reads=(DAILY_METRICS,), write=write)
