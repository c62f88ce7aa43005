"""The section `business` of monitoring.yaml."""

from types import MappingProxyType

from core.settings.business import LATE, OUTCOMES, WORDS, Business, Cost, Customers, MarketTable, Orders, Spending
from core.settings.reader import Section, list_of, mapping_of, section
from core.settings.scalars import column, duration, number, slug, table, text, whole

_USUAL = Business()
_words = list_of(text, at_least=1, once=True)


def read_business(top: Section) -> Business:
    """Where orders, costs and the market are."""
    business = Business(
        orders=top.optional("orders", section(_orders), None),
        customers=top.optional("customers", section(_customers), _USUAL.customers),
        costs=MappingProxyType(top.optional("costs", mapping_of(slug, section(_cost)), {}) or {}),
        spending=top.optional("spending", section(_spending), None),
        market=top.optional("market", section(_market), None),
    )
    if top.sound and "customers" in top.values and (business.orders is None or business.orders.customer is None):
        top.fault("orders.customer", "must be given where there is customers", None)
    return business


def _orders(top: Section) -> Orders:
    outcome = top.optional("outcome", column, None)
    outcomes = top.optional("outcomes", section(_outcomes), None)
    orders = Orders(
        table=top.required("table", table),
        timestamp=top.required("timestamp", column),
        id=top.required("id", column),
        source=top.required("source", column),
        amount=top.required("amount", column),
        customer=top.optional("customer", column, None),
        outcome=outcome,
        late=top.optional("late", duration("1h", "30d"), LATE),
        outcomes=MappingProxyType(outcomes or WORDS),
    )
    if top.sound and outcomes is not None and outcome is None:
        top.fault("outcome", "must be given where there are outcomes", None)
    return orders


def _outcomes(top: Section) -> dict[str, tuple[str, ...]]:
    words = {one: top.optional(one, _words, (one,)) for one in OUTCOMES}
    if top.sound:
        known: set[str] = set()
        for one, given in words.items():
            for index, word in enumerate(given):
                if word in known:
                    top.fault(f"{one}[{index}]", "must mean one outcome", word)
                known.add(word)
    return words


def _customers(top: Section) -> Customers:
    return Customers(period=top.optional("period", duration("1d", "365d", step="d"), _USUAL.customers.period))


def _cost(top: Section) -> Cost:
    return Cost(dollars_per_hour=top.required("dollars_per_hour", number(0, 1e12)))


def _spending(top: Section) -> Spending:
    return Spending(
        table=top.required("table", table),
        timestamp=top.required("timestamp", column),
        kind=top.required("kind", column),
        amount=top.required("amount", column),
    )


def _market(top: Section) -> MarketTable:
    return MarketTable(
        table=top.required("table", table),
        timestamp=top.required("timestamp", column),
        id=top.required("id", column),
        company=top.required("company", column),
        ours=top.required("ours", text),
        days=top.optional("days", whole(1, 365), 30),
        amount=top.optional("amount", column, None),
    )
