"""What Google Cloud billed: the week against the week before, what is unusual, and what would lower it."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.business.costs import UNALLOCATED, named, unallocated_ratio
from core.business.savings import RecommendationState
from core.detection import Outcome
from core.reports.document import Figure, Number, Part, SectionDocument, Statement, Table
from core.reports.queries import COST_ANOMALIES, COST_DAYS, RECOMMENDATIONS
from core.reports.rows import CostAnomaly, CostDay, RecommendationWeek
from core.reports.section import Facts, Section, relative
from core.text import clean

MOST_SHOWN = 3
"""Names of a dimension, recommendations and anomalies in a table."""
_NAME = 60
_HEADLINE, _LARGEST = 20.0, 10.0
"""Dollars a day from which on the alert rule CostAnomaly fires; beyond ten times that, one is as large as another."""
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_DIMENSIONS = ("model", "team", "service")
_BASIS = "Net of credits, without taxes, in dollars by the conversion rates of the export, on the complete days (UTC) of the week."
_BEFORE = "The same, on the same days of the week before."
_ABSENT = "the billing export does not have all of these days"
_Days = Mapping[str, Mapping[str, Mapping[datetime, float]]]
"""Dollars by dimension, name and day."""


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    costs = _by_day(facts.rows(COST_DAYS))
    since = facts.week.day_since
    complete = max((day + _DAY for days in costs.get("model", {}).values() for day in days), default=since)
    days = (complete - since).days
    if days < 1:
        return SectionDocument(
            name="", title="", unknown=("the costs of this week: the billing export has no complete day of it",)
        )
    now, before = (_sums(costs, first, days) for first in (since, since - _WEEK))
    return SectionDocument(
        name="",
        title="",
        statements=(_net(now, before, days), *_unallocated(now), *_anomalous(facts), *_savings(facts)),
        figures=(_figure(now, before, days),),
        tables=(_table(now, before), *_recommended(facts)),
        notes=(_BASIS,),
        unknown=tuple(_unknown(facts, days)),
    )


SECTION = Section(
    name="billed_costs",
    title="Billed costs",
    reads=(COST_DAYS,),
    also=(COST_ANOMALIES, RECOMMENDATIONS),
    write=write,
)
_Sums = Mapping[str, Mapping[str, float]]
"""Dollars by dimension and name."""


def _by_day(rows: Sequence[CostDay]) -> _Days:
    found: dict[str, dict[str, dict[datetime, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        name = UNALLOCATED if row.name is None else row.name if row.dimension == "model" else named(row.name)
        found[row.dimension][name][row.day] = row.dollars
    return found


def _sums(costs: _Days, since: datetime, days: int) -> _Sums:
    """The costs of some days; nothing where the export does not have all of them."""
    wanted = {since + ago * _DAY for ago in range(days)}
    if not wanted <= {day for by_day in costs.get("service", {}).values() for day in by_day}:
        return {}
    return {
        dimension: {
            name: math.fsum(by_day[day] for day in wanted & by_day.keys())
            for name, by_day in names.items()
            if wanted & by_day.keys()
        }
        for dimension, names in costs.items()
    }


def _total(sums: _Sums) -> float | None:
    """Costs of all services; None where there are none."""
    services = sums.get("service")
    return math.fsum(services.values()) if services else None


def _dollars(value: float | None, basis: str = _BASIS, query: str = COST_DAYS.name) -> Number:
    return Number(value=value, unit="dollars", query=query, basis=basis, reason=_ABSENT)


def _net(now: _Sums, before: _Sums, days: int) -> Statement:
    """No headline: whether a day is unusual is what the anomalies say."""
    which = "the week" if days == _WEEK.days else f"the first {days} days of the week"
    parts: tuple[Part, ...] = (
        "Google Cloud billed ",
        _dollars(_total(now)),
        f" for {which}, ",
        _change(_total(now), _total(before)),
        " on the same days of the week before (",
        _dollars(_total(before), _BEFORE),
        ").",
    )
    return Statement(parts=parts)


def _change(now: float | None, before: float | None) -> Number:
    if now is None or before is None:
        return Number(value=None, unit="ratio", query=COST_DAYS.name, reason=_ABSENT)
    return relative(now, before, COST_DAYS, "the same days of the week before")


def _figure(now: _Sums, before: _Sums, days: int) -> Figure:
    name = "Billed costs" if days == _WEEK.days else f"Billed costs, {days} of 7 days"
    return Figure(
        name=name,
        number=_dollars(_total(now)),
        note=(_change(_total(now), _total(before)), " on the week before"),
    )


def _unallocated(now: _Sums) -> list[Statement]:
    ratio = unallocated_ratio(now.get("model", {}))
    if ratio is None:
        return []
    share = Number(value=ratio, unit="ratio", query=COST_DAYS.name, basis="Share of the costs that no model has.")
    return [Statement(parts=(share, " of the costs is allocated to no model."))]


def _anomalous(facts: Facts) -> list[Statement]:
    """The services and models with costs above their forecast, the largest first."""
    rows = [row for row in facts.rows(COST_ANOMALIES) if row.days]
    return [_anomaly(row) for row in sorted(rows, key=lambda row: (-row.dollars, row.item))[:MOST_SHOWN]]


def _anomaly(row: CostAnomaly) -> Statement:
    over = _dollars(
        row.dollars,
        "Costs of the worst day less the expected ones, where they are above the interval.",
        COST_ANOMALIES.name,
    )
    days = Number(
        value=float(row.days), query=COST_ANOMALIES.name, basis="Days above the forecast, as judged once a day."
    )
    every = Number(value=float(row.judged), query=COST_ANOMALIES.name, basis="Days that were judged.")
    start = f"Costs of the {row.dimension} {clean(row.item, _NAME)} were up to "
    return Statement(
        parts=(start, over, " a day above their forecast, on ", days, " of ", every, " days."),
        outcome=Outcome.BAD,
        effect=min(row.dollars / _HEADLINE, _LARGEST),
    )


def _savings(facts: Facts) -> list[Statement]:
    rows = facts.rows(RECOMMENDATIONS)
    if not rows:
        return []
    state = {one: [row for row in rows if row.state == one] for one in RecommendationState}
    left = [row.dollars_per_month for row in state[RecommendationState.OPEN] if row.dollars_per_month is not None]
    saved = [row.saved_dollars for row in state[RecommendationState.DONE] if row.saved_dollars is not None]
    parts: tuple[Part, ...] = (
        _count(len(state[RecommendationState.OPEN])),
        " recommendations are open, worth ",
        _saving(math.fsum(left) if left else None, "Sum of those whose amount is known."),
        " a month; ",
        _count(len(state[RecommendationState.DONE])),
        " were followed and have saved ",
        _saving(math.fsum(saved) if saved else None, "Against the 30 days before each was done, where it is measured."),
        ".",
    )
    return [Statement(parts=parts)]


def _count(count: int) -> Number:
    return Number(
        value=float(count), query=RECOMMENDATIONS.name, basis="Recommendations in this state at the end of the week."
    )


def _saving(value: float | None, basis: str) -> Number:
    return Number(
        value=value, unit="dollars", query=RECOMMENDATIONS.name, basis=basis, reason="no amount is known or measured"
    )


def _table(now: _Sums, before: _Sums) -> Table:
    """The most expensive models, teams and services; what is unallocated is always among them."""
    rows = [
        (
            dimension.capitalize(),
            clean(name, _NAME),
            _dollars(now[dimension][name]),
            _dollars(before.get(dimension, {}).get(name), _BEFORE),
            _change(now[dimension][name], before.get(dimension, {}).get(name)),
        )
        for dimension in _DIMENSIONS
        for name in _largest(now.get(dimension, {}))
    ]
    return Table(
        title=f"Billed costs: the {MOST_SHOWN} most expensive of each, and what is unallocated",
        columns=("By", "Name", "This week", "Week before", "Change"),
        rows=tuple(rows),
    )


def _largest(dollars: Mapping[str, float]) -> list[str]:
    ordered = sorted(dollars, key=lambda name: (-dollars[name], name))
    shown = [name for name in ordered if name != UNALLOCATED][:MOST_SHOWN]
    return [*shown, UNALLOCATED] if UNALLOCATED in dollars else shown


def _recommended(facts: Facts) -> tuple[Table, ...]:
    """The open recommendations that save most."""
    rows = [row for row in facts.rows(RECOMMENDATIONS) if row.state == RecommendationState.OPEN]
    ordered = sorted(rows, key=lambda row: (-(row.dollars_per_month or 0.0), row.kind, row.target))[:MOST_SHOWN]
    if not ordered:
        return ()
    return (
        Table(
            title="Open recommendations that save most",
            columns=("Recommendation", "Target", "Dollars a month", "Confidence"),
            rows=tuple(map(_recommendation, ordered)),
        ),
    )


def _recommendation(row: RecommendationWeek) -> tuple[Part, ...]:
    amount = _saving(row.dollars_per_month, "As estimated from its evidence: `aia costs` shows it.")
    return (row.kind.replace("_", " "), clean(row.target, _NAME), amount, row.confidence)


def _unknown(facts: Facts, days: int) -> Iterator[str]:
    if days < _WEEK.days:
        late = _WEEK.days - days
        span = "day" if late == 1 else f"{late} days"
        yield f"the costs of the last {span} of the week: not complete in the billing export"
    if problem := facts.problem(COST_ANOMALIES):
        yield f"whether costs are unusual (aia_cost_anomaly_dollars): {problem}"
    if problem := facts.problem(RECOMMENDATIONS):
        yield f"recommendations: {problem}"
