"""The tables of the business: the statements of BigQuery and the twin in memory give the same results for the same rows."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.cloud import bigquery

from core.settings import Business, MarketTable, ModelReturn, Orders, Rates, Returns, Spending
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup import statements
from functions.bi_rollup.attributions import ARM_TOTALS, MODEL_REVENUE
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.cohorts import COHORT_MONTHS
from functions.bi_rollup.customers import CUSTOMER_HISTORY
from functions.bi_rollup.daily_metrics import DailyMetric
from functions.bi_rollup.dimensions import REVENUE_BY_DIMENSION
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
from infra.local.past import dimension_marts
from infra.local.past.business_load import forecast_rows, mart_rows, metric_rows, total_rows
from infra.local.past.business_rows import SaleRows, SpendingRows
from infra.local.past.business_tables import MemoryTables
from infra.local.past.order_rows import OrderRows, RateRows
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
    time_zone="Asia/Kolkata",
    orders=replace(
        PAID, refunds="in_place", refund_id="refund", refund_of="parent", repeated_within=timedelta(hours=9)
    ),
)
QUOTED = Rates(table="telemetry.quoted", day="on_day", currency="code", rate="worth", max_age=2 * timedelta(days=1))
LABELS = ("model", "version", "arm", "device", "country")
IN_EUROS = replace(
    BUSINESS,
    currency="EUR",
    time_zone="America/Los_Angeles",
    rates=QUOTED,
    orders=replace(
        PAID,
        **{name: name for name in LABELS},
        tax="tax",
        discount="discount",
        currency="currency",
        test="trial",
        refund_of="parent",
    ),
    roi=Returns(models={"b": ModelReturn(share=0.5)}),
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
        "tax": pa.float64(),
        "discount": pa.float64(),
        "currency": pa.string(),
        "trial": pa.bool_(),
        **{name: pa.string() for name in LABELS},
    }
)
QUOTES = pa.schema({"on_day": pa.date32(), "code": pa.string(), "worth": pa.float64()})
_BIGQUERY = {
    "timestamp[us, tz=UTC]": "TIMESTAMP",
    "string": "STRING",
    "double": "FLOAT64",
    "bool": "BOOL",
    "date32[day]": "DATE",
}
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
            "tax": _one(rng, [None, 0.0, 0.5, 1.25, -1.0, 200.0]),
            "discount": _one(rng, [None, 0.0, 0.75, 3.0, -2.0]),
            "currency": _one(rng, ["EUR", " eur", "GBP", "SEK", "JPY", "", None]),
            "trial": _one(rng, [True, False, False, False, None]),
            **{name: _one(rng, ["a", "b", "(none)", None]) for name in LABELS},
        }
        for second in dict.fromkeys(seconds.tolist())
    ]
    return found + [found[7]] * 2  # delivered three times


def quotes() -> list[Row]:
    """Rates of two currencies: of some days, one twice alike, one of a day with two, and rates that are none."""
    days = [BEGIN.date() + number * DAY for number in range(-2, DAYS)]
    given = [(days[0], "gbp", 1.5), (days[4], "GBP ", 1.25), (days[4], "GBP", 1.25), (days[2], "SEK", 0.0625)]
    given += [(days[3], "SEK", 0.0625), (days[3], "SEK", 0.125), (days[5], "SEK", 0.25), (days[4], "SEK", None)]
    given += [(days[1], "JPY", 0.0), (None, "JPY", 0.5), (days[1], None, 2.0), (days[6], "GBP", -1.0)]
    return [{"on_day": day, "code": code, "worth": worth} for day, code, worth in given]


def create(client: bigquery.Client, table: str, schema: pa.Schema, given: list[Row]) -> pa.Table:
    """A table of the warehouse with these rows, and the same in memory."""
    columns = ", ".join(f"{column.name} {_BIGQUERY[str(column.type)]}" for column in schema)
    client.query(f"CREATE TABLE {table} ({columns})").result()
    load(client, table, [{name: _as_json(value) for name, value in row.items()} for row in given])
    return pa.Table.from_pylist(given, schema=schema)


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _one(rng: np.random.Generator, values: Sequence[object], weights: Sequence[float] | None = None) -> object:
    return values[int(rng.choice(len(values), p=weights))]


@pytest.fixture
def both(request: pytest.FixtureRequest, client: bigquery.Client, warehouse: BigQueryWarehouse) -> Both:
    """The two, with the same rows; the parameter is a seed and the settings."""
    seed, business = request.param
    table = create(client, PAID.table, SCHEMA, rows(seed))
    rates = RateRows.read(create(client, QUOTED.table, QUOTES, quotes()), QUOTED) if business.rates else None
    twin = MemoryTables(
        OrderRows.read(table, business, rates),
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


@pytest.mark.parametrize("both", [(1, BUSINESS), (3, BY_SIGN), (2, IN_PLACE), (4, IN_EUROS)], indirect=True)
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


@pytest.mark.parametrize("both", [(8, BUSINESS), (13, IN_EUROS)], indirect=True)
def test_revenue_by_dimension_and_by_arm(
    both: Both, warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (statements, dimension_marts):
        monkeypatch.setattr(module, "MOST_VALUES", 2)
    for tables in both:
        for name in ("write_revenue_by_dimension", "write_customer_arm_days"):
            tables.write(name, since=BEGIN, until=BEGIN + 3 * DAY)
            tables.write(name, since=BEGIN + 2 * DAY, until=END)
    found = mart_rows(both[1], END)
    for name in ("marts.revenue_by_dimension_daily", "marts.customer_arm_days"):
        assert held(found[name]) == stored(warehouse, name)
    for since, until in ((BEGIN, END), (BEGIN + DAY, BEGIN + 2 * DAY), (BEGIN - 9 * DAY, BEGIN)):
        same(both, REVENUE_BY_DIMENSION, since=since, until=until, most=2)
        same(both, MODEL_REVENUE, since=since, until=until)
        same(both, ARM_TOTALS, since=since, until=until)
    dimensions = {row[1] for row in held(found["marts.revenue_by_dimension_daily"])}
    if both[1].dimensions.dimensions == ("source",):
        assert dimensions == {"source"}
    else:
        assert dimensions == {"source", *LABELS, "currency"}
        named = {(row[0], row[2]) for row in held(found["marts.revenue_by_dimension_daily"]) if row[1] == "model"}
        days = {day for day, _ in named}
        assert {day for day, model in named if model == "b"} == days  # it earns a share of its revenue
        assert (
            {day for day, model in named if model == "a"} < days > {day for day, model in named if model == "unknown"}
        )
        arms = both[1].read(ARM_TOTALS, since=BEGIN, until=END)
        assert None in {row.arm for row in arms}  # customers of both
        sums = warehouse.query(
            "SELECT dimension, day, SUM(net) AS net FROM marts.revenue_by_dimension_daily GROUP BY dimension, day"
        )
        by_day: dict[datetime, set[float]] = {}
        for row in sums:
            by_day.setdefault(row["day"], set()).add(round(row["net"], 6) + 0.0)
        assert all(len(nets) == 1 for nets in by_day.values())  # each dimension is all revenue of the day


@pytest.mark.parametrize("both", [(5, IN_EUROS), (6, IN_PLACE)], indirect=True)
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
        OrderRows.read(pa.Table.from_pylist([], schema=SCHEMA), BUSINESS),
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
