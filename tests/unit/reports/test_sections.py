"""What sections say: the numbers by hand, what is a headline, and what is not known."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.detection import Outcome
from core.reports.document import NOT_KNOWN, Number, Report, Statement
from core.reports.queries import QUERIES
from core.reports.registry import REPORTS
from core.reports.rows import ActionCount
from core.reports.weeks import Week
from core.settings.people import STAKEHOLDERS
from tests.support.builders.reports import DAY, HOUR, WEEK, cells, incident, metric, report, revenue, said, section


def test_every_stakeholder_has_a_report() -> None:
    assert set(REPORTS) == set(STAKEHOLDERS)
    assert {query.name for kind in REPORTS.values() for query in kind.queries} == {query.name for query in QUERIES}


def test_revenue_is_compared_with_what_was_expected_and_with_the_week_before() -> None:
    made = report(revenue_days=revenue(now=90.0, usual=100.0))
    assert said(made, "revenue") == [
        "Revenue was $630, -10% on the week before ($700). The expected revenue was $700 ($700 to $700); the difference of -10% is outside the interval."
    ]
    statement = section(made, "revenue").statements[0]
    assert statement.outcome is Outcome.BAD
    assert statement in made.headlines


def test_more_revenue_than_expected_is_good_and_a_headline_too() -> None:
    statement = section(report(revenue_days=revenue(now=110.0)), "revenue").statements[0]
    assert (statement.outcome, statement.effect >= 1) == (Outcome.GOOD, True)


def test_revenue_within_the_interval_is_no_headline() -> None:
    days = revenue(usual=100.0, now=100.0)
    noisy = [
        type(row)(source=row.source, day=row.day, dollars=row.dollars + 20 * (-1) ** number)
        for number, row in enumerate(days)
    ]
    made = report(revenue_days=noisy)
    statement = section(made, "revenue").statements[0]
    assert statement.effect < 1
    assert "is within the interval" in statement.text
    assert statement not in made.headlines


def test_a_source_that_left_its_interval_has_a_statement_of_its_own() -> None:
    made = report(revenue_days=[*revenue(now=100.0), *revenue(now=10.0, usual=20.0, source="kiosk")])
    assert [text.partition(" was ")[0] for text in said(made, "revenue")] == ["Revenue", "Revenue of kiosk"]
    assert cells(made, "revenue") == [
        ["All sources", "$770", "$840 ($840 to $840)", "$840", "-8.3%"],
        ["shop", "$700", "$700 ($700 to $700)", "$700", "0%"],
        ["kiosk", "$70", "$140 ($140 to $140)", "$140", "-50%"],
    ]


def test_a_day_without_an_order_has_no_revenue_and_a_week_without_any_is_not_known() -> None:
    few = [row for row in revenue(now=90.0) if row.day < WEEK.day_since + DAY]
    assert said(report(revenue_days=few), "revenue")[0].startswith("Revenue was $90,")
    none = [row for row in revenue() if row.day < WEEK.day_since]
    assert section(report(revenue_days=none), "revenue").unknown == (
        "marts.revenue_hourly has no order in this week: a feed that has stopped looks the same as a week without orders",
    )
    assert not section(report(revenue_days=none), "revenue").figures


def test_a_week_over_the_end_of_a_year_and_one_with_a_change_of_clocks_have_their_days() -> None:
    for week in (Week(date(2026, 12, 28)), Week(date(2026, 3, 23), "Europe/Berlin")):
        moved = [
            type(row)(source="shop", day=row.day + (week.day_since - WEEK.day_since), dollars=row.dollars)
            for row in revenue()
        ]
        made = report(week=week, revenue_days=moved)
        assert said(made, "revenue")[0].startswith("Revenue was $630, -10% on the week before ($700).")
        (chart,) = section(made, "revenue").charts
        assert (chart.labels[-1], len(chart.labels)) == (week.sunday.isoformat(), 56)
    assert made.period == "2026-03-23 to 2026-03-29"


def test_the_forecast_is_shown_with_its_interval_and_how_accurate_it_was() -> None:
    made = report(revenue_days=revenue(now=100.0))
    assert said(made, "forecast") == [
        "The forecast for the 30 days from 2026-11-23 on is $4,000 ($3,000 to $5,000); revenue of the 30 days before was $3,000.",
        "Past forecasts of 30 days were off by 10%; repeating the last week would have been off by 20%.",
    ]


def test_incidents_are_counted_in_their_week_with_their_share_of_the_loss() -> None:
    crossing = incident(3, WEEK.since - 2 * HOUR, hours=4)  # half of its four hours is in the week
    false_alarm = incident(4, WEEK.since + DAY, cancelled=True)
    part = incident(5, WEEK.since + DAY, merged_into="i1")
    made = report(incidents=[incident(1, WEEK.since + 10 * HOUR), crossing, false_alarm, part])
    assert said(made, "incidents") == [
        "1 incident opened, after 1 in the week before. The difference may be chance.",
        "Lost to incidents: $2,400 ($1,800 to $3,000), after $1,200 ($900 to $1,500) in the week before; 2 estimated by the revenue at risk.",
        "The mean time to acknowledge was 10 min, the mean time to resolve 3 h.",
    ]
    assert cells(made, "incidents")[1] == ["Error", "1", "1", "10 min", "3 h", "$2,400"]


def test_ten_incidents_after_two_are_significant_and_three_are_not() -> None:
    for count, significant in ((10, True), (3, False)):
        found = [incident(number, WEEK.since + number * HOUR) for number in range(count)]
        before = [incident(20 + number, WEEK.since - DAY - number * HOUR) for number in range(2)]
        made = report(incidents=[*found, *before])
        assert (section(made, "incidents").statements[0].effect >= 1) is significant


def test_the_loss_of_incidents_without_revenue_is_not_known() -> None:
    made = report(incidents=[incident(1, WEEK.since + DAY, impact=None)])
    assert "Lost to incidents: not known, after $0 in the week before." in said(made, "incidents")
    assert section(made, "incidents").unknown == (
        "the impact of 1 of 1 incidents: no revenue is mapped to their targets",
    )


def test_an_acknowledgement_at_once_took_no_time_and_is_known() -> None:
    at = WEEK.since + DAY
    made = report(incidents=[incident(1, at, acknowledged_at=at)])
    assert said(made, "incidents")[-1].startswith("The mean time to acknowledge was 0 s,")


def test_a_model_below_its_floor_is_bad_and_one_without_labels_not_known() -> None:
    made = report()
    assert "The accuracy of churn is 85% (83% to 87%), below its floor of 90%." in [one.text for one in made.headlines]
    assert section(made, "models").unknown == (
        "silent: no window was scored in this week",
        "accuracy of fraud: no labels arrived",
    )


def test_pipelines_say_what_failed_and_what_takes_longest() -> None:
    made = report()
    assert said(made, "pipelines") == [
        "8 of 10 runs failed, after 1 of 10 in the week before.",
        "The longest stage is join of etl: 6 min 40 s on average, 80% of its pipeline.",
    ]
    assert section(made, "pipelines").statements[0] in made.headlines


def test_costs_are_the_sum_of_the_kinds_of_each_day() -> None:
    """One kind ends within the week, and another one begins: neither is missing from what was spent before or is spent now."""
    serving, old, new = (metric("aia_cost_dollars", 100.0, labels=f'{{"kind": "{kind}"}}') for kind in ("a", "b", "c"))
    old = [replace(row, value=1000.0) for row in old if row.day < WEEK.midnight - 3 * DAY]
    new = [replace(row, value=50.0) for row in new if row.day > WEEK.midnight - 2 * DAY]
    made = report("business", daily_metrics=[*serving, *old, *new])
    assert said(made, "costs") == ["Costs over 30 days are $150 (-$950 within the week)."]
    values = section(made, "costs").charts[0].series[0].values
    assert values[-6:] == (1100.0, 1100.0, 100.0, 100.0, 150.0, 150.0)


def test_an_incident_that_lasts_from_the_week_before_without_an_impact_is_not_known() -> None:
    opened = WEEK.since - DAY
    made = report(incidents=[replace(incident(1, opened, hours=48), impact=None, loss=0.0), incident(2, WEEK.since)])
    assert section(made, "incidents").unknown == (
        "the impact of 1 of 2 incidents: no revenue is mapped to their targets",
    )


def test_a_metric_is_compared_with_the_end_of_the_week_before() -> None:
    made = report(daily_metrics=metric("aia_roi_ratio", 1.5, 2.0))
    assert said(made, "returns") == ["The return on investment over 30 days is 150% (-50.0 points within the week)."]
    assert section(made, "returns").statements[0].effect >= 1
    business = report("business", daily_metrics=metric("aia_roi_ratio", 1.5, 2.0))
    assert section(business, "costs").unknown == ("marts.daily_metrics has no aia_cost_dollars for this week",)


def test_a_value_of_before_the_week_is_not_that_of_the_week() -> None:
    old = [row for row in metric("aia_roi_ratio", 2.0) if row.day <= WEEK.midnight - 7 * DAY]
    assert section(report(daily_metrics=old), "returns").unknown == (
        "the return on investment: marts.daily_metrics has no aia_roi_ratio for this week",
    )


@pytest.mark.parametrize("name", STAKEHOLDERS)
def test_a_section_whose_table_is_missing_says_so_and_nothing_else(name: str) -> None:
    problems = {query.name: f"BigQuery: {query.table} was not found" for query in QUERIES}
    made = report(name, problems=problems)
    for one in made.sections:
        numbers = [part for statement in one.statements for part in statement.parts if isinstance(part, Number)]
        assert one.unknown, one.name
        assert not any(number.is_known for number in numbers), one.name
        assert not one.charts
    assert made.headlines == ()


@pytest.mark.parametrize("name", STAKEHOLDERS)
def test_a_section_without_rows_says_so(name: str) -> None:
    made = report(name, **{query.name: [] for query in QUERIES if query.name != "incidents"})
    assert all(one.unknown for one in made.sections if one.name != "incidents")


def test_headlines_are_the_largest_and_of_equal_ones_the_bad_first() -> None:
    made = report()
    effects = [one.effect for one in made.headlines]
    assert effects == sorted(effects, reverse=True)
    assert min(effects) >= 1
    assert len(made.headlines) <= 5
    equal = [one for one in made.headlines if one.effect == effects[0]]
    assert equal == sorted(equal, key=lambda one: one.outcome is not Outcome.BAD)


def test_every_number_is_of_a_query_that_was_read() -> None:
    for name in STAKEHOLDERS:
        made = report(name)
        known = {query.name for query in made.queries}
        assert {number.query for number in numbers_of(made)} <= known
        assert all(number.basis or number.reason for number in numbers_of(made))


def numbers_of(made: Report) -> list[Number]:
    statements: list[Statement] = [*made.headlines, *(one for part in made.sections for one in part.statements)]
    parts = [part for one in statements for part in one.parts]
    parts += [cell for one in made.sections for table in one.tables for row in table.rows for cell in row]
    parts += [part for figure in made.figures for part in (figure.number, *figure.note)]
    return [part for part in parts if isinstance(part, Number)]


def test_what_is_not_known_is_never_shown_as_a_number() -> None:
    for value in (None, float("nan"), float("inf")):
        assert Number(value=value, unit="dollars", query="q").text == NOT_KNOWN
    assert Number(value=0.0, unit="dollars", query="q").text == "$0"
    assert Number(value=-0.0004, unit="points", query="q", change=True).text == "-0.04 points"
    assert Number(value=timedelta(hours=3).total_seconds(), unit="seconds", query="q").text == "3 h"


def test_a_registered_version_is_trained_and_no_help() -> None:
    counts = {"requests": 3, "verified": 2, "failed": 1, "refused": 0, "mode": "act"}
    rows = [ActionCount(action=name, **counts) for name in ("restart_service", "retrain_model")]  # type: ignore[arg-type]
    first, second = said(report(actions=rows), "automation")[:2]
    assert first.startswith("Of 6 requested actions 2 helped and 2 failed or were undone")
    assert second == "Of 3 requested trainings 2 trained a version, and 1 failed or were not better."
    assert [row[3] for row in cells(report(actions=rows), "automation")] == ["2", "no remedy"]
