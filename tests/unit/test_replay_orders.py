"""The replayed orders: what is gathered from the lines, where it lies in time, and how it goes on."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from infra.local.replay import exchange_rates
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.order_details import EFFECT
from infra.local.replay.orders import ORDERS, Orders
from infra.local.replay.prepare import write
from infra.local.replay.prepare_orders import prepare
from infra.local.replay.replay import Replay

ANCHOR = date(2026, 3, 4)
END = datetime(2026, 3, 5, tzinfo=UTC)
DAY = timedelta(days=1)
CYCLE = 53 * 7 * DAY
LINE: dict[str, Any] = {
    "Description": "LANTERN",
    "Quantity": 6,
    "InvoiceDate": datetime(2011, 7, 1, 9, 30, 20),  # noqa: DTZ001 - the data has none
    "UnitPrice": 2.5,
    "CustomerID": 17850.0,
    "Country": "United Kingdom",
}


@pytest.fixture(scope="module")
def orders() -> Orders:
    return Orders.read(ORDERS, ANCHOR)


def prepared(*changes: dict[str, Any]) -> Any:
    schema = pa.Table.from_pylist([LINE]).schema.set(2, pa.field("InvoiceDate", pa.timestamp("ns")))
    return prepare(pa.Table.from_pylist([LINE | change for change in changes], schema=schema))


def rows(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return list(prepared(*changes).table.to_pylist())


def read(orders: Orders, start: datetime, end: datetime) -> list[dict[str, Any]]:
    return [json.loads(message.data) for message in orders.messages(start, end)]


def test_lines_of_a_minute_are_one_order_in_dollars_and_utc() -> None:
    [row] = rows({}, {"Quantity": 4, "InvoiceDate": datetime(2011, 7, 1, 9, 30, 59)})  # noqa: DTZ001 - as above
    assert row == {
        "ordered_at": datetime(2011, 7, 1, 8, 30, tzinfo=UTC),
        "source": "shop-uk",
        "customer": 17850,
        "dollars": 40.0,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"CustomerID": None},
        {"CustomerID": 1.0},
        {"Country": "EIRE"},
        {"InvoiceDate": datetime(2011, 7, 1, 9, 31)},  # noqa: DTZ001 - as above
        {"Quantity": -1},
    ],
)
def test_another_customer_country_minute_or_direction_is_another_order(change: dict[str, Any]) -> None:
    assert len(rows({}, change)) == 2


def test_what_comes_back_is_negative() -> None:
    assert sorted(row["dollars"] for row in rows({}, {"Quantity": -2})) == [-8.0, 24.0]


def test_what_is_no_order_is_left_out_and_counted() -> None:
    early = {"InvoiceDate": datetime(2010, 12, 3, 23, 59)}  # noqa: DTZ001 - as above
    found = prepared({}, {"UnitPrice": 0.0}, {"Description": "Adjust bad debt"}, early, early)
    assert (len(found.table), found.unpriced, found.bookkeeping, found.early) == (1, 1, 1, 2)


def test_a_line_without_a_description_counts() -> None:
    assert len(rows({"Description": None})) == 1


def test_the_file_is_small_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = pq.read_table(ORDERS)
    assert ORDERS.stat().st_size < 1_500_000
    write(table, tmp_path / "again.parquet", delta="ordered_at")
    assert pq.read_table(tmp_path / "again.parquet").equals(table)
    assert table["customer"].null_count > 0
    assert pc.min(table["dollars"]).as_py() < 0


def test_the_last_day_lies_on_the_anchor_day(orders: Orders) -> None:
    last = read(orders, END - DAY, END)
    assert [last[0]["ordered_at"], last[-1]["ordered_at"]] == ["2026-03-04T08:39:00Z", "2026-03-04T12:50:00Z"]
    assert read(orders, END, END + DAY) == []  # the shop is closed on what was a Saturday


def test_after_the_year_it_comes_again_with_other_ids(orders: Orders) -> None:
    first, again = (read(orders, start, start + CYCLE) for start in (END - CYCLE, END))
    assert len(first) == len(again) == len(pq.read_table(ORDERS))
    assert {row["order_id"] for row in first}.isdisjoint(row["order_id"] for row in again)
    assert [row["amount_dollars"] for row in first] == [row["amount_dollars"] for row in again]
    moved = [datetime.fromisoformat(row["ordered_at"]) + CYCLE for row in first]
    assert moved == [datetime.fromisoformat(row["ordered_at"]) for row in again]


def test_nothing_is_before_the_first_order(orders: Orders) -> None:
    assert read(orders, orders.first - 9 * DAY, orders.first) == []
    assert read(orders, orders.first, orders.first + timedelta(minutes=1)) != []


def test_pieces_of_time_give_each_order_once(orders: Orders) -> None:
    start = END - 3 * DAY
    pieces = [read(orders, start + n * timedelta(hours=5), start + (n + 1) * timedelta(hours=5)) for n in range(16)]
    ids = [row["order_id"] for piece in pieces for row in piece]
    assert len(ids) == len(set(ids))
    assert ids == [row["order_id"] for row in read(orders, start, start + timedelta(hours=80))]


def test_what_is_given_back_is_refunded(orders: Orders) -> None:
    found = read(orders, END - 30 * DAY, END)
    assert all((row["outcome"] == "refunded") is (row["amount_dollars"] < 0) for row in found)
    assert set(Counter(row["source"] for row in found)) == {"shop-uk", "shop-europe", "shop-world"}


def test_what_the_data_lack_is_made_up_and_gives_the_same_net_revenue_but_for_the_known_effect(orders: Orders) -> None:
    rows = read(orders, END - CYCLE, END)
    quotes = {(row["day"][:10], row["currency"]): row["rate"] for row in quoted(END - CYCLE - 3 * DAY, END)}
    assert all(date.fromisoformat(day).weekday() < 5 for day, _ in quotes)
    by_arm: dict[object, Counter[str]] = {}
    for row in rows:
        dollars = (row["amount"] - row["tax"]) * worth(quotes, row)
        sums = by_arm.setdefault(row["arm"], Counter())
        sums.update({"data": row["amount_dollars"], "dollars": dollars, "orders": 1})  # type: ignore[dict-item]  # dollars
    assert {arm: sums["dollars"] / sums["data"] for arm, sums in by_arm.items()} == pytest.approx(
        {None: 1.0, "control": 1.0, "treatment": 1.0 + EFFECT}, rel=1e-4
    )
    arms = {(row["customer_id"], row["arm"]) for row in rows if row["arm"]}
    assert Counter(arm for _, arm in arms) == {"control": 2175, "treatment": 2156}
    assert len(dict(arms)) == len(arms)  # a customer is in one of them
    assert {row["currency"] for row in rows} == {"GBP", "EUR", "USD"}
    assert 0 < sum(row["is_test"] for row in rows) < len(rows) / 1000


def quoted(start: datetime, end: datetime) -> list[dict[str, Any]]:
    return [json.loads(message.data) for message in exchange_rates.messages(start, end)]


def worth(quotes: dict[tuple[str, str], float], row: dict[str, Any]) -> float:
    """The newest quote up to the day of an order."""
    day = date.fromisoformat(row["ordered_at"][:10])
    if row["currency"] == "USD":
        return 1.0
    return next(rate for ago in range(4) if (rate := quotes.get((str(day - ago * DAY), row["currency"]))) is not None)


def test_rates_that_are_loaded_are_those_that_are_published() -> None:
    start = END - 9 * DAY
    loaded = exchange_rates.rows(start, END).to_pylist()
    assert [row | {"day": row["day"].isoformat().replace("+00:00", "Z")} for row in loaded] == quoted(start, END)


def test_rows_that_are_loaded_are_those_that_are_published(orders: Orders) -> None:
    start = END - 2 * DAY
    loaded = orders.rows(start, END).to_pylist()
    published = read(orders, start, END)
    assert [row | {"ordered_at": row["ordered_at"].isoformat().replace("+00:00", "Z")} for row in loaded] == published


def test_a_replay_publishes_orders_from_where_it_began_and_keeps_where_that_was(tmp_path: Path) -> None:
    now = datetime(2026, 3, 4, 15, 37, tzinfo=UTC)
    replay = Replay.resume(FLIGHTS, tmp_path, now, days=2)
    began = datetime(2026, 3, 2, tzinfo=UTC)
    sent: Counter[str] = Counter()

    def publish(messages: Any) -> int:
        count = Counter(message.attributes["table"] for message in messages)
        sent.update(count)
        return count.total()

    replay.advance(now, publish)
    assert sent["orders"] == len(read(replay.orders, began, now)) > 0
    assert sent["exchange_rates"] == 6  # of two currencies, from Monday to Wednesday
    again = Replay.resume(FLIGHTS, tmp_path, now + DAY, days=2)
    assert (again.began, again.published_until) == (began, now)
