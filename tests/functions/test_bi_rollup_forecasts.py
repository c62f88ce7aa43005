"""bi_rollup over real BigQuery calls and a real store: forecasts and their accuracy."""

import math

import numpy as np
import pytest

from functions.bi_rollup import forecasts, rollup, sources, totals
from tests.support.builders.business import DAY, FIVE, HOUR, ORDERS, SHOP, TICK, TODAY, World, only, order, weeks

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]


def test_forecasts_are_made_for_today_and_for_the_weeks_before_and_once(shop: World) -> None:
    shop.jobs = only("revenue", "forecasts")
    shop.tick()
    rows = shop.warehouse.query("SELECT made_at, day, low, middle, high FROM ops.revenue_forecasts")
    made = {row["made_at"] for row in rows}
    assert (min(made), max(made), len(made)) == (TODAY - 28 * DAY, TODAY, 29)
    assert sum(row["made_at"] == TODAY for row in rows) == 30
    assert all(row["low"] <= row["middle"] <= row["high"] for row in rows)
    bounds = [shop.value("aia_revenue_forecast_dollars", bound, SHOP) for bound in ("low", "middle", "high")]
    assert bounds == sorted(bounds, key=lambda dollars: dollars or 0.0)
    assert bounds[0] is not None
    assert 0 < (shop.value("aia_forecast_error_ratio", SHOP) or 0) < 0.5
    assert (shop.value("aia_forecast_coverage_ratio", SHOP) or 0) > 0.6
    query = "SELECT * FROM ops.revenue_forecast_totals WHERE made_at <= @until ORDER BY source, made_at"
    before = shop.warehouse.query(query, until=TODAY)
    shop.tick(TICK)  # delivered twice
    shop.order(*(order(f"x{n}", TODAY - 3 * DAY + n * HOUR, 9000.0) for n in range(20)))
    shop.tick(TICK + DAY)
    assert shop.warehouse.query(query, until=TODAY) == before


def test_all_sources_together_have_a_forecast_with_an_interval_of_its_own(empty: World) -> None:
    empty.jobs = only("revenue", "forecasts")
    rng = np.random.default_rng(1)
    for n in range(4):
        dollars = rng.lognormal(4, 0.7, 60)
        empty.order(
            *(order(f"{n}-{day}", TODAY - day * DAY + HOUR, dollars[day - 1], source=f"s{n}") for day in range(1, 61))
        )
    empty.tick()
    width = {
        source: (_total(empty, "high", source) - _total(empty, "low", source))
        for source in (None, "s0", "s1", "s2", "s3")
    }
    assert 0 < width[None] < 0.8 * sum(width[f"s{n}"] for n in range(4))
    middle = sum(_total(empty, "middle", f"s{n}") for n in range(4))
    assert _total(empty, "middle", None) == pytest.approx(middle, rel=0.15)
    assert empty.value("aia_revenue_forecast_dollars", "middle", totals.ALL) is None  # sums over sources count it once
    stored = {row["source"] for row in empty.warehouse.query("SELECT source FROM ops.revenue_forecasts")}
    assert stored == {"s0", "s1", "s2", "s3"}


def test_the_accuracy_of_a_total_is_known_when_its_days_are_over(shop: World) -> None:
    shop.jobs = only("revenue", "forecasts")
    shop.tick()
    stored = (
        "SELECT source, made_at, low, middle, high, naive FROM ops.revenue_forecast_totals ORDER BY source, made_at"
    )
    rows = shop.warehouse.query(stored)
    assert [row["source"] for row in rows] == [totals.ALL] * 29 + [SHOP] * 29
    assert shop.value("aia_forecast_totals", SHOP) is None
    shop.order(*(order(f"y{n}", TODAY + n * DAY + HOUR, 300.0) for n in range(2)))
    shop.tick(TICK + 2 * DAY)
    [first, *_] = [row for row in rows if row["source"] == SHOP]
    span = {"since": first["made_at"], "until": first["made_at"] + 30 * DAY}
    [sold] = shop.warehouse.query(
        "SELECT SUM(dollars) AS dollars FROM marts.revenue_hourly WHERE hour >= @since AND hour < @until", **span
    )
    for source in (SHOP, totals.ALL):
        assert shop.value("aia_forecast_totals", source) == 1.0
        assert shop.value("aia_forecast_total_coverage_ratio", source) == float(
            first["low"] <= sold["dollars"] <= first["high"]
        )
        for method, made in (("forecast", first["middle"]), ("seasonal_naive", first["naive"])):
            error = shop.value("aia_forecast_total_error_ratio", method, source)
            assert error == pytest.approx(abs(made - sold["dollars"]) / sold["dollars"])
            assert (shop.value("aia_forecast_total_scaled_error_ratio", method, source) or 0.0) > 0.0


def test_a_forecast_uses_no_later_days(shop: World) -> None:
    shop.jobs = only("revenue", "forecasts")
    shop.tick()
    before = _forecasts(shop)
    shop.order(*(order(f"x{n}", TODAY - 3 * DAY + n * HOUR, 9000.0) for n in range(60)))
    shop.forget()
    shop.tick()
    for at in (TODAY - 28 * DAY, TODAY - 3 * DAY):
        assert _forecasts(shop)[at] == [(day, pytest.approx(middle)) for day, middle in before[at]]
    assert _forecasts(shop)[TODAY] != before[TODAY]


def test_a_day_without_a_run_is_forecast_later_and_the_others_are_kept(shop: World) -> None:
    shop.jobs = only("revenue", "forecasts")
    shop.tick(TICK - 3 * DAY)
    shop.tick(TICK)
    assert len(_forecasts(shop)) == 32


def test_expected_revenue_is_the_forecast_made_before(shop: World) -> None:
    shop.jobs = only("revenue", "forecasts")
    shop.tick(TODAY)
    assert shop.value("aia_revenue_expected_dollars", SHOP) is None  # nothing had been forecast yet
    shop.tick(TODAY + FIVE)
    [row] = shop.warehouse.query(
        "SELECT middle, mean FROM ops.revenue_forecasts WHERE made_at = @day AND day = @day", day=TODAY - DAY
    )
    expected = shop.value("aia_revenue_expected_dollars", SHOP)
    assert expected == pytest.approx(row["mean"], rel=1e-9)
    assert row["mean"] > row["middle"]  # nobody buys at night: nothing of today's counts yet
    shop.client.query("UPDATE ops.revenue_forecasts SET mean = NULL, middle = 70.0 WHERE TRUE").result()
    shop.tick(TODAY + 2 * FIVE)  # of an older version, which had no mean
    assert shop.value("aia_revenue_expected_dollars", SHOP) == pytest.approx(70.0)


def test_forecasts_are_made_some_days_a_step_and_continue_there(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "STEPS", 5)
    shop.jobs = only("revenue", "forecasts")
    shop.order(*(order(f"old-{ago}", TODAY - ago * DAY, outcome="failed") for ago in range(100, 600, 95)))
    for n, days in enumerate((0, 20, 29)):  # the mart in seven steps, then four days a step
        shop.tick(TICK + n * FIVE)
        assert len(_forecasts(shop)) == days
    assert shop.value("aia_revenue_forecast_dollars", "middle", SHOP) is not None
    assert sum(len(days) for days in _forecasts(shop).values()) == 28 * 7 + 30


def test_the_largest_sources_have_metrics_and_the_rest_is_one_more(
    empty: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    empty.jobs = only("revenue", "forecasts")
    for n, name in enumerate(("a", "b", "c", "d")):
        empty.order(*(order(f"{name}{day}", TODAY - day * DAY + HOUR, 100.0 - n, source=name) for day in range(40)))
    empty.tick()
    assert empty.value("aia_revenue_dollars", "b") == 99.0
    assert empty.value("aia_revenue_dollars", "other") == 98.0 + 97.0
    assert empty.value("aia_revenue_dollars", "c") is None
    assert empty.value("aia_revenue_forecast_dollars", "middle", "other") == pytest.approx(30 * 195.0)
    assert empty.value("aia_forecast_error_ratio", "other") == pytest.approx(0.0)
    assert empty.value("aia_business_data_issues", "other_sources", "orders") == 2.0
    assert "sources without metrics of their own: they are summed up as `other`" in caplog.messages
    empty.tick(TICK + FIVE)
    assert empty.value("aia_revenue_expected_dollars", "other") is not None
    assert len({row["source"] for row in empty.hours()}) == 4


def test_days_whose_orders_may_be_late_are_unknown(shop: World) -> None:
    shop.jobs = only("revenue")
    for later, unknown in ((0, 0), (2, 2), (5, 3)):
        shop.tick(TODAY + later * DAY)
        [days] = forecasts.daily_revenue(shop.tables, TODAY + later * DAY, [], ORDERS.late).values()
        assert len(days) == 84 + later
        assert [math.isnan(day) for day in days] == [False] * (len(days) - unknown) + [True] * unknown


def test_a_short_history_is_not_forecast(empty: World) -> None:
    empty.jobs = only("revenue", "forecasts")
    empty.order(*weeks(TODAY, 1))
    empty.tick()
    assert empty.warehouse.query("SELECT * FROM ops.revenue_forecasts") == []
    assert empty.value("aia_revenue_forecast_dollars", "middle", SHOP) is None


def _forecasts(found: World) -> dict:  # type: ignore[type-arg]
    rows = found.warehouse.query("SELECT made_at, day, middle FROM ops.revenue_forecasts ORDER BY made_at, day")
    by_made: dict = {}  # type: ignore[type-arg]
    for row in rows:
        by_made.setdefault(row["made_at"], []).append((row["day"], row["middle"]))
    return by_made


def _total(world: World, bound: str, source: str | None) -> float:
    name = "aia_revenue_forecast_dollars" if source else "aia_revenue_forecast_total_dollars"
    found = world.value(name, *((bound, source) if source else (bound,)))
    assert found is not None
    return found
