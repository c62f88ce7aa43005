"""Return on investment of the models over 30 days, with what it is computed from."""

from core.detection import Outcome
from core.reports.daily import Daily
from core.reports.document import Chart, Figure, Part, SectionDocument, Series, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

_BASIS = "(Attributed revenue - cost) / cost, over 30 days."
_REVENUE = (
    "Revenue of models, and their share of the revenue of targets that depend on them, by the settings, over 30 days;"
    " `incidents` is the cost of incidents."
)
_COST = "Cost by kind over 30 days: running costs of the settings, and spending."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    ratio = daily.trend("aia_roi_ratio", "ratio", _BASIS)
    if not ratio.now.is_known:
        return SectionDocument(name="", title="", unknown=(f"the return on investment: {ratio.now.reason}",))
    parts: tuple[Part, ...] = (
        "The return on investment over 30 days is ",
        ratio.now,
        " (",
        ratio.change,
        " within the week).",
    )
    outcome = Outcome.of(bad=(ratio.now.value or 0.0) < 0)
    return SectionDocument(
        name="",
        title="",
        statements=(Statement(parts=parts, outcome=outcome, effect=ratio.effect),),
        figures=(
            Figure(
                name="Return on investment, 30 days",
                number=ratio.now,
                note=(ratio.change, " in a week"),
                outcome=outcome,
            ),
        ),
        tables=(_table(daily),),
        charts=_charts(daily),
        notes=(f"{_BASIS} {_REVENUE}",),
    )


SECTION = Section(name="returns", title="Return on investment", reads=(DAILY_METRICS,), write=write)


def _table(daily: Daily) -> Table:
    revenue = daily.labelled("aia_attributed_revenue_dollars", "kind")
    costs = daily.labelled("aia_cost_dollars", "kind")
    lines = [("Revenue", "aia_attributed_revenue_dollars", _REVENUE, kind) for kind in revenue]
    lines += [("Cost", "aia_cost_dollars", _COST, kind) for kind in costs]
    rows = []
    for side, name, basis, kind in lines:
        trend = daily.trend(name, "dollars", basis, kind=kind)
        rows.append((side, kind, trend.now, trend.change))
    return Table(
        title="Attributed revenue and cost, 30 days",
        columns=("Side", "Kind", "30 days", "Change in a week"),
        rows=tuple(rows),
    )


def _charts(daily: Daily) -> tuple[Chart, ...]:
    sides = (("aia_attributed_revenue_dollars", "Attributed revenue"), ("aia_cost_dollars", "Cost"))
    labels = sorted({kind for name, _ in sides for kind in daily.labelled(name, "kind")})
    if not labels:
        return ()
    return (
        Chart(
            title="Attributed revenue and cost by kind, 30 days ($)",
            kind="bars",
            unit="dollars",
            labels=tuple(labels),
            series=tuple(
                Series(
                    name=title, values=tuple(daily.trend(name, "dollars", "", kind=kind).now.value for kind in labels)
                )
                for name, title in sides
            ),
            query=DAILY_METRICS.name,
        ),
    )
