"""Usual revenue and losses of incidents, from the booked hours of a shop in memory: what decisions and people are told."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from core.events import Severity
from core.incidents.impact import loss_within
from core.incidents.measured import MeasuredLoss, UsualRevenue
from core.incidents.model import Impact, Incident, OrdersAtRisk, State
from core.incidents.part import Part
from core.settings import Business, Settings
from core.settings.business import RevenueOf
from functions.adapters.ledger import Ledger
from functions.bi_rollup import incidents, losses, revenue, usual_revenue
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HOUR
from functions.services.incidents.documents import LOSSES, USUAL, USUAL_KEY, losses_of, usual_revenues
from infra.local.past.business_tables import MemoryTables
from infra.local.past.order_rows import OrderRows, RateRows
from tests.support.builders.business import ORDERS
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.recorders import RecordingMetrics

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)  # a Tuesday
BEGIN = NOON - 70 * DAY
MONEY = replace(ORDERS, tax="tax", currency="currency", test="is_test")
RATES = RateRows(quotes={"EUR": (np.array([0]), np.array([2.0]))}, max_age=100_000)
OPEN = range(8, 20)
ZONE = "UTC"


@dataclass
class Shop:
    """A shop whose orders come four an hour while it is open, but for `without`; and the incidents around it.

    Each is of 15 euros with 2.50 of tax in it: net $25. In the time of `without` there are test orders only. The currency of orders
    in the time of `no_rate` has no exchange rate.
    """

    without: list[tuple[datetime, datetime]] = field(default_factory=list)
    no_rate: list[tuple[datetime, datetime]] = field(default_factory=list)
    since: datetime = BEGIN
    zone: str = ZONE
    store: MemoryStore = field(default_factory=lambda: MemoryStore(Breaking()))
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    previous: RollupResult | None = None
    now: datetime = NOON

    def outside(self, due: datetime) -> Outside:
        settings = Settings(
            jobs={},
            business=Business(
                time_zone=self.zone, orders=MONEY, revenue_of={"stream/shop": RevenueOf(sources=("shop",))}
            ),
        )
        tables = MemoryTables(OrderRows.read(self.orders(due), settings.business, RATES))
        tables.hours.write(BEGIN, due + HOUR)
        return Outside(
            settings=settings,
            models=dict,
            tables=tables,
            incidents=partial(incidents.read, self.store),
            store=self.store,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: self.now, "test"),
        )

    def orders(self, due: datetime) -> pa.Table:
        minutes = np.arange(0, (due - self.since) / timedelta(minutes=1), 15)
        at = [self.since + timedelta(minutes=float(minute)) for minute in minutes]
        local = pa.array(at, pa.timestamp("us", self.zone))
        hours = pa.compute.hour(local).to_pylist()
        kept = [one for one, hour in zip(at, hours, strict=True) if hour in OPEN]
        columns: dict[str, list[Any]] = {
            "ordered_at": kept,
            "order_id": [one.isoformat() for one in kept],
            "source": ["shop"] * len(kept),
            "customer_id": ["ada"] * len(kept),
            "amount_dollars": [15.0] * len(kept),
            "tax": [2.5] * len(kept),
            "currency": ["JPY" if _lies_in(one, self.no_rate) else "EUR" for one in kept],
            "is_test": [_lies_in(one, self.without) for one in kept],
            "outcome": ["taken"] * len(kept),
        }
        return pa.table(columns | {"ordered_at": pa.array(kept, pa.timestamp("us", "UTC"))})

    def usual(self, due: datetime) -> UsualRevenue:
        usual_revenue.run(self.outside(due), due, None)
        return usual_revenues(self.store, lambda: self.now)()

    def measure(self, due: datetime) -> None:
        self.previous = losses.run(self.outside(due), due, self.previous)

    def loss(self, incident_id: str = "i") -> MeasuredLoss:
        return losses_of(self.store, [incident_id])[incident_id]

    def keep(self, *found: Incident) -> None:
        for one in found:
            data = msgspec.to_builtins(one, builtin_types=(datetime,))
            is_open = one.state is not State.RESOLVED
            over_on = "" if is_open or one.resolved_at is None else one.resolved_at.date().isoformat()
            more = {"conditions": [], "open": is_open, "over_on": over_on, "lasting_part": one.is_part and one.lasts}
            if one.part and one.is_part and one.lasts:
                more |= {"resolved_at": one.part.at, "over_on": one.part.at.date().isoformat()}
            document = self.store.get("incidents", one.id)
            if document:
                self.store.replace(document, "incidents", data | more)
            else:
                self.store.create("incidents", one.id, data | more)

    def value(self, name: str, *labels: str) -> float | None:
        values = self.previous.metrics if self.previous else ()
        return next((one.value for one in values if (one.name, *one.labels.values()) == (name, *labels)), None)


def _lies_in(at: datetime, spans: Iterable[tuple[datetime, datetime]]) -> bool:
    return any(since <= at < until for since, until in spans)


def impact(share: float = 1.0) -> Impact:
    at_risk = (OrdersAtRisk("shop", share, 100 * share),)
    return Impact(dollars_per_hour=100 * share, low=0, high=200, targets=("stream/shop",), reason="", orders=at_risk)


def incident(since: float, until: float | None = None, **changed: Any) -> Incident:
    """An incident of the shop from some hours after noon on."""
    end = None if until is None else NOON + until * HOUR
    fields: dict[str, Any] = {
        "id": "i",
        "target": "stream/shop",
        "title": "",
        "state": State.OPEN if end is None else State.RESOLVED,
        "severity": Severity.CRITICAL,
        "category": "availability",
        "impact": impact(),
        "resolved_at": end,
    }
    return Incident(opened_at=NOON + since * HOUR, **fields | changed)


def hours(*spans: tuple[float, float]) -> list[tuple[datetime, datetime]]:
    return [(NOON + since * HOUR, NOON + until * HOUR) for since, until in spans]


def near(*found: float) -> Any:
    return pytest.approx(found, abs=0.01)


def test_the_document_has_the_usual_revenue_of_the_hours_around() -> None:
    found = Shop().usual(NOON + timedelta(minutes=5))
    assert (found.made_at, found.first) == (NOON + timedelta(minutes=5), NOON - usual_revenue.BEFORE * HOUR)
    shop = found.orders["shop"]
    assert (shop.weeks, len(shop.dollars)) == (8, usual_revenue.BEFORE + usual_revenue.AHEAD)
    assert shop.dollars[usual_revenue.BEFORE] == 100.0
    assert {dollars for place, dollars in enumerate(shop.dollars) if (place + 6) % 24 not in OPEN} == {0.0}


def test_orders_that_may_be_late_are_left_out() -> None:
    stopped = Shop(without=[(NOON - 2 * DAY, NOON)])
    assert stopped.usual(NOON).orders == Shop().usual(NOON).orders


def test_a_new_shop_is_not_known_until_it_has_some_weeks() -> None:
    assert Shop(since=NOON - 20 * DAY).usual(NOON).orders == {}
    assert Shop(since=NOON - 27 * DAY).usual(NOON).orders["shop"].weeks == 3


def test_a_shop_that_was_only_tested_so_far_is_new() -> None:
    assert Shop(without=[(BEGIN, NOON - 20 * DAY)]).usual(NOON).orders == {}


def test_hours_without_an_exchange_rate_say_nothing_of_what_is_usual() -> None:
    weeks = [(NOON - (7 * week + 20) * DAY, NOON - (7 * week + 18) * DAY) for week in range(2)]
    found = Shop(no_rate=weeks).usual(NOON).orders["shop"]
    assert (found.dollars, found.weeks) == (Shop().usual(NOON).orders["shop"].dollars, 8)
    assert Shop(no_rate=[(BEGIN, NOON)]).usual(NOON).orders == {}


@pytest.mark.parametrize("month", [3, 10])
def test_hours_follow_the_clock_of_the_business_when_it_changes(month: int) -> None:
    change = datetime(2026, month, 29 if month == 3 else 25, tzinfo=UTC)
    shop = Shop(zone="Europe/Berlin", since=change - 70 * DAY)
    found = shop.usual(change).orders["shop"].dollars
    opening = 7 if month == 10 else 6  # eight o'clock in Berlin, in UTC
    after = usual_revenue.BEFORE + opening
    assert (found[after - 1], found[after]) == (0.0, pytest.approx(100.0))


def test_an_older_tick_does_not_replace_a_newer_document() -> None:
    shop = Shop()
    newer = shop.usual(NOON)
    assert shop.usual(NOON - HOUR) == newer


def test_an_outage_lost_what_did_not_come_and_the_loss_grows_while_it_lasts() -> None:
    shop = Shop(without=hours((0, 9)))
    shop.keep(incident(0))
    shop.usual(NOON)
    shop.measure(NOON + timedelta(minutes=30))
    assert (shop.loss().dollars, shop.loss().usual, shop.loss().actual) == near(50, 50, 0)
    shop.measure(NOON + 2 * HOUR)
    assert (shop.loss().dollars, shop.loss().final) == (pytest.approx(200), False)
    known = usual_revenues(shop.store, lambda: NOON)()
    assert known.losses == {"i": shop.loss()}
    assert known.orders["shop"].weeks == 8


def test_it_is_corrected_when_late_orders_came_and_final_afterwards() -> None:
    shop = Shop(without=hours((0, 2)))
    shop.keep(incident(0, 2))
    shop.measure(NOON + 3 * HOUR)
    assert shop.loss().dollars == pytest.approx(200)
    shop.without = hours((0, 1))  # those of the second hour came
    shop.measure(NOON + DAY)
    assert (shop.loss().dollars, shop.loss().final) == (pytest.approx(100), False)
    shop.measure(NOON + 2 * HOUR + ORDERS.late + DAY)
    assert (shop.loss().dollars, shop.loss().final) == (pytest.approx(100), True)
    final = shop.store.get(LOSSES, "i")
    shop.without = []
    shop.measure(NOON + 20 * DAY)
    assert shop.store.get(LOSSES, "i") == final


def test_what_is_mitigated_loses_no_more() -> None:
    shop = Shop(without=hours((0, 9)))
    shop.keep(incident(0, mitigated_at=NOON + HOUR))
    shop.measure(NOON + 5 * HOUR)
    assert (shop.loss().dollars, shop.loss().until) == (pytest.approx(100), NOON + HOUR)


def test_a_stopped_feed_is_not_known_for_a_drift() -> None:
    shop = Shop(without=hours((-3, 9)))
    shop.keep(incident(0, category="drift", impact=impact(0.1)))
    shop.measure(NOON + 4 * HOUR)
    assert shop.loss().unknown.startswith("no orders of shop arrived since 2026-03-03 09:00 UTC")
    assert shop.value("aia_incident_losses", "not_known") == 1
    assert shop.value("aia_incident_loss_dollars", "middle") is None


def test_orders_without_an_exchange_rate_are_no_loss_and_it_is_known_when_the_rate_came() -> None:
    shop = Shop(no_rate=hours((1, 2)))
    shop.keep(incident(0, 3))
    shop.measure(NOON + HOUR)
    assert (shop.loss().dollars, shop.loss().unknown) == (0.0, "")
    shop.measure(NOON + 2 * HOUR)
    assert shop.loss().unknown == "orders of shop have no exchange rate"
    assert shop.value("aia_incident_losses", "not_known") == 1
    shop.no_rate = []
    shop.measure(NOON + DAY)
    assert (shop.loss().dollars, shop.loss().actual, shop.loss().unknown) == (0.0, pytest.approx(300), "")


def test_no_orders_at_night_are_no_loss() -> None:
    shop = Shop()
    shop.keep(incident(9, 17, category="drift"))
    shop.measure(NOON + 18 * HOUR)
    assert (shop.loss().dollars, shop.loss().unknown) == (0.0, "")


def test_overlapping_incidents_add_up_to_what_was_lost() -> None:
    shop = Shop(without=hours((0, 4)))
    shop.keep(incident(0, 4), incident(2, 4, id="j"))
    shop.measure(NOON + 5 * HOUR)
    assert (shop.loss("i").dollars, shop.loss("j").dollars) == near(300, 100)
    assert shop.value("aia_incident_loss_dollars", "middle") == pytest.approx(400)
    assert shop.value("aia_incident_losses", "measured") == 2


def test_what_people_merged_has_its_own_loss_and_what_was_merged_by_itself_has_none() -> None:
    shop = Shop(without=hours((0, 2)))
    shop.keep(incident(0, 2), incident(0, 2, id="gone"))
    shop.measure(NOON + 3 * HOUR)
    assert shop.loss("gone").dollars == pytest.approx(100)
    part = Part(target="stream/other", at=NOON + HOUR, reported_at=NOON + HOUR)
    shop.keep(
        incident(0, 2, id="gone", merged_into="i"),
        incident(0, id="part", merged_into="j", part=part, state=State.RESOLVED),
    )
    shop.measure(NOON + 3 * HOUR)
    assert losses_of(shop.store, ["gone"]) == {}
    assert (shop.loss("i").dollars + shop.loss("part").dollars, shop.loss("part").until) == (
        pytest.approx(200),
        NOON + 3 * HOUR,
    )


def test_a_false_alarm_lost_nothing() -> None:
    shop = Shop(without=hours((0, 2)))
    shop.keep(incident(0))
    shop.measure(NOON + HOUR)
    shop.keep(incident(0, 1, cancelled=True))
    shop.measure(NOON + 2 * HOUR)
    assert losses_of(shop.store, ["i"]) == {}
    assert shop.value("aia_incident_losses", "measured") == 0


def test_the_cost_of_an_incident_is_its_measured_loss() -> None:
    shop = Shop(without=hours((0, 1)))
    shop.keep(incident(0, 4), incident(0, 4, id="unmeasured", impact=replace(impact(), orders=())))
    shop.measure(NOON + 5 * HOUR)
    found = {one.id: one for one in incidents.read(shop.store, NOON - DAY, NOON + DAY)}
    costs = [loss_within(found[name], NOON - DAY, NOON + DAY).dollars for name in ("i", "unmeasured")]
    assert costs == [pytest.approx(100), pytest.approx(400)]


def test_without_incidents_nothing_is_read_and_nothing_is_lost() -> None:
    shop = Shop()
    outside = shop.outside(NOON)
    found = losses.run(replace(outside, tables=_Nothing()), NOON, None)  # type: ignore[arg-type] # nothing is asked
    assert {(one.name, *one.labels.values()): one.value for one in found.metrics} == {
        ("aia_incident_losses", "measured"): 0.0,
        ("aia_incident_losses", "not_known"): 0.0,
        **{("aia_incident_loss_dollars", bound): 0.0 for bound in ("low", "middle", "high")},
    }


class _Nothing:
    def read(self, *asked: object, **parameters: object) -> Iterable[object]:
        raise AssertionError(asked, parameters)


def test_delivered_twice_it_writes_once() -> None:
    shop = Shop(without=hours((0, 2)))
    shop.keep(incident(0))
    shop.measure(NOON + HOUR)
    before = shop.store.get(LOSSES, "i"), shop.store.get(USUAL, USUAL_KEY)
    shop.measure(NOON + HOUR)
    assert (shop.store.get(LOSSES, "i"), shop.store.get(USUAL, USUAL_KEY)) == before


def test_it_is_booked_before_it_is_measured() -> None:
    names = [job.name for job in revenue_and_after()]
    assert names.index("revenue") < names.index("usual_revenue") < names.index("losses") < names.index("roi")


def revenue_and_after() -> list[Any]:
    from functions.bi_rollup.registry import ROLLUPS  # noqa: PLC0415 - the registry imports every rollup

    assert revenue.JOB in ROLLUPS
    return list(ROLLUPS)
