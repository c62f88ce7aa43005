"""What is set about the business: where orders, costs and the market are, and what customers are counted by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

OUTCOMES = ("taken", "refunded", "failed")
"""What may become of a payment."""
WORDS: Mapping[str, tuple[str, ...]] = {one: (one,) for one in OUTCOMES}
"""What a table calls them, if nothing else is said."""
LATE = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Where orders are.

    Attributes:
        table: one row a payment, as `dataset.table` or `project.dataset.table`.
        timestamp: the column of the instant it was made.
        id: the column that tells orders apart.
        source: the column of what sold it.
        amount: the column of what was paid, in dollars; negative or not where it was paid back.
        customer: the column of who paid, where that is known; no customers are counted without one.
        outcome: the column of what became of the payment; without one everything was taken, and what is negative refunded.
        outcomes: the words of that column, by what they mean: taken, refunded, failed.
        late: how much later than its own instant an order may arrive and still be counted.
    """

    table: str
    timestamp: str
    id: str
    source: str
    amount: str
    customer: str | None = None
    outcome: str | None = None
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(WORDS))
    late: timedelta = LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """What customers are counted by.

    Attributes:
        period: who ordered within it is active; who did in the one before and not since is lost.
    """

    period: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one kind of thing costs, all the time."""

    dollars_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Where what was spent is written: one row an amount.

    Attributes:
        table: as `dataset.table` or `project.dataset.table`.
        timestamp: the column of the instant it was spent.
        kind: the column of what for.
        amount: the column of how much, in dollars; credits negative.
    """

    table: str
    timestamp: str
    kind: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTable:
    """Where the sales of a market are: one row a sale, ours and those of others.

    Attributes:
        table: as `dataset.table` or `project.dataset.table`.
        timestamp: the column of the instant of a sale.
        id: the column that tells sales apart.
        company: the column of who sold.
        ours: which company we are.
        days: over how many days the position is.
        amount: the column of what a sale was worth; without one sales are counted.
    """

    table: str
    timestamp: str
    id: str
    company: str
    ours: str
    days: int = 30
    amount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """The business; what is not set is not measured.

    Attributes:
        orders: where orders are.
        customers: what customers are counted by.
        costs: what things cost all the time, by kind.
        spending: where what was spent is written.
        market: where the sales of the market are.
    """

    orders: Orders | None = None
    customers: Customers = field(default_factory=Customers)
    costs: Mapping[str, Cost] = field(default_factory=dict)
    spending: Spending | None = None
    market: MarketTable | None = None
