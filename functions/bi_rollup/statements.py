"""The statements: the `.sql` files of this folder, with the tables and columns that the settings name.

The settings validate these names; they are quoted here, so that a column may be called `order` or `group`. Values are
parameters.
"""

from dataclasses import fields
from pathlib import Path

from core.settings import Business, MarketTable, Orders, Spending

REST = "other"
"""The source that stands for all sources that are not listed, where some are."""
_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}
_LISTED_SOURCE = f"IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, '{REST}')"
_OUTCOME_BY_WORD = """CASE
      WHEN word IN UNNEST(@taken) THEN 'taken' WHEN word IN UNNEST(@refunded) THEN 'refunded'
      WHEN word IN UNNEST(@failed) THEN 'failed' ELSE 'unknown'
    END"""
_OUTCOME_BY_SIGN = "IF(amount < 0, 'refunded', 'taken')"


def statement(name: str, business: Business) -> str:
    """The statement `NAME.sql` for these settings.

    Raises:
        ValueError: it reads a table that the settings do not name.
    """
    names: dict[str, object] = {"listed_source": _LISTED_SOURCE}
    names["revenue_by_day"] = _TEXTS["revenue_by_day"].format(**names).replace("\n", "\n  ")
    if business.orders:
        names["orders"] = orders = _orders(business.orders)
        names["each_order"] = _TEXTS["orders"].format(orders=orders).replace("\n", "\n    ")
    if business.market:
        names["market"] = _market(business.market)
    if business.spending:
        names["spending"] = _quoted_names(business.spending)
    try:
        return _TEXTS[name].format(**names)
    except KeyError as missing:
        raise ValueError(f"{name}.sql: the settings must have the section of {missing}, got nothing") from missing


def outcome_words(name: str, business: Business) -> dict[str, list[str]]:
    """The parameters of a statement that map the words of the settings to outcomes, where it needs them."""
    orders = business.orders
    if orders is None or orders.outcome is None or (name != "orders" and "{each_order}" not in _TEXTS[name]):
        return {}
    return {outcome: list(words) for outcome, words in orders.outcomes.items()}


def _orders(orders: Orders) -> dict[str, str]:
    return _quoted_names(orders) | {
        "customer": _text(orders.customer),
        "word": _text(orders.outcome),
        "outcome": _OUTCOME_BY_WORD if orders.outcome else _OUTCOME_BY_SIGN,
    }


def _market(market: MarketTable) -> dict[str, str]:
    amount = f"CAST(sale.{_quoted(market.amount)} AS FLOAT64)" if market.amount else "1.0"
    return _quoted_names(market) | {"amount": amount}


def _quoted_names(section: Orders | MarketTable | Spending) -> dict[str, str]:
    """The table and columns of a section, by key."""
    values = {field.name: getattr(section, field.name) for field in fields(section)}
    return {name: _quoted(value) for name, value in values.items() if isinstance(value, str)}


def _text(column: str | None) -> str:
    return f"CAST(paid.{_quoted(column)} AS STRING)" if column else "CAST(NULL AS STRING)"


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
