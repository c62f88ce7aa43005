"""bi_rollup over real BigQuery calls: revenue by dimension, and the return on investment of each model with its basis."""

import random
from dataclasses import replace
from typing import Any

import pytest

from core.settings import Business, Cost, Exposures, ModelReturn, Returns, Revenue
from functions.adapters.ports import Data
from tests.support.builders.business import DAY, HOUR, ORDERS, SETTINGS, TICK, TODAY, Row, World, only, order, rounded
from tests.support.builders.drift import MODEL

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]
EXPOSED = Exposures(table="telemetry.orders", timestamp="ordered_at", customer="customer_id", model="model", arm="arm")
RANKER = ModelReturn(control="old", days=30, cost_share=0.25, investment=720.0)
WITH_ARMS = Business(
    orders=replace(ORDERS, model="model", version="model_version", arm="arm", device="device", country="country"),
    costs={"serving": Cost(dollars_per_hour=1.0)},
    roi=Returns(minimum_customers=20, models={"ranker": RANKER, "prices": ModelReturn(share=0.5)}),
)


def shopper(number: int, arm: str, dollars: float, **changed: Any) -> Row:
    labels = {"model": "ranker", "arm": arm, "model_version": "2" if arm == "new" else None, "device": "mobile"}
    return order(f"{arm}-{number}", TODAY - 2 * DAY, dollars, customer_id=f"{arm}{number}", **labels) | changed


def returns(world: World) -> dict[tuple[str, str], Data]:
    rows = world.warehouse.query("SELECT * FROM marts.model_roi WHERE day = @day", day=TODAY)
    return {(row["model"], row["arm"]): rounded(row) for row in rows}


def dimensions(world: World) -> dict[tuple[str, str], tuple[float, int, int]]:
    rows = world.warehouse.query("SELECT * FROM marts.revenue_by_dimension_daily")
    return {(row["dimension"], row["value"]): (row["net"], row["payments"], row["customers"]) for row in rows}


@pytest.fixture
def two_arms(empty: World) -> World:
    """Forty customers an arm; those with the model pay ten dollars more."""
    empty.jobs = only("revenue", "reconciliation", "dimensions", "model_roi")
    empty.settings = replace(SETTINGS, business=WITH_ARMS)
    rng = random.Random(1)
    empty.order(
        *(
            shopper(number, arm, 50.0 + 10.0 * (arm == "new") + rng.randint(-5, 5))
            for number in range(40)
            for arm in ("old", "new")
        )
    )
    return empty


def test_the_arms_of_an_experiment_give_the_return_with_its_interval(two_arms: World) -> None:
    two_arms.order(order("p", TODAY - DAY, 100.0, model="prices", customer_id=None))
    two_arms.tick()
    found = returns(two_arms)["ranker", "new"]
    assert (found["basis"], found["reason"], found["customers"]) == ("experiment", None, 40)
    assert found["effect_low_95"] < found["effect_low"] < 10.0 < found["effect_high"] < found["effect_high_95"]
    assert found["revenue_middle"] == pytest.approx(40 * found["effect_middle"])
    assert (found["cost"], found["cost_basis"]) == (180.0, "0.25 of all costs, as stated")
    assert found["roi_middle"] == pytest.approx((found["revenue_middle"] - 180.0) / 180.0)
    assert found["payback_middle"] == pytest.approx(720.0 / (found["revenue_middle"] - 180.0))
    assert (found["verdict"], found["target"]) == ("good", 0.5)
    labels = ("-", "share", "prices")
    assert two_arms.value("aia_model_attributed_revenue_dollars", "-", "share", "middle", "prices") == 50.0
    assert two_arms.value("aia_model_roi_known", *labels) == 1.0
    assert returns(two_arms)["prices", ""]["verdict"] == "bad"  # 50 dollars against three quarters of all costs
    before = returns(two_arms)
    two_arms.forget()
    two_arms.tick()
    assert returns(two_arms) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"minimum_customers": 41}, "too few customers: 'new' has 40, 'old' has 40, 41 are needed"),
        ({"control": "older"}, "no customer in the control arm 'older'"),
        ({"split": {"old": 0.8, "new": 0.2}}, "sample ratio mismatch: 'new' 40, 'old' 40 do not fit the planned split"),
        ({"costs": {}}, "no cost is known of it"),
        ({"costs": {"serving": Cost(dollars_per_hour=0.0)}}, "its cost is not above 0: $0"),
    ],
)
def test_what_is_not_known_has_its_reason_and_no_number(two_arms: World, change: dict[str, Any], reason: str) -> None:
    roi = WITH_ARMS.roi
    changed = replace(RANKER, **{key: value for key, value in change.items() if key in ("control", "split")})
    minimum = change.get("minimum_customers", roi.minimum_customers)
    business = replace(
        WITH_ARMS,
        costs=change.get("costs", WITH_ARMS.costs),
        roi=Returns(minimum_customers=minimum, models={"ranker": changed}),
    )
    two_arms.settings = replace(SETTINGS, business=business)
    two_arms.tick()
    [found] = returns(two_arms).values()
    assert found["reason"].startswith(reason)
    assert (found["verdict"], found["roi_middle"]) == ("not known", None)
    assert {name for name, *_ in two_arms.metrics.values} & {
        "aia_model_roi_ratio",
        "aia_model_payback_seconds",
    } == set()
    [known] = [value for (name, *_), value in two_arms.metrics.values.items() if name == "aia_model_roi_known"]
    assert known == 0.0


def test_a_model_without_orders_has_what_the_settings_state(empty: World) -> None:
    empty.jobs = only("dimensions", "model_roi")
    business = replace(WITH_ARMS, roi=Returns())
    empty.settings = replace(
        SETTINGS, models=(MODEL,), revenue={MODEL.target: Revenue(dollars_per_hour=2.0)}, business=business
    )
    empty.tick()
    [found] = returns(empty).values()
    assert (found["basis"], found["revenue_middle"], found["roi_middle"]) == ("stated", 1440.0, 1.0)
    assert (found["revenue_low"], found["verdict"]) == (None, "good")


def test_customers_who_were_exposed_and_did_not_order_count(two_arms: World) -> None:
    two_arms.settings = replace(SETTINGS, business=replace(WITH_ARMS, exposures=EXPOSED))
    idle = [shopper(number, arm, 0.0, outcome="failed") for number in range(40, 80) for arm in ("old", "new")]
    two_arms.order(*idle, shopper(0, "new", 5.0, order_id="crossed", customer_id="old0"))
    two_arms.tick()
    found = returns(two_arms)["ranker", "new"]
    assert found["customers"] == 80
    assert found["effect_middle"] < 8.0
    assert "1 customers of several arms left out" in found["basis_text"]


def test_refunds_follow_their_order_and_late_rows_their_day(two_arms: World) -> None:
    two_arms.tick()
    before = dimensions(two_arms)
    assert {key[0] for key in before} == {"source", "model", "version", "arm", "device", "country"}
    refund = order("new-1", TODAY - HOUR, -30.0, customer_id="new1")
    two_arms.order(refund, refund, order("late", TODAY - 9 * DAY, 7.0, device="desktop", customer_id="new1"))
    two_arms.tick(TICK + DAY)
    rows = two_arms.warehouse.query(
        "SELECT value, SUM(net) AS net, SUM(refund) AS refund FROM marts.revenue_by_dimension_daily GROUP BY dimension, value"
    )
    found = {row["value"]: (row["net"], row["refund"]) for row in rows}
    assert found["ranker/new"] == (before["arm", "ranker/new"][0] - 30.0, 30.0)
    assert found["desktop"] == (7.0, 0.0)
    marts = ("revenue_by_dimension_daily", "customer_arm_days")
    written = [_rows(two_arms, name) for name in marts]
    two_arms.forget()
    two_arms.tick(TICK + DAY)
    assert [_rows(two_arms, name) for name in marts] == written


def _rows(world: World, name: str) -> list[str]:
    return sorted(map(repr, world.warehouse.query(f"SELECT * FROM marts.{name}")))
