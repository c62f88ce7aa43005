"""The statements: the `.sql` files of this folder, with the tables and columns that the settings name.

The settings validate these names; they are quoted here, so that a column may be called `order` or `group`. Values are
parameters.
"""

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from core.settings import Billing, Business, MarketTable, Orders, Spending

REST = "other"
"""The source that stands for all sources that are not listed, where some are."""
_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}
_LISTED_SOURCE = f"IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, '{REST}')"
_OUTCOME_BY_WORD = """CASE
      WHEN word IN UNNEST(@taken) THEN 'taken' WHEN word IN UNNEST(@refunded) THEN 'refunded'
      WHEN word IN UNNEST(@failed) THEN 'failed' ELSE 'unknown'
    END"""
_OUTCOME_BY_SIGN = "IF(amount < 0, 'refunded', 'taken')"
_KINDS = {
    "rows": "[outcome]",
    "in_place": "IF(outcome = 'refunded' AND amount > 0, ['taken', 'refunded'], [outcome])",
}
"""What a row stands for, by where refunds are: a row that became a refund was a sale before."""
_NAMED = {"id": "id", "customer": "customer", "refund": "refund_id", "refund_of": "refund_of"}
"""Columns that may say that there is no value, by their key here."""
NAMELESS = ("", "(not set)", "(none)", "null", "undefined")
"""What stands for no id and for no customer, in small letters."""
RETRIES = timedelta(days=1)
"""An attempt that was not paid is no order of its own where its order is paid within this time after it."""
LINKS = timedelta(days=90)
"""How long after a sale a refund with its id, or that names it, belongs to it."""
EARLY = timedelta(days=32)
"""How long before its day a charge may be exported: one of a month at its beginning."""
_A_DAY_MORE = {"since": "TIMESTAMP_SUB(@since, INTERVAL 1 DAY)", "until": "TIMESTAMP_ADD(@until, INTERVAL 1 DAY)"}
"""The period of instants that holds local days from `since` to `until`."""
_LOCAL = {"local_hour": "hour", "local_order": "ordered_at", "local_sale": "sold_at"}
"""Columns of which statements have the local time, by the name of that."""
_READING = ("order_rows", "each_order", "each_linked_order")
"""Parts of statements that read orders, as rows and each once."""


def statement(name: str, business: Business) -> str:
    """The statement `NAME.sql` for these settings.

    Raises:
        ValueError: it reads a table that the settings do not name.
    """
    names: dict[str, object] = {"listed_source": _LISTED_SOURCE}
    names |= {name: _local(column, business.time_zone) for name, column in _LOCAL.items()}
    names["revenue_by_day"] = _TEXTS["revenue_by_day"].format(**names).replace("\n", "\n  ")
    if business.orders:
        names |= _order_parts(business.orders)
    if business.market:
        names["market"] = _market(business.market)
    if business.spending:
        names["spending"] = _quoted_names(business.spending)
    if business.billing:
        names |= _billing_parts(business.billing)
    try:
        return _TEXTS[name].format(**names)
    except KeyError as missing:
        raise ValueError(f"{name}.sql: the settings must have the section of {missing}, got nothing") from missing


def _local(column: str, zone: str) -> str:
    """The local time of an instant, written as UTC."""
    return column if zone == "UTC" else f"TIMESTAMP(DATETIME({column}, '{zone}'))"


def _order_parts(given: Orders) -> dict[str, object]:
    """The parts of statements that read orders."""
    orders = _orders(given)
    linked = orders | {"look_back": orders["links"]} | _A_DAY_MORE
    rows, linked_rows = (
        _TEXTS["order_rows"].format(orders=names).replace("\n", "\n    ") for names in (orders, linked)
    )
    return {
        "orders": orders,
        "order_rows": rows,
        "each_order": _TEXTS["orders"].format(orders=orders, order_rows=rows).replace("\n", "\n    "),
        "each_linked_order": _TEXTS["orders"].format(orders=linked, order_rows=linked_rows).replace("\n", "\n      "),
    }


def outcome_words(name: str, business: Business) -> dict[str, list[str]]:
    """The parameters of a statement that map the words of the settings to outcomes, where it needs them."""
    orders = business.orders
    reads = name == "order_rows" or any(f"{{{part}}}" in _TEXTS[name] for part in _READING)
    if orders is None or orders.outcome is None or not reads:
        return {}
    return {outcome: list(words) for outcome, words in orders.outcomes.items()}


def _orders(orders: Orders) -> dict[str, str]:
    periods = {
        "repeats": _micros(orders.repeated_within),
        "look_back": _micros(orders.repeated_within),
        "retries": _micros(RETRIES),
        "links": _micros(LINKS),
    }
    return (
        _quoted_names(orders)
        | {f"named_{key}": _named(getattr(orders, field)) for key, field in _NAMED.items()}
        | {name: str(micros) for name, micros in periods.items()}
        | {f"{name}_less": str(micros - 1) for name, micros in periods.items()}
        | {
            "since": "@since",
            "until": "@until",
            "links_days": str(LINKS.days),
            "word": _text(orders.outcome),
            "outcome": _OUTCOME_BY_WORD if orders.outcome else _OUTCOME_BY_SIGN,
            "kinds": _KINDS[orders.refunds],
        }
    )


def _micros(period: timedelta) -> int:
    return period // timedelta(microseconds=1)


def _market(market: MarketTable) -> dict[str, str]:
    amount = f"SAFE_CAST(sale.{_quoted(market.amount)} AS FLOAT64)" if market.amount else "1.0"
    return _quoted_names(market) | {"amount": amount}


def _billing_parts(given: Billing) -> dict[str, object]:
    """The parts of statements that read the billing export."""
    labels = {key: getattr(given.labels, key) for key in ("model", "pipeline", "team")}
    billing = {
        "table": _quoted(given.table),
        "partition": _quoted(given.partition),
        "resource": "line.resource.global_name" if given.export == "detailed" else "CAST(NULL AS STRING)",
        "early_days": str(EARLY.days),
        **{key: f"COALESCE({_label('line', label)}, {_label('line.project', label)})" for key, label in labels.items()},
    }
    rows = _TEXTS["billing_rows"].format(billing=billing).replace("\n", "\n    ")
    return {"billing": billing, "billing_rows": rows}


def _label(owner: str, key: str) -> str:
    """The value of a label; NULL without one."""
    return f"(SELECT MAX(NULLIF(label.value, '')) FROM UNNEST({owner}.labels) AS label WHERE label.key = '{key}')"  # noqa: S608 - the settings check the key


def _quoted_names(section: Orders | MarketTable | Spending) -> dict[str, str]:
    """The table and columns of a section, by key."""
    values = {field.name: getattr(section, field.name) for field in fields(section)}
    return {name: _quoted(value) for name, value in values.items() if isinstance(value, str)}


def _text(column: str | None) -> str:
    return f"CAST(paid.{_quoted(column)} AS STRING)" if column else "CAST(NULL AS STRING)"


def _named(column: str | None) -> str:
    """The text of a column; NULL where it names nothing."""
    nameless = ", ".join(f"'{word}'" for word in NAMELESS)
    return f"IF(LOWER(TRIM({_text(column)})) IN ({nameless}), NULL, {_text(column)})" if column else _text(column)


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
