"""Costs: nothing is lost in allocation, an anomaly is told from noise, and what is not known stays so."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.checks import EstimateError
from core.business.cost_anomalies import judge_day
from core.business.costs import UNALLOCATED, CostLine, allocate, per_1000_predictions, unallocated_ratio
from core.business.scans import Partitioning, ScanSource, TableScan, scan_sources
from core.settings import Billing, Business, MarketTable, Orders, SharedCost, Spending
from tests.support.builders.drift import MODEL

AMOUNT = st.floats(-1e6, 1e6)
LINES = st.lists(
    st.builds(
        CostLine,
        service=st.sampled_from(["BigQuery", "Vertex AI", "Networking"]),
        model=st.sampled_from([None, "churn", "delay", UNALLOCATED]),
        dollars=AMOUNT,
    ),
    max_size=12,
)
RULES = (SharedCost(service="BigQuery"), SharedCost(service="Networking", shares={"churn": 0.5, "delay": 0.25}))
COUNTS = st.none() | st.dictionaries(st.sampled_from(["churn", "delay"]), st.integers(0, 10**9))


@given(LINES, COUNTS)
def test_allocated_and_unallocated_costs_are_all_costs(lines: list[CostLine], counts: dict[str, int] | None) -> None:
    found = allocate(lines, RULES, counts)
    total = math.fsum(line.dollars for line in lines)
    assert math.fsum(cost.dollars for cost in found.values()) == pytest.approx(total, abs=1e-3)
    for name, cost in allocate(lines[::-1], RULES, counts).items():
        assert cost.dollars == pytest.approx(found[name].dollars, abs=1e-6)


def test_shared_costs_follow_predictions_and_stay_unallocated_without_any() -> None:
    lines = [CostLine(service="BigQuery", model=None, dollars=12.0)]
    found = allocate(lines, RULES, {"churn": 300, "delay": 100})
    assert {name: cost.shared for name, cost in found.items()} == {"churn": 9.0, "delay": 3.0, UNALLOCATED: 0.0}
    for counts in (None, {}, {"churn": 0}):
        assert allocate(lines, RULES, counts)[UNALLOCATED].dollars == 12.0


def test_a_label_that_says_unallocated_is_told_from_none() -> None:
    lines = [CostLine(service="a", model=name, dollars=1.0) for name in (None, UNALLOCATED)]
    assert list(allocate(lines, (), None)) == ["unallocated (label)", UNALLOCATED]


def test_an_amount_that_is_none_is_refused_by_its_service() -> None:
    with pytest.raises(EstimateError, match="dollars of Vertex AI must be finite, got nan"):
        allocate([CostLine(service="Vertex AI", model=None, dollars=math.nan)], (), None)


def test_ratios_are_not_known_where_nothing_was_spent() -> None:
    assert unallocated_ratio({"growth": 0.0}) is None
    assert unallocated_ratio({"growth": 30.0, UNALLOCATED: -10.0}) == 0.0
    assert unallocated_ratio({"growth": 10.0}) == 0.0
    assert per_1000_predictions(3.0, None) is None
    assert per_1000_predictions(-3.0, 1000) == -3.0


def usual(days: int, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    rng = np.random.default_rng(seed)
    weekday = np.where(np.arange(days) % 7 < 5, 20.0, 10.0)
    return weekday * rng.normal(1, 0.05, days)


TODAY = date(2026, 3, 2)


def test_a_day_that_costs_far_more_is_an_anomaly_and_usual_days_are_none() -> None:
    series = usual(120)
    over = [judge_day(series[:end], TODAY - timedelta(120 - end)) for end in range(60, 121)]
    assert sum(found is not None and found.over > 0 for found in over) <= 2
    spike = np.append(series, 80.0)
    found = judge_day(spike, TODAY)
    assert found is not None
    assert 55 < found.over < 75
    assert found.over == found.actual - found.expected


def test_few_dollars_are_no_anomaly_however_narrow_the_interval_is() -> None:
    steady = [10.0] * 60
    for last, is_one in ((14.0, False), (15.1, True), (2.0, False)):
        found = judge_day([*steady, last], TODAY)
        assert found is not None
        assert (found.over > 0) is is_one


def test_a_short_history_gives_no_verdict() -> None:
    assert judge_day([10.0] * 15, TODAY) is None
    assert judge_day([*[10.0] * 60, math.nan], TODAY) is None
    with pytest.raises(EstimateError, match="must have at least one day"):
        judge_day([], TODAY)


def source(**changed: object) -> ScanSource:
    given: dict[str, object] = {
        "name": "orders",
        "table": "shop.paid",
        "timestamp": "paid_at",
        "columns": ("paid_at", "id"),
        "look_back": timedelta(days=9),
        "every": timedelta(minutes=5),
    }
    return ScanSource(**(given | changed))  # type: ignore[arg-type]  # changed by name


def test_a_table_that_reads_all_of_itself_for_an_empty_day_is_not_partitioned() -> None:
    billion = 10**9 * 24
    scan = TableScan(source=source(), whole=billion, period=billion, empty_day=billion)
    assert scan.partitioning is Partitioning.UNPARTITIONED
    assert scan.advice == "partition shop.paid by DAY(paid_at)"
    assert scan.dollars_per_month == pytest.approx(24e9 / 2**40 * 6.25 * 8640)
    assert 0.9 * scan.dollars_per_month < scan.saving_per_month < scan.dollars_per_month
    pruned = TableScan(source=source(), whole=billion, period=billion // 40, empty_day=0)
    assert (pruned.partitioning, pruned.advice, pruned.saving_per_month) == (Partitioning.PARTITIONED, "", 0.0)
    small = TableScan(source=source(), whole=10**6, period=10**6, empty_day=10**6)
    assert (small.partitioning, small.advice) == (Partitioning.SMALL, "")
    unknown = TableScan(source=source(), whole=0, period=0, empty_day=0)
    assert (unknown.partitioning, unknown.saving_per_month) == (Partitioning.NOT_KNOWN, 0.0)


def test_every_table_that_the_settings_name_is_measured_once() -> None:
    business = Business(
        orders=Orders(table="a.paid", timestamp="t", id="id", source="s", amount="n"),
        spending=Spending(table="a.spent", timestamp="t", kind="k", amount="n"),
        market=MarketTable(table="a.paid", timestamp="t", id="id", company="c", ours="us"),
        billing=Billing(table="b.export"),
    )
    found = {one.table: one for one in scan_sources(business, [MODEL, MODEL])}
    assert set(found) == {"a.paid", "a.spent", "b.export", MODEL.table}
    assert found["a.paid"].name == "orders"
    assert found["b.export"].timestamp == "_PARTITIONTIME"
    assert set(MODEL.features.names) < set(found[MODEL.table].columns)
