"""What a fault costs: everything that earns and is reached counts once, with the worst that reaches it."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.incidents.impact import (
    TARGETS_LIMIT,
    Loss,
    accrue_loss,
    estimate_impact,
    estimate_loss,
    merge_losses,
    raise_severity,
    with_worst_shares,
)
from core.incidents.lifecycle import with_values
from core.incidents.measured import Measured, MeasuredRevenue
from core.incidents.model import Impact, Incident, OrdersAtRisk, State
from core.incidents.policy import Graph
from core.settings.response import ImpactPolicy, Revenue
from core.settings.types import Dependency

AT = datetime(2026, 1, 2, 9, tzinfo=UTC)
POLICY = ImpactPolicy()
CHAIN = Graph(
    [
        Dependency(target="model/m", needs="table/t"),
        Dependency(target="page/p", needs="model/m", share=0.5),
        Dependency(target="page/p", needs="table/t", share=0.1),
    ]
)
REVENUE = {
    "model/m": Revenue(dollars_per_hour=1000.0, uncertainty=0.3),
    "page/p": Revenue(dollars_per_hour=800.0, uncertainty=1.0),
}


def usual(orders: str, dollars: float, low: float, high: float) -> MeasuredRevenue:
    return MeasuredRevenue(orders=orders, dollars_per_hour=dollars, low=low, high=high, basis="usual")


NAMES = ("a", "b", "c", "d", "e")
FIRING = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(Severity)), max_size=6)
EDGES = st.lists(
    st.builds(
        Dependency,
        target=st.sampled_from(NAMES),
        needs=st.sampled_from(NAMES),
        share=st.floats(0, 1),
    ),
    max_size=10,
)
EARNS = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(Revenue, dollars_per_hour=st.floats(0, 1e6), uncertainty=st.floats(0, 1)),
)
STREAMS = st.dictionaries(  # a stream has one revenue, whichever targets it is of
    st.sampled_from(("shop", "app", "calls")),
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    min_size=1,
).map(lambda found: [usual(orders, *numbers) for orders, numbers in found.items()])
MEASURES = STREAMS.flatmap(
    lambda streams: st.dictionaries(
        st.sampled_from(NAMES), st.lists(st.sampled_from(streams), unique_by=lambda one: one.orders).map(tuple)
    )
)


def at_risk(*firing: tuple[str, Severity], measured: Measured | None = None) -> Impact:
    found = estimate_impact(firing, CHAIN, REVENUE, POLICY, measured)
    assert found is not None
    return found


def dollars(found: Impact | None) -> float:
    return found.dollars_per_hour if found else 0.0


def test_a_fault_puts_at_risk_what_needs_it_over_the_worst_way() -> None:
    found = at_risk(("table/t", Severity.CRITICAL))
    assert found.dollars_per_hour == pytest.approx(1000 + 0.5 * 800)
    assert found.targets == ("model/m", "page/p")
    assert found.reason == "model/m: 100% of $1,000 an hour (settings); page/p: 50% of $800 an hour (settings)"


def test_each_earner_counts_once_however_much_fires() -> None:
    both = at_risk(("table/t", Severity.CRITICAL), ("model/m", Severity.WARNING), ("page/p", Severity.ERROR))
    assert both.dollars_per_hour == pytest.approx(at_risk(("table/t", Severity.CRITICAL)).dollars_per_hour)
    worse = at_risk(("table/t", Severity.CRITICAL), ("page/p", Severity.CRITICAL))
    assert worse.dollars_per_hour == pytest.approx(1800)


def test_severity_says_how_much_is_at_risk() -> None:
    assert at_risk(("page/p", Severity.WARNING)).dollars_per_hour == pytest.approx(80)
    assert at_risk(("page/p", Severity.ERROR)).dollars_per_hour == pytest.approx(400)


def test_independent_uncertainties_add_in_quadrature() -> None:
    found = at_risk(("table/t", Severity.CRITICAL))
    half = math.hypot(0.3 * 1000, 0.5 * 800)
    assert [found.low, found.high] == pytest.approx([1400 - half, 1400 + half])


def test_what_was_measured_is_preferred_with_its_own_interval() -> None:
    measured = {"model/m": (usual("shop", 600.0, 500.0, 900.0),)}
    found = at_risk(("model/m", Severity.CRITICAL), measured=measured)
    assert found.dollars_per_hour == pytest.approx(600 + 400)
    assert found.low == pytest.approx(1000 - math.hypot(100, 400))
    assert found.high == pytest.approx(1000 + math.hypot(300, 400))
    assert found.reason.startswith(
        "model/m: 100% of $600 an hour (usual of orders of shop); page/p: 50% of $800 an hour (settings)"
    )
    assert found.orders == (OrdersAtRisk("shop", 1.0, 600.0),)


def test_what_only_a_measurement_knows_counts_too() -> None:
    measured = {"table/t": (usual("shop", 50.0, 40.0, 60.0),)}
    found = estimate_impact([("table/t", Severity.CRITICAL)], Graph(), {}, POLICY, measured)
    assert (dollars(found), found.targets if found else ()) == (50.0, ("table/t",))


def test_settings_count_where_orders_are_not_known_and_the_reason_says_so() -> None:
    found = at_risk(("page/p", Severity.CRITICAL), measured={"page/p": ()})
    assert found.dollars_per_hour == pytest.approx(800)
    assert found.reason == "page/p: 100% of $800 an hour (settings; the usual revenue of its orders is not known)"
    assert found.orders == ()


def test_what_is_neither_measured_nor_in_the_settings_is_named_as_not_known() -> None:
    firing = [("model/m", Severity.CRITICAL), ("page/p", Severity.CRITICAL)]
    found = estimate_impact(firing, CHAIN, {"model/m": REVENUE["model/m"]}, POLICY, {"page/p": ()})
    assert found is not None
    assert found.reason == "model/m: 100% of $1,000 an hour (settings); not known of page/p"
    assert estimate_impact([("page/p", Severity.CRITICAL)], CHAIN, {}, POLICY, {"page/p": ()}) is None


def test_orders_of_several_targets_count_once_with_the_worst_share() -> None:
    shop, app = usual("shop", 600.0, 500.0, 900.0), usual("app", 100.0, 50.0, 200.0)
    measured = {"model/m": (shop,), "page/p": (shop, app)}
    found = at_risk(("table/t", Severity.CRITICAL), measured=measured)
    assert found.dollars_per_hour == pytest.approx(600 + 0.5 * 100)
    assert found.orders == (OrdersAtRisk("shop", 1.0, 600.0), OrdersAtRisk("app", 0.5, 50.0))
    assert found.targets == ("model/m", "page/p")
    assert found.reason == (
        "model/m: 100% of $600 an hour (usual of orders of shop); page/p: 50% of $100 an hour (usual of orders of app)"
    )
    alone = at_risk(("page/p", Severity.CRITICAL), measured=measured)
    assert alone.reason == "page/p: 100% of $700 an hour (usual of orders of shop, app)"


def test_the_largest_share_that_was_at_risk_is_kept_for_the_loss() -> None:
    measured = {"page/p": (usual("shop", 600.0, 500.0, 900.0),)}
    worst, eased = (
        at_risk(("page/p", severity), measured=measured) for severity in (Severity.CRITICAL, Severity.WARNING)
    )
    after = with_worst_shares(eased, worst)
    assert after is not None
    assert after.dollars_per_hour == pytest.approx(60)
    assert after.orders == (OrdersAtRisk("shop", 1.0, pytest.approx(60.0)),)
    assert with_worst_shares(worst, eased) == worst
    assert with_worst_shares(None, worst) is None
    elsewhere = with_worst_shares(at_risk(("model/m", Severity.CRITICAL)), worst)
    assert elsewhere is not None
    assert elsewhere.orders == (OrdersAtRisk("shop", 1.0, 0.0),)


def test_less_than_nothing_is_never_at_risk() -> None:
    refunds = {"page/p": (usual("shop", -5.0, -10.0, 20.0),)}
    found = at_risk(("page/p", Severity.CRITICAL), measured=refunds)
    assert (found.dollars_per_hour, found.low, found.high) == (0.0, 0.0, 20.0)


def test_there_is_no_impact_where_nothing_that_earns_is_affected() -> None:
    assert estimate_impact([], CHAIN, REVENUE, POLICY) is None
    assert estimate_impact([("other/x", Severity.CRITICAL)], CHAIN, REVENUE, POLICY) is None
    assert estimate_impact([("model/m", Severity.INFO)], CHAIN, REVENUE, POLICY) is None
    unhurt = Graph([Dependency(target="page/p", needs="cache/c", share=0.0)])
    assert estimate_impact([("cache/c", Severity.CRITICAL)], unhurt, REVENUE, POLICY) is None


def test_a_circle_ends() -> None:
    circle = Graph(
        [Dependency(target="model/m", needs="page/p"), Dependency(target="page/p", needs="model/m", share=0.5)]
    )
    assert dollars(estimate_impact([("model/m", Severity.CRITICAL)], circle, REVENUE, POLICY)) == pytest.approx(1400)


def test_only_the_most_at_risk_are_named() -> None:
    revenue = {f"page/{n}": Revenue(dollars_per_hour=100.0 * n) for n in range(1, 9)}
    found = estimate_impact([(target, Severity.CRITICAL) for target in revenue], Graph(), revenue, POLICY)
    assert found is not None
    assert len(found.targets) == TARGETS_LIMIT
    assert found.targets[0] == "page/8"
    assert found.reason.endswith("page/6: 100% of $600 an hour (settings); and 5 more")


@given(FIRING, EDGES, EARNS, MEASURES, st.randoms())
def test_order_does_not_matter(
    firing: list[tuple[str, Severity]],
    edges: list[Dependency],
    revenue: dict[str, Revenue],
    measured: Measured,
    random: Random,
) -> None:
    found = estimate_impact(firing, Graph(edges), revenue, POLICY, measured)
    shuffled = list(firing)
    random.shuffle(shuffled)
    turned = dict(reversed(revenue.items()))
    assert estimate_impact(shuffled * 2, Graph(edges), turned, POLICY, measured) == found


@given(FIRING, EDGES, EARNS, MEASURES)
def test_the_interval_holds_the_estimate(
    firing: list[tuple[str, Severity]],
    edges: list[Dependency],
    revenue: dict[str, Revenue],
    measured: Measured,
) -> None:
    found = estimate_impact(firing, Graph(edges), revenue, POLICY, measured)
    if found is not None:
        assert 0 <= found.low <= found.dollars_per_hour <= found.high < math.inf


@given(FIRING, EDGES, EARNS, MEASURES, st.integers(0, 5))
def test_worse_is_never_cheaper(
    firing: list[tuple[str, Severity]],
    edges: list[Dependency],
    revenue: dict[str, Revenue],
    measured: Measured,
    at: int,
) -> None:
    graph = Graph(edges)
    before = dollars(estimate_impact(firing, graph, revenue, POLICY, measured))
    worse = [(target, Severity.CRITICAL if n == at else severity) for n, (target, severity) in enumerate(firing)]
    assert dollars(estimate_impact(worse, graph, revenue, POLICY, measured)) >= before * (1 - 1e-12)
    more = [*firing, (NAMES[at % len(NAMES)], Severity.ERROR)]
    assert dollars(estimate_impact(more, graph, revenue, POLICY, measured)) >= before * (1 - 1e-12)


def test_money_raises_the_severity_and_never_lowers_it() -> None:
    policy = ImpactPolicy(raises={Severity.ERROR: 100.0, Severity.CRITICAL: 1000.0})
    cost = Impact(dollars_per_hour=100.0, low=0.0, high=200.0, targets=("model/m",), reason="")
    assert raise_severity(Severity.WARNING, cost, policy) is Severity.ERROR
    assert raise_severity(Severity.CRITICAL, cost, policy) is Severity.CRITICAL
    assert raise_severity(Severity.WARNING, replace(cost, dollars_per_hour=99.9), policy) is Severity.WARNING
    assert raise_severity(Severity.WARNING, replace(cost, dollars_per_hour=1e6), policy) is Severity.CRITICAL
    assert raise_severity(Severity.WARNING, None, policy) is Severity.WARNING


COST = Impact(dollars_per_hour=600.0, low=300.0, high=1200.0, targets=("model/m",), reason="")
INCIDENT = Incident(
    id="i",
    target="model/m",
    title="t",
    state=State.OPEN,
    severity=Severity.ERROR,
    category="drift",
    opened_at=AT,
    impact=COST,
)
MINUTES = st.integers(-30, 90)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def test_the_loss_is_what_was_counted_and_what_the_newest_impact_adds() -> None:
    assert estimate_loss(INCIDENT, after(30)) == Loss(dollars=300.0, low=150.0, high=600.0)
    counted = replace(INCIDENT, loss=50.0, loss_low=20.0, loss_high=80.0, loss_until=after(20))
    assert estimate_loss(counted, after(30)) == Loss(dollars=150.0, low=70.0, high=280.0)
    assert estimate_loss(counted, after(10)) == Loss(dollars=50.0, low=20.0, high=80.0)
    assert estimate_loss(replace(counted, impact=None), after(30)) == Loss(dollars=50.0, low=20.0, high=80.0)


def test_what_is_mitigated_closed_or_over_loses_no_more() -> None:
    mitigated = replace(INCIDENT, mitigated_at=after(10), resolved_at=after(20))
    assert estimate_loss(mitigated, after(30)).dollars == 100.0
    assert estimate_loss(replace(INCIDENT, resolved_at=after(20)), after(30)).dollars == 200.0
    assert estimate_loss(replace(INCIDENT, closed_at=after(5), resolved_at=after(20)), after(30)).dollars == 50.0
    assert estimate_loss(replace(INCIDENT, acknowledged_at=after(5)), after(30)).dollars == 300.0


def test_what_came_back_lost_nothing_in_between() -> None:
    over = replace(INCIDENT, resolved_at=after(1))
    fields = accrue_loss(over, after(20))
    assert fields == {"loss": 10.0, "loss_low": 5.0, "loss_high": 20.0, "loss_until": after(20)}
    back = with_values(over, {**fields, "resolved_at": None, "reopened_at": after(20)})
    assert estimate_loss(back, after(22)).dollars == 30.0


def test_what_came_late_is_not_counted_twice() -> None:
    counted = with_values(INCIDENT, accrue_loss(INCIDENT, after(30)))
    assert accrue_loss(counted, after(10)) == accrue_loss(INCIDENT, after(30))
    assert accrue_loss(INCIDENT, after(-10))["loss_until"] is None
    over = replace(INCIDENT, resolved_at=after(30))
    assert accrue_loss(over, after(10)) == accrue_loss(INCIDENT, after(30)), "it came back before it was over"


def test_the_whole_has_lost_what_its_parts_lost() -> None:
    assert merge_losses(INCIDENT, [], after(30)) is INCIDENT
    part = replace(INCIDENT, id="part", opened_at=after(-30))
    whole = merge_losses(INCIDENT, [part, replace(part, resolved_at=after(-24))], after(30))
    assert (whole.loss, whole.loss_low, whole.loss_high, whole.loss_until) == (660.0, 330.0, 1320.0, AT)
    assert estimate_loss(whole, after(30)).dollars == 960.0


@given(
    st.lists(st.tuples(MINUTES, st.none() | st.floats(0, 1e5)), max_size=12),
    st.none() | MINUTES,
    st.none() | MINUTES,
    MINUTES,
)
def test_however_impacts_come_the_loss_is_bounded_by_the_worst_of_them(
    changes: list[tuple[int, float | None]], mitigated: int | None, resolved: int | None, until: int
) -> None:
    ends = {
        name: None if end is None else after(end)
        for name, end in (("mitigated_at", mitigated), ("resolved_at", resolved))
    }
    incident = with_values(INCIDENT, ends)
    for minute, rate in changes:
        cost = (
            None if rate is None else Impact(dollars_per_hour=rate, low=rate / 2, high=rate * 2, targets=(), reason="")
        )
        incident = with_values(incident, {**accrue_loss(incident, after(minute)), "impact": cost})
    found = estimate_loss(incident, after(until))
    worst = max([COST.dollars_per_hour, *(rate for _, rate in changes if rate is not None)])
    hours = max(0, *(90 if end is None else end for end in (mitigated, resolved))) / 60
    assert 0 <= found.low <= found.dollars * (1 + 1e-9)
    assert found.dollars <= found.high * (1 + 1e-9)
    assert found.dollars <= worst * hours * (1 + 1e-9)
