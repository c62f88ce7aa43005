"""Rows of orders in random order of arrival: the marts are those of a rebuild, and those of one plain rule.

Each arrival order is a source of its own in one table, so that a few ticks try all of them.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.settings.business import LATE, REPEATED
from functions.adapters.ports import Data
from functions.bi_rollup.order_parts import RETRIES
from tests.support.builders.budget import ALL
from tests.support.builders.business import DAY, HOUR, ORDERS, SETTINGS, TODAY, Row, World, only, order

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]
BEGIN = TODAY - 20 * DAY
SOURCES = 2000 if ALL else 40
STEP = (59 if ALL else 97) * HOUR
ORDERED = 8 * DAY
"""Orders are made in so many days from `BEGIN`; their copies and refunds come later."""
Arrival = tuple[datetime, Row]


def arrivals(source: str) -> list[Arrival]:
    """Rows of some orders of a source with the instants at which they arrive, by arrival."""
    rng = random.Random(source)
    rows = [row for number in range(5) for row in _order(rng, f"{source}-{number}", source)]
    rows += [row | {"order_id": nothing} for row in rows[:2] for nothing in ("", "(not set)")]
    once = [(datetime.fromisoformat(row["ordered_at"]) + _delay(rng), row) for row in rows]
    twice = [
        (at + _delay(rng) / 3, row) for at, row in once if row["order_id"].startswith(source) and rng.random() < 0.3
    ]
    return sorted(once + twice, key=lambda arrival: arrival[0])


def _order(rng: random.Random, name: str, source: str) -> Iterable[Row]:
    """A sale with attempts, re-stamped copies and refunds, of which only the sale says the device and the arm."""
    at, dollars = BEGIN + rng.random() * ORDERED, float(rng.randint(1, 400)) / 4  # sums are exact
    given: dict[str, Any] = {"source": source, "customer_id": rng.choice(("ada", "grace"))}
    refunded = dict(given)
    given |= {"device": rng.choice(("mobile", "desktop")), "model": "ranker", "arm": rng.choice(("old", "new"))}
    yield order(name, at, dollars, **given)
    for _ in range(rng.choice((0, 0, 1, 2))):
        yield order(name, at + rng.random() * 4 * DAY, dollars, **given)
    for _ in range(rng.choice((0, 1, 2))):
        yield order(name, at + rng.random() * 9 * DAY, -dollars / rng.choice((1, 4)), **refunded)
    for _ in range(rng.choice((0, 0, 1))):
        yield order(name, at + (rng.random() - 0.5) * 3 * DAY, dollars, outcome="failed", **given)


def _delay(rng: random.Random) -> timedelta:
    """Prompt, late, or later than `late`."""
    return rng.choice((timedelta(minutes=1), rng.random() * LATE, rng.random() * 3 * LATE))


def counted(rows: Iterable[Row]) -> Mapping[tuple[str, datetime], float]:
    """Dollars by source and hour, by the plain rule: of the rows with one key the first, and each without an id."""
    dollars: dict[tuple[str, datetime], float] = defaultdict(float)
    newest: dict[tuple[object, ...], datetime] = {}
    for row in sorted(rows, key=lambda row: (datetime.fromisoformat(row["ordered_at"]), row["order_id"])):
        at, key = datetime.fromisoformat(row["ordered_at"]), _key(row)
        before, newest[key] = newest.get(key), at
        is_copy = row["order_id"] not in {"", "(not set)"} and before is not None and at - before < REPEATED
        if row["outcome"] != "failed" and not is_copy:
            dollars[row["source"], at.replace(minute=0, second=0, microsecond=0)] += row["amount_dollars"]
    return {key: value for key, value in dollars.items() if value}


def _key(row: Row) -> tuple[object, ...]:
    refund = (row["ordered_at"], row["amount_dollars"]) if row["outcome"] == "refunded" else ()
    return row["source"], row["order_id"], row["outcome"], *refund


def booked(world: World) -> dict[tuple[str, datetime], tuple[float, ...]]:
    return {(row["source"], row["hour"]): tuple(list(row.values())[2:]) for row in world.hours()}


def by_dimension(world: World) -> tuple[dict[str, dict[object, float]], list[Data]]:
    """Net revenue by dimension, day and value, and the rows by experiment arm."""
    nets: dict[str, dict[object, float]] = defaultdict(dict)
    for row in world.warehouse.query("SELECT * FROM marts.revenue_by_dimension_daily"):
        nets[row["dimension"]][row["day"], row["value"], row["payments"], row["customers"]] = row["net"]
    return nets, world.warehouse.query("SELECT * FROM marts.customer_arm_days ORDER BY model, arm, customer, day")


@pytest.mark.timeout(1200)  # two thousand arrival orders in `make test-all`
def test_marts_are_those_of_a_rebuild_in_whatever_order_rows_arrive(empty: World) -> None:
    empty.jobs = only("revenue", "reconciliation", "customers", "dimensions")
    orders = replace(ORDERS, device="device", model="model", arm="arm")
    empty.settings = replace(SETTINGS, business=replace(SETTINGS.business, orders=orders))
    waiting = sorted(
        (arrival for number in range(SOURCES) for arrival in arrivals(f"shop{number}")), key=lambda one: one[0]
    )
    every = [row for _, row in waiting]
    at = BEGIN
    while waiting:
        at += STEP
        ready = [row for arrived, row in waiting if arrived <= at]
        waiting = waiting[len(ready) :]
        empty.order(*ready)
        empty.tick(at)
        assert empty.value("aia_revenue_difference_cents") == 0.0
    empty.tick(at + LATE + RETRIES + DAY)
    found, customers, split = booked(empty), empty.customers(), by_dimension(empty)
    empty.forget()
    empty.tick(at + LATE + RETRIES + DAY)
    assert found == booked(empty)
    assert customers == empty.customers()
    assert split == by_dimension(empty)
    net = sum(values[0] for values in found.values())
    assert {dimension: sum(nets.values()) for dimension, nets in split[0].items()} == dict.fromkeys(split[0], net)
    assert split[0].keys() == {"source", "model", "arm", "device"}
    assert {key: values[0] for key, values in found.items() if values[0]} == counted(every)
