"""What the sections about losses, answers, costs, cohorts, the market and partners say: the numbers by hand."""

from dataclasses import replace

from core.detection import Outcome
from core.incidents.measured import MeasuredLoss
from core.reports.queries import QUERIES
from core.reports.rows import CostAnomaly, IncidentLoss
from tests.support.builders.reports import (
    BANK,
    DAY,
    HOUR,
    WEEK,
    cells,
    cohorts,
    cost_days,
    incident,
    market_growth,
    metric,
    model_return,
    partner,
    recommendation,
    report,
    rows,
    said,
    section,
    surveys,
)


def measured(number: int, dollars: float, *, hours: float = 2.0, unknown: str = "") -> IncidentLoss:
    """A loss of an incident that opened ten hours into the week."""
    since = WEEK.since + 10 * HOUR
    loss = MeasuredLoss(
        dollars=dollars,
        low=dollars - 100,
        high=dollars + 100,
        since=since,
        until=since + hours * HOUR,
        orders=("shop",),
        unknown=unknown,
    )
    return IncidentLoss(incident_id=f"i{number}", loss=loss)


def test_a_measured_loss_replaces_the_estimated_one_and_the_basis_is_said() -> None:
    opened = WEEK.since + 10 * HOUR
    made = report(incidents=[incident(1, opened), incident(2, opened)], losses=[measured(1, 500.0)])
    assert said(made, "incidents")[1] == (
        "Lost to incidents: $1,700 ($1,300 to $2,100), after $0 in the week before; 1 measured by the orders that came;"
        " 1 estimated by the revenue at risk."
    )
    assert [(row[2], row[3]) for row in cells(made, "incidents", 1)] == [
        ("$1,200 ($900 to $1,500)", "estimated"),
        ("$500 ($400 to $600)", "measured"),
    ]


def test_a_measured_loss_of_nothing_is_nothing_and_not_the_estimate() -> None:
    found = measured(1, 0.0)
    none = replace(found, loss=replace(found.loss, low=0.0, high=0.0))
    made = report(incidents=[incident(1, WEEK.since + 10 * HOUR)], losses=[none])
    assert said(made, "incidents")[1].startswith("Lost to incidents: $0, after $0 in the week before; 1 measured")


def test_a_loss_that_cannot_be_measured_is_estimated_and_says_why() -> None:
    found = measured(1, 0.0, unknown="no orders of shop arrived")
    made = report(incidents=[incident(1, WEEK.since + 10 * HOUR)], losses=[found])
    assert said(made, "incidents")[1].startswith("Lost to incidents: $1,200 ($900 to $1,500),")
    assert section(made, "incidents").unknown == ("the measured loss of 1 of 1 incidents: no orders of shop arrived",)


def test_of_a_measured_loss_that_goes_on_after_the_week_the_week_has_its_share() -> None:
    """It is measured for 48 hours, of which 24 are in the week; the report is made later."""
    opened = WEEK.until - 24 * HOUR
    found = measured(1, 4800.0)
    loss = replace(found.loss, since=opened, until=opened + 48 * HOUR)
    made = report(incidents=[incident(1, opened, hours=48)], losses=[replace(found, loss=loss)])
    assert said(made, "incidents")[1].startswith("Lost to incidents: $2,400 ($2,350 to $2,450),")


def test_the_group_with_the_lowest_score_and_a_fall_beyond_chance_are_said() -> None:
    made = report(daily_metrics=surveys())
    assert said(made, "surveys") == [
        "NPS is lowest in the group technical: -20 (-30 to -10) of 40 answers.",
        "NPS of technical fell to -20 (-30 to -10) from 40 (20 to 60).",
        "CSAT is lowest in the group executive: 80% (70% to 90%) of 20 answers.",
    ]
    lowest, fell, csat = section(made, "surveys").statements
    assert [one.outcome for one in (lowest, fell, csat)] == [Outcome.BAD, Outcome.BAD, None]
    assert fell in made.headlines
    assert lowest.effect >= 1
    assert cells(made, "surveys")[0] == ["Executive", "40 (20 to 60)", "40", "80% (70% to 90%)", "20"]
    assert section(made, "surveys").unknown == (
        "NPS: too few answers of operations (3)",
        "CSAT: too few answers of operations (0)",
    )


def test_without_surveys_nothing_is_known_of_them() -> None:
    made = report(daily_metrics=metric("aia_roi_ratio", 2.0))
    assert section(made, "surveys").unknown == ("marts.daily_metrics has no aia_survey_answers for this week",)
    assert not section(made, "surveys").tables


def test_billed_costs_are_compared_and_say_what_would_lower_them() -> None:
    unusual = CostAnomaly(dimension="service", item="Vertex AI", judged=7, days=2, dollars=50.0)
    made = report(cost_anomalies=[unusual])
    assert said(made, "billed_costs") == [
        "Google Cloud billed $84 for the week, +20% on the same days of the week before ($70).",
        "50% of the costs is allocated to no model.",
        "Costs of the service Vertex AI were up to $50 a day above their forecast, on 2 of 7 days.",
        "2 recommendations are open, worth $300 a month; 1 were followed and have saved $42.",
    ]
    assert section(made, "billed_costs").statements[2] in made.headlines
    assert cells(made, "billed_costs") == [
        ["Model", "churn", "$42", "$35", "+20%"],
        ["Model", "unallocated", "$42", "$35", "+20%"],
        ["Team", "risk", "$42", "$35", "+20%"],
        ["Team", "unallocated", "$42", "$35", "+20%"],
        ["Service", "Vertex AI", "$84", "$70", "+20%"],
    ]
    assert [row[1:] for row in cells(made, "billed_costs", 1)] == [
        ["churn", "$300", "high"],
        ["fraud", "not known", "high"],
    ]


def test_only_days_that_are_complete_in_the_export_are_compared() -> None:
    made = report(cost_days=cost_days(days=5))
    assert said(made, "billed_costs")[0] == (
        "Google Cloud billed $60 for the first 5 days of the week, +20% on the same days of the week before ($50)."
    )
    assert section(made, "billed_costs").unknown == (
        "the costs of the last 2 days of the week: not complete in the billing export",
    )
    assert section(made, "billed_costs").figures[0].name == "Billed costs, 5 of 7 days"


def test_a_week_that_the_export_does_not_have_yet_is_not_known() -> None:
    made = report(cost_days=cost_days(days=0))
    assert section(made, "billed_costs").unknown == (
        "the costs of this week: the billing export has no complete day of it",
    )
    assert not section(made, "billed_costs").figures


def test_costs_without_all_of_the_week_before_have_no_change() -> None:
    """A part of a week is not compared with a whole one."""
    made = report(cost_days=[row for row in cost_days() if row.day >= WEEK.day_since - 3 * DAY])
    assert said(made, "billed_costs")[0] == (
        "Google Cloud billed $84 for the week, not known on the same days of the week before (not known)."
    )


def test_what_recommendations_saved_is_not_known_where_nothing_is_measured() -> None:
    made = report(recommendations=[recommendation("old", "done", 100.0)], cost_anomalies=[])
    assert said(made, "billed_costs")[-1] == (
        "0 recommendations are open, worth not known a month; 1 were followed and have saved not known."
    )
    assert section(made, "billed_costs").unknown == (
        "whether costs are unusual (aia_cost_anomaly_dollars): marts.daily_metrics has no rows for this week",
    )


def test_retention_and_cohorts_are_those_of_the_months() -> None:
    made = report("business", daily_metrics=cohorts())
    assert said(made, "retention") == [
        "Month 1 after the first order: 30% of the customers ordered again (0 points within the week)."
    ]
    assert cells(made, "retention") == [["2026-10", "50", "$1,000", "$20"], ["2026-09", "100", "$6,000", "$60"]]
    (chart,) = section(made, "retention").charts
    assert (chart.labels, chart.series[0].values) == (("1", "2", "3"), (0.3, 0.2, 0.1))


def test_growth_of_the_market_has_its_dates_and_its_source() -> None:
    share = metric("aia_market_share_ratio", 0.4, labels='{"company": "us"}')
    made = report(daily_metrics=[*share, *market_growth()])
    assert said(made, "market")[1] == (
        "Against a quarter before, our sales changed by +12%, those of all companies by +8%."
    )
    assert cells(made, "market") == [["A quarter", "2026-07-25 to 2026-08-23", "+12%", "+8%"]]
    assert section(made, "market").notes == (
        "Sales of 2026-10-24 to 2026-11-22 in crm.sales; the newest is of 2026-11-22 23:00 UTC.",
    )
    assert section(made, "market").unknown == ("growth against a year before: the table does not go back to it",)


def test_a_partner_below_its_floor_is_bad_and_one_without_calls_not_known() -> None:
    made = report("operations", partners=[partner("bank", 1000, 50), partner("post", 10, 0, None)])
    assert said(made, "partners") == [
        "bank: 95% of 1,000 calls succeeded, after 99.5% in the week before; below its floor of 99%."
    ]
    assert section(made, "partners").statements[0] in made.headlines
    assert cells(made, "partners") == [
        ["bank", "1,000", "1,000", "95%", "99%", "1 s", "2 s"],
        ["post", "10", "1,000", "100%", "not known", "not known", "not known"],
    ]
    silent = report("operations", partners=[partner("post", 10, 0)])
    assert section(silent, "partners").unknown == (f"{BANK.name}: telemetry.partner_calls has no calls of this week",)


def test_a_partner_that_is_slow_is_bad() -> None:
    made = report("operations", partners=[partner("bank", 1000, 5, 3.0)])
    assert said(made, "partners") == ["bank: the latency was 3 s, above its limit of 2 s."]


def test_without_the_new_tables_the_sections_say_so() -> None:
    tables = ("marts.costs_daily", "telemetry.partner_calls")
    problems = {query.name: f"BigQuery: {query.table} was not found" for query in QUERIES if query.table in tables}
    made = report("business", problems=problems)
    assert section(made, "billed_costs").unknown == ("BigQuery: marts.costs_daily was not found",)
    assert section(made, "partners").unknown == ("BigQuery: telemetry.partner_calls was not found",)


def test_the_return_of_each_model_has_its_basis_and_its_verdict() -> None:
    made = report(model_returns=[model_return("churn", 0.05, 0.1), *rows()["model_returns"][1:]])
    assert said(made, "model_returns") == [
        "The return of churn is 5% (-5% to 10%) by experiment, below its target of 20%."
    ]
    assert section(made, "model_returns").statements[0].outcome is Outcome.BAD
    assert cells(made, "model_returns") == [
        ["churn (experiment)", "$105", "$100", "5% (-5% to 10%)", "bad"],
        ["fraud (experiment)", "not known", "not known", "not known", "not known"],
    ]
    assert section(made, "model_returns").unknown == ("fraud: no cost is known of it",)
    assert section(made, "model_returns").notes[0] == "churn: $2 a customer"


def test_revenue_by_dimension_is_that_of_the_week_and_without_sources() -> None:
    made = report("business")
    assert cells(made, "revenue_parts") == [
        ["Country", "DE", "$120", "$100", "+20%"],
        ["Country", "FR", "$30", "$0", "not known"],
    ]
    only = report("business", revenue_parts=rows()["revenue_parts"][2:])
    assert section(only, "revenue_parts").unknown == ("the settings name no dimension of the orders but their source",)


def test_no_revenue_by_dimension_in_the_week_is_not_a_fall_to_0() -> None:
    before = [replace(row, dollars=0.0) for row in rows()["revenue_parts"]]
    made = report("business", revenue_parts=before)
    assert section(made, "revenue_parts").unknown == ("marts.revenue_by_dimension_daily has no revenue in this week",)
    assert section(made, "revenue_parts").tables == ()
