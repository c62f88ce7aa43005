"""What running the models costs, over 30 days by kind."""

from collections.abc import Sequence

from core.detection import Outcome
from core.reports.changes import beyond_usual
from core.reports.daily import Daily, chart_labels
from core.reports.document import Chart, Figure, Number, SectionDocument, Series, Statement, Table
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
    lines = [daily.line(kind, _METRIC, kind=kind) for kind in kinds]
    past = [_total(day) for day in zip(*(line.values for line in lines), strict=True)]
    now, before = _sum([trend.now for trend in kinds.values()]), _sum([trend.before for trend in kinds.values()])
    change = _number(None if now is None or before is None else now - before, change=True)
    effect = beyond_usual(change.value, past[:-1]) if change.value is not None else 0.0
    bad = (change.value or 0.0) > 0
    said = Statement(
        parts=("Costs over 30 days are ", _number(now), " (", change, " within the week)."),
        outcome=Outcome.of(bad=bad) if effect >= 1 else None,
        effect=effect,
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said,),
        figures=(Figure(name="Costs, 30 days", number=_number(now), note=(change, " in a week")),),
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
                series=(Series(name="Costs", values=tuple(past)),),
                query=DAILY_METRICS.name,
            ),
        ),
    )


SECTION = Section(name="costs", title="Running costs and spending", reads=(DAILY_METRICS,), write=write)


def _sum(numbers: list[Number]) -> float | None:
    return _total([number.value for number in numbers])


def _total(values: Sequence[float | None]) -> float | None:
    """The sum; not known where one of them is not."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _number(value: float | None, *, change: bool = False) -> Number:
    reason = "the costs of a kind are not known"
    return Number(value=value, unit="dollars", query=DAILY_METRICS.name, basis=_BASIS, change=change, reason=reason)
