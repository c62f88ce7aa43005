"""The tables of the business: the statements of BigQuery and the twin in memory give the same results for the same rows."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.cloud import bigquery

from core.settings import Business, MarketTable, Orders, Spending
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.cohorts import COHORT_MONTHS
from functions.bi_rollup.customers import CUSTOMER_HISTORY
from functions.bi_rollup.daily_metrics import DailyMetric
from functions.bi_rollup.forecasts import REVENUE_BY_DAY, SCORED_FORECASTS, ForecastRow
from functions.bi_rollup.lifetime_value import CUSTOMER_HOLDOUT
from functions.bi_rollup.market import COMPANY_SALES, SALES_EXTENT
from functions.bi_rollup.marts import OLDEST_ORDER
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.revenue import EXPECTED_REVENUE, PAYMENT_COUNTS, REVENUE_BY_HOUR
from functions.bi_rollup.roi import SPEND_BY_KIND
from functions.bi_rollup.sources import LARGEST_SOURCES
from functions.bi_rollup.totals import ALL, FORECAST_TOTALS, TotalForecast
from functions.bi_rollup.usual_revenue import USUAL_HOURS
from infra.local.past.business_load import forecast_rows, mart_rows, metric_rows, total_rows
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
IN_PLACE = replace(
    BUSINESS,
    time_zone="America/Los_Angeles",
    orders=replace(
        PAID, refunds="in_place", refund_id="refund", refund_of="parent", repeated_within=timedelta(hours=9)
    ),
)
COUNTED = replace(BUSINESS, market=replace(SOLD, amount=None))
SCHEMA = pa.schema(
    {
        "paid_at": pa.timestamp("us", "UTC"),
        "id": pa.string(),
        "shop": pa.string(),
        "buyer": pa.string(),
        "dollars": pa.float64(),
        "word": pa.string(),
        "refund": pa.string(),
        "parent": pa.string(),
    }
)
SOURCES: Sequence[list[str]] = ([], ["north", "south"], ["west"], ["nobody"])
Row = dict[str, Any]
Both = tuple[BigQueryTables, MemoryTables]


def rows(seed: int, count: int = 160) -> list[Row]:
    """Orders with duplicates, without an id, a shop or a buyer, and with invalid amounts and outcomes."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.choice(DAYS * 86_400, count, replace=False))
    seconds[:3] = (0, 3600, 86_400)  # where spans begin
    amounts = [5.0, 12.5, -7.25, 0.0, 100.0, float("nan"), float("inf"), None]
    found = [
        {
            "paid_at": BEGIN + timedelta(seconds=int(second)),
            "id": _one(rng, [None, "", " (Not Set)"]) if rng.random() < 0.15 else str(rng.integers(40)),
            "shop": _one(rng, ["north", "north", "south", "west", "other", None]),
            "buyer": _one(rng, ["ada", "grace", "joan", "mary", "undefined", None]),
            "dollars": _one(rng, amounts, [0.2, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.1]),
            "word": _one(rng, ["paid", "paid", "settled", "back", "declined", "perhaps", None]),
            "refund": _one(rng, ["r1", "r2", "", None]),
            "parent": _one(rng, [str(rng.integers(40)), str(rng.integers(40)), "gone", "null", None]),
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
    columns = "paid_at TIMESTAMP, id STRING, shop STRING, buyer STRING, dollars FLOAT64, word STRING, refund STRING, parent STRING"
    client.query(f"CREATE TABLE telemetry.paid ({columns})").result()
    load(client, PAID.table, [row | {"paid_at": row["paid_at"].isoformat()} for row in given])
    table = pa.Table.from_pylist(given, schema=SCHEMA)
    twin = MemoryTables(
        OrderRows.read(table, business.orders, zone=business.time_zone),
        sales=SaleRows.read(table, business.market),
        spending=SpendingRows.read(table, business.spending),
    )
    return BigQueryTables(warehouse, business), twin


def same(both: Both, query: Query[Any], **parameters: Any) -> None:
    """Both must give the same rows, in any order."""
    expected, result = (
        sorted((_rounded(astuple(row)) for row in tables.read(query, **parameters)), key=repr) for tables in both
    )
    assert result == expected


def same_columns(both: Both, query: Query[Any], **parameters: Any) -> None:
    """Both must give the same columns, with the rows in any order."""
    expected, result = (_rows(tables.read_columns(query, **parameters)) for tables in both)
    assert result == expected


def _rows(columns: Any) -> list[tuple[float, ...]]:
    values = (np.nan_to_num(getattr(columns, field.name), nan=-1.0) for field in fields(columns))
    return sorted(zip(*(value.round(6).tolist() for value in values), strict=True))


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


@pytest.mark.parametrize("both", [(1, BUSINESS), (3, BY_SIGN), (2, IN_PLACE)], indirect=True)
def test_the_hourly_mart_and_its_queries(both: Both, warehouse: BigQueryWarehouse) -> None:
    for since, until in ((BEGIN, BEGIN + 2 * DAY), (BEGIN + DAY, END), (BEGIN + 3 * DAY, BEGIN + 3 * DAY + HOUR)):
        for tables in both:
            tables.write("write_revenue_hours", since=since, until=until)
        found = held(mart_rows(both[1], END)["marts.revenue_hourly"])
        assert found == stored(warehouse, "marts.revenue_hourly")
        assert found
    for (since, until), sources in zip(spans(), SOURCES, strict=True):
        same(both, OLDEST_ORDER, since=since, until=until)
        same(both, LARGEST_SOURCES, since=since, until=until, most=2)
        for query in (PAYMENT_COUNTS, REVENUE_BY_HOUR, REVENUE_BY_DAY):
            same(both, query, since=since, until=until, sources=sources)
        same(both, USUAL_HOURS, since=since, until=until, sources=sources)
    for tables in both:
        days = [(row.source, row.day) for row in tables.read(REVENUE_BY_DAY, since=BEGIN, until=END, sources=[])]
        assert days == sorted(days)  # `forecasts` groups them


@pytest.mark.parametrize("both", [(5, BUSINESS), (6, IN_PLACE)], indirect=True)
def test_customers_by_their_days(both: Both, warehouse: BigQueryWarehouse) -> None:
    for tables in both:
        tables.write("write_customer_days", since=BEGIN, until=BEGIN + 3 * DAY)
        tables.write("write_customer_days", since=BEGIN + 2 * DAY, until=END)
    for until, most in ((BEGIN + 2 * DAY, 100), (END, 2)):
        for tables in both:
            tables.write("write_customers", until=until)
            tables.write("write_customer_cohorts", until=until + 70 * DAY)
        marts = mart_rows(both[1], END)
        for name in ("marts.customer_days", "marts.customers", "marts.customer_cohorts"):
            assert held(marts[name]) == stored(warehouse, name)
        periods = {"since": until - 4 * DAY, "middle": until - 2 * DAY, "until": until}
        same_columns(both, CUSTOMER_HISTORY, **periods, most=most)
        same_columns(both, CUSTOMER_HOLDOUT, middle=until - DAY, until=until, most=most)
        same(both, COHORT_MONTHS, since=until - 70 * DAY)
    assert len(held(marts["marts.customers"])) > 2


def forecasts(seed: int, made: Iterable[datetime], sources: Sequence[str], days: int) -> list[ForecastRow]:
    rng = np.random.default_rng(seed)
    return [
        ForecastRow(made_at=at, source=source, day=at + n * DAY, **_band(rng))
        for at in made
        for source in sources
        for n in range(days)
    ]


def total_of(at: datetime, source: str, number: int) -> TotalForecast:
    usual = None if number == 1 else number + 0.5
    return TotalForecast(
        made_at=at, source=source, low=1.0, middle=number + 2.0, high=20.0, naive=3.0, usual_error=usual
    )


def _band(rng: np.random.Generator) -> dict[str, float]:
    return {name: round(float(rng.uniform(1, 9)), 3) for name in ("low", "middle", "high", "mean")}


@pytest.mark.parametrize("both", [(7, BUSINESS)], indirect=True)
def test_forecasts_and_their_actuals(both: Both, warehouse: BigQueryWarehouse) -> None:
    made = [BEGIN - DAY, BEGIN + DAY, BEGIN + 2 * DAY]
    first = forecasts(1, made, ["north", "south", "other", "gone"], 4)
    again = forecasts(2, made[1:], ["south"], 2)
    for tables in both:
        tables.write("write_revenue_hours", since=BEGIN, until=END)
        sources = ["north", "south", "other", "gone"]
        tables.write("write_forecasts", since=made[0], until=made[-1], sources=sources, forecasts=first)
        tables.write("write_forecasts", since=made[1], until=made[-1], sources=["south", "nobody"], forecasts=again)
    assert held(forecast_rows(both[1].forecasts(made[0], END))) == stored(warehouse, "ops.revenue_forecasts")
    for day, sources in zip((BEGIN, BEGIN + DAY, BEGIN + 2 * DAY), SOURCES, strict=False):
        same(both, EXPECTED_REVENUE, since=BEGIN - DAY, until=day, first=day, second=day + DAY)
        same(both, SCORED_FORECASTS, oldest=BEGIN - DAY, since=BEGIN, until=day + DAY, sources=sources)
        same(both, SCORED_FORECASTS, oldest=BEGIN, since=day, until=END, sources=sources)
    totals = [total_of(at, source, n) for n, at in enumerate(made) for source in ("north", "south", ALL)]
    for tables in both:
        tables.write(
            "write_forecast_totals", since=made[0], until=made[-1], sources=["north", "south", ALL], totals=totals
        )
        again = [total_of(made[1], "north", 9)]
        tables.write("write_forecast_totals", since=made[1], until=made[1], sources=["north", "nobody"], totals=again)
    assert held(total_rows(both[1].totals(made[0], END))) == stored(warehouse, "ops.revenue_forecast_totals")
    for since, until, sources in ((made[0], made[1], []), (made[1], made[2], ["north", ALL])):
        same(both, FORECAST_TOTALS, since=since, until=until, sources=sources)
    everything = both[1].read(SCORED_FORECASTS, oldest=BEGIN - DAY, since=BEGIN, until=END, sources=[])
    ordered = [(row.source, row.day) for row in everything]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("both", [(8, BUSINESS), (9, COUNTED)], indirect=True)
def test_company_sales_and_spend(both: Both) -> None:
    for since, until in ((BEGIN, END), (BEGIN + 30 * HOUR, BEGIN + 36 * HOUR)):
        same(both, COMPANY_SALES, since=since, until=until)
        same(both, SALES_EXTENT, since=since, until=until)
        same(both, SPEND_BY_KIND, since=since, until=until)
    same(both, SALES_EXTENT, since=BEGIN - 9 * DAY, until=BEGIN)  # nothing was sold
    for tables in both:
        sales = [row.sales or 0.0 for row in tables.read(COMPANY_SALES, since=BEGIN, until=END)]
        assert sales == sorted(sales, reverse=True)


def test_amounts_of_text(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    texts = ("12.5", "n/a", "", " 7 ", "-3e1", "NaN", "inf", None)
    given = [{"t": BEGIN, "id": str(n), "who": "north", "amount": text} for n, text in enumerate(texts)]
    client.query("CREATE TABLE telemetry.texts (t TIMESTAMP, id STRING, who STRING, amount STRING)").result()
    load(client, "telemetry.texts", [row | {"t": BEGIN.isoformat()} for row in given])
    names = {"table": "telemetry.texts", "timestamp": "t", "amount": "amount"}
    business = Business(
        market=MarketTable(**names, id="id", company="who", ours="north"), spending=Spending(**names, kind="who")
    )
    table = pa.Table.from_pylist(given)
    twin = MemoryTables(
        OrderRows.read(pa.Table.from_pylist([], schema=SCHEMA), PAID),
        sales=SaleRows.read(table, business.market),
        spending=SpendingRows.read(table, business.spending),
    )
    both = (BigQueryTables(warehouse, business), twin)
    for tables in both:
        [spend] = tables.read(SPEND_BY_KIND, since=BEGIN, until=END)
        assert (spend.dollars, spend.missing_amount) == (12.5 + 7 - 30, 5)
    same(both, COMPANY_SALES, since=BEGIN, until=END)


@pytest.mark.parametrize("both", [(10, BUSINESS)], indirect=True)
def test_daily_metrics_are_written_in_place(both: Both, warehouse: BigQueryWarehouse) -> None:
    first = DailyMetric(measured_at=BEGIN, name="aia_roi_ratio", labels="{}", value=1.0)
    other = replace(first, name="aia_attributed_revenue_dollars", labels='{"kind": "model"}')

    def write(tables: Tables) -> None:
        tables.write("write_daily_metrics", day=BEGIN, metrics=[first, other])
        later = replace(first, measured_at=BEGIN + HOUR, value=2.0)
        tables.write("write_daily_metrics", day=BEGIN, metrics=[later])
        tables.write("write_daily_metrics", day=BEGIN + DAY, metrics=[first])

    for tables in both:
        write(tables)
    found = held(metric_rows(both[1].daily_metrics, BEGIN, END))
    assert found == stored(warehouse, "marts.daily_metrics")
    assert len(found) == 3
