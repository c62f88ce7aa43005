"""The statements: the `.sql` files of this folder, with the tables and columns that the settings name."""

from pathlib import Path

from core.settings import Business, MarketTable
from functions.bi_rollup.billing_parts import billing_parts
from functions.bi_rollup.order_parts import READING, exposure_columns, order_parts
from functions.bi_rollup.quoted_names import quoted, quoted_names

REST = "other"
"""What stands for all sources, or values of a dimension, that are not listed, where some are."""
MOST_VALUES = 50
"""Values of a dimension with rows of their own on a day."""
_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}
_LISTED_SOURCE = f"IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, '{REST}')"
_LOCAL = {
    "local_hour": "hour",
    "local_order": "TIMESTAMP_TRUNC(ordered_at, HOUR)",
    "local_sale": "TIMESTAMP_TRUNC(sold_at, HOUR)",
}
"""Of what statements have the local time, by the name of that: by the hour, so that all tables have an order on the day of its hour."""


def statement(name: str, business: Business) -> str:
    """The statement `NAME.sql` for these settings.

    Raises:
        ValueError: it reads a table that the settings do not name.
    """
    names: dict[str, object] = {"listed_source": _LISTED_SOURCE, "rest": REST, "most_values": MOST_VALUES}
    names |= {name: _local(column, business.time_zone) for name, column in _LOCAL.items()}
    names["revenue_by_day"] = _TEXTS["revenue_by_day"].format(**names).replace("\n", "\n  ")
    if business.orders:
        names |= order_parts(business, business.orders, _TEXTS)
    if business.market:
        names["market"] = _market(business.market)
    if business.spending:
        counts = "spent.ChargeCategory != 'Tax'" if business.spends_what_is_billed else "TRUE"
        names["spending"] = quoted_names(business.spending) | {"counts": counts}
    if business.billing:
        names |= billing_parts(business.billing, _TEXTS)
    if business.exposures:
        names["exposures"] = exposure_columns(business.exposures, _local("{}", business.time_zone))
    exposed = _TEXTS["exposed_customers" if business.exposures else "nobody_exposed"]
    names["exposed_customers"] = exposed.format(**names).replace("\n", "\n    ")
    try:
        return _TEXTS[name].format(**names)
    except KeyError as missing:
        raise ValueError(f"{name}.sql: the settings must have the section of {missing}, got nothing") from missing


def _local(column: str, zone: str) -> str:
    """The local time of an instant, written as UTC."""
    return column if zone == "UTC" else f"TIMESTAMP(DATETIME({column}, '{zone}'))"


def outcome_words(name: str, business: Business) -> dict[str, list[str]]:
    """The parameters of a statement that map the words of the settings to outcomes, where it needs them."""
    orders = business.orders
    reads = name == "order_rows" or any(f"{{{part}}}" in _TEXTS[name] for part in READING)
    if orders is None or orders.outcome is None or not reads:
        return {}
    return {outcome: list(words) for outcome, words in orders.outcomes.items()}


def _market(market: MarketTable) -> dict[str, str]:
    amount = f"SAFE_CAST(sale.{quoted(market.amount)} AS FLOAT64)" if market.amount else "1.0"
    return quoted_names(market) | {"amount": amount}
