"""The past of the business in memory: independent of the order of computation, without lookahead, and computed once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.errors import QueryError
from core.settings import Billing, Business, Model, Settings, Spending
from functions.bi_rollup.queries import Query
from functions.bi_rollup.satisfaction import ExperienceTotals, ModelState
from infra.local.past.business import PastBusiness
from infra.local.past.estimates import Estimates, estimates_on_disk
from tests.support.builders import past
from tests.support.builders.business import DAY, HOUR, ORDERS, TODAY
from tests.support.builders.drift import MODEL
from tests.support.builders.past import SETTINGS, build, by_series, midnights

CHARTS = {
    *("aia_revenue_dollars", "aia_revenue_expected_dollars", "aia_payments", "aia_payment_success_ratio"),
    *("aia_revenue_forecast_dollars", "aia_forecast_error_ratio", "aia_forecast_coverage_ratio"),
    *("aia_customers", "aia_customer_churn_ratio", "aia_customer_lifetime_value_dollars"),
    *("aia_customer_retention_ratio", "aia_cohort_customers", "aia_cohort_revenue_dollars"),
    *(
        "aia_market_share_ratio",
        "aia_market_rank",
        "aia_market_period_timestamp_seconds",
        "aia_attributed_revenue_dollars",
        "aia_cost_dollars",
        "aia_roi_ratio",
    ),
    *("aia_stakeholder_satisfaction_ratio", "aia_business_data_issues", "aia_orders_newest_timestamp_seconds"),
    *("aia_revenue_forecast_total_dollars", "aia_forecast_total_error_ratio", "aia_forecast_total_scaled_error_ratio"),
    *("aia_model_roi_known", "aia_model_roi_ratio", "aia_model_roi_target_ratio", "aia_model_roi_cost_dollars"),
    *("aia_model_attributed_revenue_dollars", "aia_model_projection_dollars"),
    *("aia_forecast_total_coverage_ratio", "aia_forecast_totals", "aia_rollup_timestamp_seconds"),
}
TODAY_ONLY = {
    "aia_customer_lifetime_value_bound_dollars",
    "aia_customer_purchases_error",
    "aia_customer_purchases_ratio",
}
"""What takes too long for each day of a year."""
NO_CUSTOMERS = replace(SETTINGS, business=Business(orders=replace(ORDERS, customer=None)))


def held(tables: dict[str, pa.Table]) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in tables.items()}


@pytest.fixture(scope="module")
def in_order() -> tuple[PastBusiness, dict[past.Key, float]]:
    """Four days, the oldest first."""
    made = build()
    return made, by_series(made.run(midnights(3)))


def test_every_chart_has_its_past(in_order: tuple[PastBusiness, dict[past.Key, float]]) -> None:
    _, points = in_order
    assert {name for name, *_ in points} == CHARTS | TODAY_ONLY
    assert {at for name, _, at in points if name in TODAY_ONLY} == {TODAY}
    for name in CHARTS - {
        "aia_forecast_total_scaled_error_ratio"
    }:  # that one needs five weeks before the first forecast
        assert {at for found, _, at in points if found == name} == set(midnights(3)), name


def test_the_newest_days_first_are_the_same_as_all_in_order(
    in_order: tuple[PastBusiness, dict[past.Key, float]],
) -> None:
    whole, points = in_order
    parts = build()
    found = [*parts.run(midnights(0)), *parts.run(midnights(2, 1)), *parts.run(midnights(3, 3))]
    assert by_series(found) == points
    assert parts.documents() == whole.documents()
    assert held(parts.marts()) == held(whole.marts())
    week = (TODAY - 5 * DAY, TODAY + DAY)
    assert held(parts.tables(*week)) == held(whole.tables(*week))


def test_a_tick_uses_nothing_from_after_it(in_order: tuple[PastBusiness, dict[past.Key, float]]) -> None:
    _, points = in_order
    then = build(now=TODAY - 2 * DAY)
    known = {key: value for key, value in points.items() if key[-1] <= TODAY - 2 * DAY}
    found = by_series(then.run(midnights(3, 2)))
    assert {key: value for key, value in found.items() if key[0] not in TODAY_ONLY} == known


BILLED = replace(
    SETTINGS,
    business=Business(billing=Billing(table="telemetry.billing_export", export="detailed", partition="export_time")),
)


def test_past_costs_depend_neither_on_the_order_of_ticks_nor_on_later_rows() -> None:
    whole = build(settings=BILLED)
    points = by_series(whole.run(midnights(5)))
    parts = build(settings=BILLED)
    assert by_series([*parts.run(midnights(1)), *parts.run(midnights(5, 2))]) == points
    then = build(settings=BILLED, now=TODAY - 2 * DAY)
    assert by_series(then.run(midnights(5, 2))) == {
        key: value for key, value in points.items() if key[-1] <= TODAY - 2 * DAY
    }
    names = {name for name, *_ in points}
    assert {"aia_cost_allocated_dollars", "aia_cost_unallocated_ratio", "aia_cost_anomaly_dollars"} < names
    assert "aia_recommendations" not in names
    assert ("business", "costs") not in whole.documents()  # the first live tick writes the mart
    units = [value for (name, *_), value in points.items() if name == "aia_cost_per_1000_predictions_dollars"]
    assert units == []  # no cost has the label of this model
    dollars = [
        value
        for (name, labels, _), value in points.items()
        if name == "aia_cost_billed_dollars" and ("kind", "net") in labels
    ]
    assert len(dollars) == 6
    assert all(1000 < value < 4000 for value in dollars)


def test_a_source_that_paused_is_forecast_from_its_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weeks without an order of a source: an older forecast of it counts, whichever day is computed first."""
    shop = past.SHOP
    day = (shop.ordered_at - shop.ordered_at[0]) // (24 * 60)
    kept = ~((shop.source == "shop-world") & (day > 30) & (day < 62))
    columns = {name: getattr(shop, name)[kept] for name in ("ordered_at", "source", "customer", "dollars")}
    monkeypatch.setattr(past, "SHOP", replace(shop, **columns))
    whole, parts = build(settings=NO_CUSTOMERS), build(settings=NO_CUSTOMERS)
    points = by_series(whole.run(midnights(9)))
    assert by_series([*parts.run(midnights(0)), *parts.run(midnights(9, 1))]) == points


def test_each_forecast_is_made_once() -> None:
    made: list[bytes] = []

    def counting(daily: np.ndarray[Any, Any], **given: Any) -> Any:
        made.append(daily.tobytes())
        return past.ONCE.forecaster(daily, **given)

    found = build(settings=NO_CUSTOMERS, estimates=Estimates(forecaster=counting))
    for first in (0, 2, 1):
        found.run(midnights(first, first))
    assert len(made) == len(set(made)) > 28


def not_made(*_: Any, **__: Any) -> Any:
    pytest.fail("an estimate that is on disk is made once more")


def test_estimates_from_disk_are_the_same_as_those_that_are_made(
    in_order: tuple[PastBusiness, dict[past.Key, float]], tmp_path: Path
) -> None:
    whole, points = in_order
    path = tmp_path / "aia" / "estimates.sqlite"
    made = build(estimates=estimates_on_disk(path, past.ONCE))
    assert by_series(made.run(midnights(3))) == points
    found = build(estimates=estimates_on_disk(path, Estimates(forecaster=not_made, valuer=not_made)))
    assert by_series(found.run(midnights(3))) == points
    span = TODAY - 60 * DAY, TODAY + DAY
    assert held(whole.tables(*span)) == held(made.tables(*span)) == held(found.tables(*span))
    assert whole.documents() == found.documents()


def test_the_past_has_no_escalations_and_satisfaction_leaves_them_out(
    in_order: tuple[PastBusiness, dict[past.Key, float]],
) -> None:
    _, points = in_order
    kinds = {dict(labels)["kind"] for name, labels, _ in points if name == "aia_attributed_revenue_dollars"}
    groups = {dict(labels)["stakeholder"] for name, labels, _ in points if name == "aia_stakeholder_satisfaction_ratio"}
    assert kinds == {"model"}
    assert groups == {"executive", "business"}


def test_models_and_user_experience_count_where_they_are_known() -> None:
    def models(since: datetime, until: datetime) -> list[ModelState]:
        return [ModelState(model="delay", window_end=until, drifted=True, accuracy=None)]

    def experience(since: datetime, until: datetime) -> list[ExperienceTotals]:
        return [ExperienceTotals(requests=100, failures=50, loads=0, load_seconds=None)]

    def satisfied(model: Model, **sources: Any) -> dict[str, float]:
        found = build(settings=Settings(jobs={}, models=(model,)), **sources).run(midnights(0))
        return {point.labels["stakeholder"]: point.value for point in found if "stakeholder" in point.labels}

    assert satisfied(MODEL) == {}
    known = satisfied(MODEL, models=models, experience=experience)
    assert known["technical"] < 0.5
    assert known["operations"] < 0.1


def test_tables_that_are_not_in_memory_are_left_out() -> None:
    elsewhere = replace(
        SETTINGS.business,
        orders=replace(ORDERS, table="elsewhere.orders"),
        market=replace(past.MARKET, table="elsewhere.sales"),
        spending=Spending(table="elsewhere.costs", timestamp="a", kind="b", amount="c"),
    )
    found = build(settings=replace(SETTINGS, business=elsewhere))
    assert found.run(midnights(0)) == []
    assert found.marts() == {}


def test_before_the_first_order_there_is_nothing_and_no_fault() -> None:
    long_ago = past.SHOP.first - 10 * DAY
    found = build(now=long_ago + 5 * HOUR)
    names = {point.name for point in found.run([long_ago.replace(hour=0, minute=0)])}
    assert not names & {"aia_revenue_dollars", "aia_customers"}
    assert [len(table) for table in found.marts().values()] == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "instants",
    [[TODAY, TODAY - DAY], [TODAY, TODAY], [TODAY + timedelta(minutes=5)]],
)
def test_instants_that_are_not_in_order_or_no_whole_hours_are_refused(instants: Sequence[datetime]) -> None:
    with pytest.raises(ValueError, match="instants: must be whole hours, each after the one before, got 2026"):
        build().run(instants)


def test_a_statement_that_the_past_does_not_have_is_refused() -> None:
    with pytest.raises(QueryError, match=r"new_rollup\.sql: is not computed for the past"):
        build().source.read(Query("new_rollup", ModelState))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_the_past_of_a_shop_in_another_time_zone_does_not_depend_on_the_parts_either(zone: str) -> None:
    settings = replace(NO_CUSTOMERS, business=replace(NO_CUSTOMERS.business, time_zone=zone))
    whole, parts = build(settings=settings), build(settings=settings)
    points = by_series(whole.run(midnights(2)))
    assert by_series([*parts.run(midnights(0)), *parts.run(midnights(2, 1))]) == points
    assert {"aia_revenue_expected_dollars", "aia_revenue_forecast_dollars"} <= {name for name, *_ in points}


def test_no_instants_are_no_points() -> None:
    found = build()
    assert (found.run([]), found.documents(), found.marts()) == ([], {}, {})
