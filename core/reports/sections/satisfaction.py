"""Satisfaction of the stakeholder groups at the end of the week."""

from core.business.indicators import WEIGHTS
from core.detection import Outcome
from core.reports.daily import Daily, Trend, chart_labels
from core.reports.document import Chart, Figure, Part, SectionDocument, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

_METRIC = "aia_stakeholder_satisfaction_ratio"
_BASIS = "Weighted geometric mean of the scores of the group's indicators, 0 to 100%, at the first tick of the day."
_GOOD, _LEAST = 0.6, 0.05
"""Below this the alert rule StakeholderSatisfactionLow fires."""


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    groups = {group: daily.trend(_METRIC, "ratio", _BASIS, stakeholder=group) for group in WEIGHTS}
    known = {group: trend for group, trend in groups.items() if trend.now.is_known}
    if not known:
        return SectionDocument(name="", title="", unknown=(next(iter(groups.values())).now.reason,))
    lowest = min(known, key=lambda group: known[group].now.value or 0.0)
    return SectionDocument(
        name="",
        title="",
        statements=(
            _lowest(lowest, known[lowest]),
            *(_changed(group, trend) for group, trend in known.items() if trend.effect >= 1),
        ),
        figures=(
            Figure(
                name="Lowest satisfaction",
                number=known[lowest].now,
                note=(lowest, ", ", known[lowest].change, " in a week"),
                outcome=_outcome(known[lowest]),
            ),
        ),
        tables=(_table(groups),),
        charts=(_chart(facts, daily, known),),
        notes=("Indicators, thresholds and weights are in core/business/indicators.py.",),
        unknown=tuple(f"{group}: no indicator is known" for group in groups if group not in known),
    )


SECTION = Section(name="satisfaction", title="Satisfaction", reads=(DAILY_METRICS,), write=write)


def _lowest(group: str, trend: Trend) -> Statement:
    """The group with the lowest score; a headline below the threshold of the alert rule."""
    outcome, score = _outcome(trend), trend.now.value or 0.0
    return Statement(
        parts=(f"Satisfaction is lowest in the group {group}: ", trend.now, "."),
        outcome=outcome,
        effect=min(_GOOD / max(score, _LEAST), _GOOD / _LEAST) if outcome is Outcome.BAD else 0.0,
    )


def _changed(group: str, trend: Trend) -> Statement:
    change = trend.change.value or 0.0
    word = "fell" if change < 0 else "rose"
    parts: tuple[Part, ...] = (f"Satisfaction of {group} {word} to ", trend.now, " from ", trend.before, ".")
    return Statement(parts=parts, outcome=Outcome.of(bad=change < 0), effect=trend.effect)


def _outcome(trend: Trend) -> Outcome:
    if trend.now.value is None:
        return Outcome.NOT_KNOWN
    return Outcome.of(bad=trend.now.value < _GOOD)


def _table(groups: dict[str, Trend]) -> Table:
    return Table(
        title="Satisfaction by group",
        columns=("Group", "Score", "Week before", "Change"),
        rows=tuple((group.capitalize(), trend.now, trend.before, trend.change) for group, trend in groups.items()),
    )


def _chart(facts: Facts, daily: Daily, known: dict[str, Trend]) -> Chart:
    return Chart(
        title="Satisfaction by group (%)",
        kind="line",
        unit="ratio",
        labels=chart_labels(facts.week),
        series=tuple(daily.line(group.capitalize(), _METRIC, stakeholder=group) for group in known),
        query=DAILY_METRICS.name,
    )
