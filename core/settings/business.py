"""The section `business`: where orders, costs and the market are, and what customers are counted by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import Column, Currency, Dollars, Share, Slug, Table, Target, TimeZone
from core.settings.notes import Default, Items, Mark, OneOf, Pattern, Range, Requires
from core.settings.returns import Returns

OUTCOMES = ("taken", "refunded", "failed")
"""What may become of a payment."""
WORDS: Mapping[str, tuple[str, ...]] = {outcome: (outcome,) for outcome in OUTCOMES}
"""What a table calls them, if nothing else is said."""
LATE = timedelta(days=3)
REPEATED = timedelta(days=7)
BILLED = "marts.costs_daily"
"""The table into which the billing export is read."""
BILLED_DOLLARS = "x_Dollars"
"""Its column in US dollars."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Table of orders: one row per payment."""

    table: Table
    """Table of the payments."""
    timestamp: Column
    """Column of the payment time."""
    id: Column
    """Column that identifies the order."""
    source: Column
    """Column of the source of revenue."""
    amount: Column
    """Column of the amount that was paid, after the discount and with the tax; refunds are negative, or have their `outcome`."""
    customer: Column | None = None
    """Column of the customer; without it customers are not measured."""
    outcome: Column | None = None
    """Column of the payment outcome; without it every payment counts as taken, and negative ones as refunded."""
    outcomes: Annotated[
        Mapping[Annotated[str, OneOf(*OUTCOMES)], Annotated[tuple[str, ...], Items(at_least=1, unique=True)]],
        Mark.MERGED,
        Requires("outcome"),
        Default("the words themselves"),
    ] = field(default_factory=lambda: dict(WORDS))
    """The values of the column `outcome`, by meaning, as in `{taken: [paid, settled], failed: [declined]}`."""
    late: Annotated[timedelta, Range("1h", "30d")] = LATE
    """Maximum delay of an order that is counted within the hour; later ones are added once a day."""
    repeated_within: Annotated[timedelta, Range("1h", "30d")] = REPEATED
    """Rows with one id and outcome, each less than this after the one before, are duplicates of one payment."""
    refund_id: Column | None = None
    """Column that identifies a refund among those of its order; without it, its instant and amount do."""
    refund_of: Column | None = None
    """Column with the id of the order that a refund belongs to, where refunds have an id of their own."""
    refunds: Annotated[str, OneOf("rows", "in_place")] = "rows"
    """Where refunds are: in `rows` of their own, or `in_place`: the row of the order changes its outcome, and was a sale before."""
    tax: Column | None = None
    """Column of the tax within the amount, which is no revenue; without it, or where it is NULL, the amount has none."""
    discount: Column | None = None
    """Column of the discount that the amount is already lower by; it is shown, and does not change the revenue."""
    currency: Column | None = None
    """Column of the currency of the amount, as in `EUR`; without it amounts are in the reporting currency."""
    test: Column | None = None
    """Column that marks a test order: true, 1, yes or test. Test orders are counted, and are no revenue."""
    model: Column | None = None
    """Column of the model that the order is attributed to."""
    version: Annotated[Column | None, Requires("model")] = None
    """Column of the version of the model."""
    arm: Annotated[Column | None, Requires("model", "customer")] = None
    """Column of the experiment arm of the customer, in the experiment on the model."""
    device: Column | None = None
    """Column of the device."""
    country: Column | None = None
    """Column of the country."""


@validator(Orders, "outcomes")
def _a_word_means_one_outcome(orders: Orders) -> Faults:
    known: set[str] = set()
    for outcome, words in orders.outcomes.items():
        for index, word in enumerate(words):
            if word in known:
                yield Fault(f"outcomes.{outcome}[{index}]", "must mean one outcome", word)
            known.add(word)


MEASURED_SOURCES = 100
"""Sources whose revenue by hour of the week is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueOf:
    """The orders whose revenue is that of a target."""

    sources: Annotated[tuple[str, ...], Items(at_least=1, unique=True)]
    """Sources of the orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Table of exchange rates: one row per currency and day. A rate holds from its day until the next one."""

    table: Table
    """Table of the rates."""
    day: Column
    """Column of the day: a date, an instant (UTC) or a text as in `2026-01-31`."""
    currency: Column
    """Column of the currency."""
    rate: Column
    """Column of what one unit of the currency is worth in the reporting currency."""
    max_age: Annotated[timedelta, Range("1d", "60d", step="d")] = timedelta(days=7)
    """For how long a rate holds at most; after that it is not known, and orders in the currency are set aside and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """Table of exposures: one row per customer and arm, or more. With it customers without an order count as well."""

    table: Table
    """Table of the exposures."""
    timestamp: Column
    """Column of the time of exposure."""
    customer: Column
    """Column of the customer."""
    model: Column
    """Column of the model that the experiment is about."""
    arm: Column
    """Column of the arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """What customers are counted by."""

    period: Annotated[timedelta, Range("1d", "365d", step="d")] = timedelta(days=90)
    """A customer who ordered within it is active; one who ordered in the period before, and not since, is lost."""
    discount_rate: Annotated[float, Range(0, 1)] = 0.1
    """Discount rate a year of the lifetime value: at 0.1 a dollar in a year is worth 91 cents today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A continuous cost of one kind."""

    dollars_per_hour: Dollars
    """Continuous cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Table of spending: one row per amount."""

    table: Table
    """Table of the spending."""
    timestamp: Column
    """Column of the time of spending."""
    kind: Column
    """Column of the kind of cost."""
    amount: Column
    """Column of the amount in the reporting currency; credits are negative."""


_LabelKey = Annotated[
    str,
    Pattern(
        r"[a-z][a-z0-9_-]{0,62}",
        "must be the key of a label: a small letter, then small letters, digits, _ and -, at most 63 characters",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLabels:
    """Keys of the labels by which costs are allocated; those of a resource come before those of its project."""

    model: _LabelKey = "model"
    """Label with the name of the model."""
    pipeline: _LabelKey = "pipeline"
    """Label with the name of the pipeline."""
    team: _LabelKey = "team"
    """Label with the name of the team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCost:
    """Costs of a service without a label of a model, which several models share."""

    service: Annotated[str, Pattern(r"\S(?:.{0,198}\S)?", "must be the name of a service, as in 'Cloud Storage'")]
    """Service, as the export names it."""
    shares: Annotated[Mapping[Slug, Share], Default("by predictions")] = field(default_factory=dict)
    """Share of each model, together at most 1; what is left is unallocated."""


@validator(SharedCost, "shares")
def _shares_are_at_most_the_whole(shared: SharedCost) -> Faults:
    if math.fsum(shared.shares.values()) > 1 + _ROUNDING:
        yield Fault("shares", "must add up to at most 1", math.fsum(shared.shares.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommenderSource:
    """Where Google's Recommender is asked for recommendations on costs."""

    projects: Annotated[
        tuple[Annotated[str, Pattern(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "must be the id of a project")], ...],
        Items(at_least=1, unique=True),
    ]
    """Projects, by their ids."""
    locations: Annotated[
        tuple[
            Annotated[str, Pattern(r"[a-z]{2,}(?:-[a-z0-9]+){0,3}", "must be a location, as in 'us-central1-a'")], ...
        ],
        Items(at_least=1, unique=True),
    ]
    """Zones (machines), regions (commitments) and multi-regions (tables)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """Billing export of Google Cloud in BigQuery: one row per charge."""

    table: Table
    """Table of the export, or an authorized view of it."""
    export: Annotated[str, OneOf("standard", "detailed")] = "standard"
    """Which export it is; the `detailed` one also names resources."""
    partition: Column = "_PARTITIONTIME"
    """Column of the ingestion time by which the table is partitioned; a view must have one."""
    complete_after: Annotated[timedelta, Range("1d", "10d", step="d")] = timedelta(days=2)
    """After this time the costs of a day are taken as complete; later rows still count."""
    labels: CostLabels = field(default_factory=CostLabels)
    shared: tuple[SharedCost, ...] = ()
    """Costs that models share, each service once."""
    recommender: RecommenderSource | None = None


@validator(Billing, "shared")
def _a_service_is_shared_in_one_way(billing: Billing) -> Faults:
    known: set[str] = set()
    for index, shared in enumerate(billing.shared):
        if shared and shared.service in known:
            yield Fault(f"shared[{index}].service", "must be there once", shared.service)
        known |= {shared.service} if shared else set()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTable:
    """Table of market sales: one row per sale, ours and those of others."""

    table: Table
    """Table of the sales."""
    timestamp: Column
    """Column of the sale time."""
    id: Column
    """Column that identifies the sale."""
    company: Column
    """Column of the company."""
    ours: str
    """Our company in that column."""
    days: Annotated[int, Range(1, 365, "days")] = 30
    """Window over which the market share is computed."""
    amount: Column | None = None
    """Column of the value of a sale; without it sales are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """Business metrics; what is not set is not measured."""

    time_zone: TimeZone = "UTC"
    """Time zone of the business: its days and weeks begin by this clock."""
    orders: Orders | None = None
    revenue_of: Annotated[Mapping[Target, RevenueOf], Requires("orders")] = field(default_factory=dict)
    """Orders of targets, by target: the revenue at risk and the loss of an incident are measured by them."""
    currency: Currency = "USD"
    """Reporting currency: revenue in other currencies is converted to it."""
    rates: Annotated[Rates | None, Requires("orders.currency")] = None
    exposures: Annotated[Exposures | None, Requires("orders.arm")] = None
    customers: Annotated[Customers, Requires("orders.customer")] = field(default_factory=Customers)
    costs: Mapping[Slug, Cost] = field(default_factory=dict)
    """Continuous costs, by a name of your choice."""
    spending: Spending | None = None
    billing: Billing | None = None
    market: MarketTable | None = None
    roi: Returns = field(default_factory=Returns)

    @property
    def spends_what_is_billed(self) -> bool:
        """Whether `spending` is what the billing export says."""
        return self.billing is not None and self.spending is not None and self.spending.table == BILLED


@validator(Business, "spending", "currency")
def _spending_is_in_the_reporting_currency(business: Business) -> Faults:
    spending = business.spending
    in_dollars = spending is not None and spending.table == BILLED and spending.amount == BILLED_DOLLARS
    if spending is not None and in_dollars and business.currency != "USD":
        wanted = f"must be in {business.currency}, the reporting currency: EffectiveCost, if Google bills in that"
        yield Fault("spending.amount", wanted, spending.amount)


@validator(Business, "revenue_of")
def _not_too_many_sources_are_measured(business: Business) -> Faults:
    sources = {source for orders in business.revenue_of.values() for source in orders.sources}
    if len(sources) > MEASURED_SOURCES:
        yield Fault("revenue_of", f"must name {MEASURED_SOURCES} sources at most", len(sources))


@validator(Business, "roi", "orders")
def _orders_say_what_returns_are_computed_from(business: Business) -> Faults:
    orders = business.orders
    for name, given in business.roi.models.items():
        if given.control is not None and (orders is None or orders.arm is None):
            yield Fault(f"roi.models.{name}.control", "must not be given without orders.arm", given.control)
        if given.share is not None and (orders is None or orders.model is None):
            yield Fault(f"roi.models.{name}.share", "must not be given without orders.model", given.share)
