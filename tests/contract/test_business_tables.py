"""The tables of the business: BigQuery's statements and the twin in memory give the same answers for the same rows."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.cloud import bigquery

from core.settings import Business, MarketTable, Orders, Spending
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.ports import BusinessTables, FigureRow, ForecastRow, Lives
from infra.local.past.business_load import figure_rows, forecast_rows, mart_rows
from infra.local.past.business_rows import OrderRows, SaleRows, SpendingRows
from infra.local.past.business_tables import MemoryTables
from tests.support.builders.flights import load

pytest_plugins = ["tests.support.servers.warehouse"]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 5
END = BEGIN + DAYS * DAY
WORDS = {"taken": ("paid", "settled"), "refunded": ("back",), "failed": ("declined",)}
PAID = Orders(
    table="telemetry.paid",
    timestamp="paid_at",
    id="id",
    source="shop",
    amount="dollars",
    customer="buyer",
    outcome="word",
    outcomes=WORDS,
)
SOLD = MarketTable(
    table="telemetry.paid", timestamp="paid_at", id="id", company="shop", ours="north", days=3, amount="dollars"
)
SPENT = Spending(table="telemetry.paid", timestamp="paid_at", kind="shop", amount="dollars")
BUSINESS = Business(orders=PAID, market=SOLD, spending=SPENT)
BY_SIGN = replace(BUSINESS, orders=replace(PAID, outcome=None, customer=None))
COUNTED = replace(BUSINESS, market=replace(SOLD, amount=None))
SCHEMA = pa.schema(
    {
        "paid_at": pa.timestamp("us", "UTC"),
        "id": pa.int64(),
        "shop": pa.string(),
        "buyer": pa.string(),
        "dollars": pa.float64(),
        "word": pa.string(),
    }
)
SOURCES: Sequence[Sequence[str]] = ((), ("north", "south"), ("west",), ("nobody",))
Row = dict[str, Any]
Both = tuple[BigQueryTables, MemoryTables]


def rows(seed: int, count: int = 160) -> list[Row]:
    """Orders that come twice, late, without an id, a shop or a buyer, and with amounts and words that make no sense."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.choice(DAYS * 86_400, count, replace=False))
    seconds[:3] = (0, 3600, 86_400)  # where spans begin
    amounts = [5.0, 12.5, -7.25, 0.0, 100.0, float("nan"), float("inf"), None]
    found = [
        {
            "paid_at": BEGIN + timedelta(seconds=int(second)),
            "id": None if rng.random() < 0.15 else int(rng.integers(40)),
            "shop": _one(rng, ["north", "north", "south", "west", "other", None]),
            "buyer": _one(rng, ["ada", "grace", "joan", "mary", None]),
            "dollars": _one(rng, amounts, [0.2, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.1]),
            "word": _one(rng, ["paid", "paid", "settled", "back", "declined", "perhaps", None]),
        }
        for second in dict.fromkeys(seconds.tolist())
    ]
    return found + [found[7]] * 2  # delivered three times


def _one(rng: np.random.Generator, values: Sequence[object], weights: Sequence[float] | None = None) -> object:
    return values[int(rng.choice(len(values), p=weights))]


@pytest.fixture
def both(request: pytest.FixtureRequest, client: bigquery.Client, warehouse: BigQueryWarehouse) -> Both:
    """The two, with the same rows; the parameter is a seed and the settings."""
    seed, business = request.param
    given = rows(seed)
    columns = "paid_at TIMESTAMP, id INT64, shop STRING, buyer STRING, dollars FLOAT64, word STRING"
    client.query(f"CREATE TABLE telemetry.paid ({columns})").result()
    load(client, PAID.table, [row | {"paid_at": row["paid_at"].isoformat()} for row in given])
    table = pa.Table.from_pylist(given, schema=SCHEMA)
    twin = MemoryTables(
        OrderRows.read(table, business.orders),
        sales=SaleRows.read(table, business.market),
        spending=SpendingRows.read(table, business.spending),
    )
    return BigQueryTables(warehouse, business), twin


def same(both: Both, ask: Any) -> None:
    """Both must answer the same."""
    expected, found = (_plain(ask(tables)) for tables in both)
    assert found == expected


def _plain(answer: Any) -> Any:
    """Comparable: rounded, and in an order, as most statements give none."""
    if isinstance(answer, Lives):
        columns = (answer.again, answer.first, answer.last, np.nan_to_num(answer.previous, nan=-1.0), answer.dollars)
        return [answer.everybody, *sorted(zip(*(column.round(6).tolist() for column in columns), strict=True))]
    if isinstance(answer, list):
        return sorted((_rounded(astuple(one)) for one in answer), key=repr)
    return answer


def _rounded(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(round(value, 6) + 0.0 if isinstance(value, float) else value for value in values)


def stored(warehouse: BigQueryWarehouse, table: str) -> list[tuple[Any, ...]]:
    return sorted(_rounded(row.values()) for row in warehouse.query(f"SELECT * FROM {table}"))


def held(table: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(_rounded(row.values()) for row in table.to_pylist())


def spans() -> Iterable[tuple[datetime, datetime]]:
    """Of whole hours: all, with a day before that must be looked at, of some hours, and before everything."""
    yield from (
        (BEGIN, END),
        (BEGIN + DAY, END - DAY),
        (BEGIN + 30 * HOUR, BEGIN + 36 * HOUR),
        (BEGIN - 9 * DAY, BEGIN),
    )


@pytest.mark.parametrize("both", [(1, BUSINESS), (3, BY_SIGN)], indirect=True)
def test_the_mart_of_hours_and_what_is_read_of_it(both: Both, warehouse: BigQueryWarehouse) -> None:
    for since, until in ((BEGIN, BEGIN + 2 * DAY), (BEGIN + DAY, END), (BEGIN + 3 * DAY, BEGIN + 3 * DAY + HOUR)):
        for tables in both:
            tables.write_revenue_hours(since, until)
        found = held(mart_rows(both[1], END)["marts.revenue_hourly"])
        assert found == stored(warehouse, "marts.revenue_hourly")
        assert found
    for (since, until), sources in zip(spans(), SOURCES, strict=True):
        same(both, lambda tables: tables.oldest_order(since, until))  # noqa: B023 - asked at once
        same(both, lambda tables: tables.largest_sources(since, until, 2))  # noqa: B023
        same(both, lambda tables: tables.payments(since, until, sources))  # noqa: B023
        same(both, lambda tables: tables.revenue_by_hour(since, until, sources))  # noqa: B023
        same(both, lambda tables: tables.revenue_by_day(since, until, sources))  # noqa: B023
    for tables in both:
        days = [(one.source, one.day) for one in tables.revenue_by_day(BEGIN, END, ())]
        assert days == sorted(days)  # who reads them groups them


@pytest.mark.parametrize("both", [(5, BUSINESS)], indirect=True)
def test_customers_by_their_days(both: Both, warehouse: BigQueryWarehouse) -> None:
    for tables in both:
        tables.write_customer_days(BEGIN, BEGIN + 3 * DAY)
        tables.write_customer_days(BEGIN + 2 * DAY, END)
    for until, most in ((BEGIN + 2 * DAY, 100), (END, 2)):
        for tables in both:
            tables.write_customers(until)
        marts = mart_rows(both[1], END)
        for name in ("marts.customer_days", "marts.customers"):
            assert held(marts[name]) == stored(warehouse, name)
        same(both, lambda tables: tables.lives(until - 4 * DAY, until - 2 * DAY, until, most))  # noqa: B023
    assert len(held(marts["marts.customers"])) > 2


def forecasts(seed: int, made: Iterable[datetime], sources: Sequence[str], days: int) -> list[ForecastRow]:
    rng = np.random.default_rng(seed)
    return [
        ForecastRow(made_at=at, source=source, day=at + n * DAY, **_band(rng))
        for at in made
        for source in sources
        for n in range(days)
    ]


def _band(rng: np.random.Generator) -> dict[str, float]:
    return {name: round(float(rng.uniform(1, 9)), 3) for name in ("low", "middle", "high", "mean")}


@pytest.mark.parametrize("both", [(7, BUSINESS)], indirect=True)
def test_forecasts_and_what_came_of_them(both: Both, warehouse: BigQueryWarehouse) -> None:
    made = [BEGIN - DAY, BEGIN + DAY, BEGIN + 2 * DAY]
    first = forecasts(1, made, ["north", "south", "other", "gone"], 4)
    again = forecasts(2, made[1:], ["south"], 2)
    for tables in both:
        tables.write_revenue_hours(BEGIN, END)
        tables.write_forecasts(made[0], made[-1], ["north", "south", "other", "gone"], first)
        tables.write_forecasts(made[1], made[-1], ["south", "nobody"], again)
    assert held(forecast_rows(both[1].forecasts(made[0], END))) == stored(warehouse, "ops.revenue_forecasts")
    for day, sources in zip((BEGIN, BEGIN + DAY, BEGIN + 2 * DAY), SOURCES, strict=False):
        same(both, lambda tables: tables.expected(BEGIN - DAY, day, (day, day + DAY)))  # noqa: B023
        same(both, lambda tables: tables.tracked(BEGIN - DAY, BEGIN, day + DAY, sources))  # noqa: B023
        same(both, lambda tables: tables.tracked(BEGIN, day, END, sources))  # noqa: B023
    [*ordered] = ((one.source, one.day) for one in both[1].tracked(BEGIN - DAY, BEGIN, END, ()))
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("both", [(8, BUSINESS), (9, COUNTED)], indirect=True)
def test_the_market_and_what_was_spent(both: Both) -> None:
    for since, until in ((BEGIN, END), (BEGIN + 30 * HOUR, BEGIN + 36 * HOUR)):
        same(both, lambda tables: tables.market(since, until))  # noqa: B023
        same(both, lambda tables: tables.spending(since, until))  # noqa: B023
    for tables in both:
        sales = [one.sales or 0.0 for one in tables.market(BEGIN, END)]
        assert sales == sorted(sales, reverse=True)


@pytest.mark.parametrize("both", [(10, BUSINESS)], indirect=True)
def test_figures_are_written_in_place(both: Both, warehouse: BigQueryWarehouse) -> None:
    first = FigureRow(measured_at=BEGIN, name="aia_roi_ratio", labels="{}", value=1.0)
    other = replace(first, name="aia_gain_dollars", labels='{"kind": "model"}')

    def write(tables: BusinessTables) -> None:
        tables.write_figures(BEGIN, [first, other])
        tables.write_figures(BEGIN, [replace(first, measured_at=BEGIN + HOUR, value=2.0)])
        tables.write_figures(BEGIN + DAY, [first])

    for tables in both:
        write(tables)
    found = held(figure_rows(both[1].figures, BEGIN, END))
    assert found == stored(warehouse, "marts.figures")
    assert len(found) == 3
