"""The parts of statements that read orders, with the columns that the settings name."""

from collections.abc import Mapping
from datetime import timedelta

from core.settings import Business, Exposures, Orders, Rates
from functions.bi_rollup.quoted_names import quoted, quoted_names

NAMELESS = ("", "(not set)", "(none)", "null", "undefined")
"""What stands for no id and for no customer, in small letters."""
TEST = ("true", "1", "yes", "test")
"""What marks a test order, in small letters."""
LABELS = ("model", "version", "arm", "device", "country")
"""What else an order is known by; a refund has those of its order, if it has none of its own."""
RETRIES = timedelta(days=1)
"""An attempt that was not paid is no order of its own where its order is paid within this time after it."""
LINKS = timedelta(days=90)
"""How long after a sale a refund with its id, or that names it, belongs to it."""
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
_A_DAY_MORE = {"since": "TIMESTAMP_SUB(@since, INTERVAL 1 DAY)", "until": "TIMESTAMP_ADD(@until, INTERVAL 1 DAY)"}
"""The period of instants that holds local days from `since` to `until`."""
READING = ("order_rows", "each_order", "each_linked_order", "each_labelled_order")
"""The parts that read orders: as rows; each once; with the time of its sale; and with its labels as well."""


def order_parts(business: Business, given: Orders, texts: Mapping[str, str]) -> dict[str, object]:
    """The parts, and the names and expressions that they are made of.

    Args:
        business: the settings.
        given: its orders.
        texts: of the `.sql` files, by name.
    """
    orders, rates = _orders(business, given), _rates(business.rates)
    linked = orders | {"look_back": orders["links"]} | _A_DAY_MORE

    def part(name: str, names: Mapping[str, str], indent: int, **parts: str) -> str:
        spanned = rates | {key: names[key] for key in ("since", "until")}
        return texts[name].format(orders=names, rates=spanned, **parts).replace("\n", "\n" + " " * indent)

    def rate_rows(names: Mapping[str, str]) -> str:
        return part("rate_rows" if business.rates else "no_rates", names, 4)

    def each(names: Mapping[str, str], indent: int) -> str:
        each_rate = part("rates", names, 4, rate_rows=rate_rows(names))
        return part("orders", names, indent, order_rows=part("order_rows", names, 6), each_rate=each_rate)

    return {
        "orders": orders,
        "rates": rates | {"since": "@since", "until": "@until"},
        "each_rate": part("rates", orders, 4, rate_rows=rate_rows(orders)),
        "order_rows": part("order_rows", orders, 4),
        "rate_rows": rate_rows(orders),
        "each_order": each(orders, 4),
        "each_linked_order": each(linked, 6),
        "each_labelled_order": each(linked | _labels(given), 6),
        "dimensions": _dimensions(given),
        "kept_models": ", ".join(f"'{name}'" for name in ("", *kept_models(business))),
    }


def _orders(business: Business, orders: Orders) -> dict[str, str]:
    """What the texts of statements name `orders[...]`."""
    periods = {
        "repeats": _micros(orders.repeated_within),
        "look_back": _micros(orders.repeated_within),
        "retries": _micros(RETRIES),
        "links": _micros(LINKS),
    }
    return (
        quoted_names(orders)
        | {f"named_{key}": _named(getattr(orders, field)) for key, field in _NAMED.items()}
        | {name: str(micros) for name, micros in periods.items()}
        | {f"{name}_less": str(micros - 1) for name, micros in periods.items()}
        | _money(business, orders)
        | {
            "since": "@since",
            "until": "@until",
            "links_days": str(LINKS.days),
            "word": _text(orders.outcome),
            "outcome": _OUTCOME_BY_WORD if orders.outcome else _OUTCOME_BY_SIGN,
            "kinds": _KINDS[orders.refunds],
        }
        | dict.fromkeys(("labels", "label_columns", "linked_labels"), "")
    )


def _money(business: Business, orders: Orders) -> dict[str, str]:
    """What an amount consists of, its currency, and whether it is money at all."""
    words = ", ".join(f"'{word}'" for word in TEST)
    return {
        "tax": _part_of_amount(orders.tax),
        "discount": _part_of_amount(orders.discount),
        "currency": f"UPPER(TRIM({_named(orders.currency)}))" if orders.currency else f"'{business.currency}'",
        "reporting": business.currency,
        "day": f"DATE(ordered_at, '{business.time_zone}')",
        "is_test": f"LOWER(TRIM({_text(orders.test)})) IN ({words})" if orders.test else "FALSE",
    }


def _rates(rates: Rates | None) -> dict[str, str]:
    """What the texts of statements name `rates[...]`; without rates the days do not matter."""
    days = rates.max_age.days if rates else 0
    return (quoted_names(rates) if rates else {}) | {"max_age": str(days), "reach": str(days + 2)}


def _labels(orders: Orders) -> dict[str, str]:
    """The labels of orders, from their columns, and of refunds without one from their sale."""
    sale = "PARTITION BY sale_id ORDER BY UNIX_MICROS(ordered_at)"
    return {
        "labels": "".join(f", {label}" for label in LABELS),
        "label_columns": "".join(f",\n      {_named(getattr(orders, label))} AS {label}" for label in LABELS),
        "linked_labels": "".join(
            f""",
      COALESCE({label}, IF(outcome = 'refunded', MIN(IF(outcome = 'taken' AND id IS NOT NULL, {label}, NULL)) OVER (
        {sale} RANGE BETWEEN {_micros(LINKS)} PRECEDING AND CURRENT ROW
      ), NULL)) AS {label}"""
            if getattr(orders, label)
            else f", {label}"
            for label in LABELS
        ),
    }


def kept_models(business: Business) -> tuple[str, ...]:
    """The models whose revenue must be known on every day: they earn a stated share of it."""
    return tuple(sorted(name for name, model in business.roi.models.items() if model.share is not None))


def dimensions(orders: Orders) -> tuple[str, ...]:
    """The dimensions that these orders have: what they are marked with, beside their source."""
    marked = (*LABELS, "currency")
    return ("source", *(name for name in marked if getattr(orders, name)))


def _dimensions(orders: Orders) -> str:
    """Each dimension of an order with its value, as an array; versions and arms are told apart by their model."""
    of_model = {name: f"CONCAT(model, '/', {name})" for name in ("version", "arm")}
    return ", ".join(f"STRUCT('{name}' AS name, {of_model.get(name, name)} AS value)" for name in dimensions(orders))


def exposure_columns(given: Exposures, local: str) -> dict[str, str]:
    """What the texts of statements name `exposures[...]`.

    Args:
        given: the table of exposures.
        local: the local time of an instant `{}`.
    """
    texts = {key: _named(getattr(given, key)) for key in ("model", "arm", "customer")}
    return quoted_names(given) | texts | {"local_day": local.format(f"paid.{quoted(given.timestamp)}")}


def _micros(period: timedelta) -> int:
    return period // timedelta(microseconds=1)


def _part_of_amount(column: str | None) -> str:
    """A part of the amount without its sign: NaN where it is no number, 0 where there is none."""
    if column is None:
        return "0.0"
    number = f"ABS(SAFE_CAST(paid.{quoted(column)} AS FLOAT64))"
    return f"IF(paid.{quoted(column)} IS NULL, 0.0, COALESCE({number}, CAST('NaN' AS FLOAT64)))"


def _text(column: str | None) -> str:
    return f"CAST(paid.{quoted(column)} AS STRING)" if column else "CAST(NULL AS STRING)"


def _named(column: str | None) -> str:
    """The text of a column; NULL where it names nothing."""
    nameless = ", ".join(f"'{word}'" for word in NAMELESS)
    return f"IF(LOWER(TRIM({_text(column)})) IN ({nameless}), NULL, {_text(column)})" if column else _text(column)
