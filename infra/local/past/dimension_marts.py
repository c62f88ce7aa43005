"""The marts of revenue by dimension and by experiment arm in memory, written as the statements of bi_rollup write them."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from core.business.checks import Ints
from functions.bi_rollup.attributions import ArmTotals, ModelRevenue
from functions.bi_rollup.dimensions import DimensionRevenue
from functions.bi_rollup.statements import MOST_VALUES, REST
from infra.local.past.business_rows import UNNAMED, micros
from infra.local.past.order_rows import REFUNDED, TAKEN, OrderRows

_DAY = timedelta(days=1)
_DAY_MICROS = _DAY // timedelta(microseconds=1)
_SUMS = ("gross", "discount", "tax", "refund", "dollars")
Key = tuple[int, str, str]


def rows_of_days(orders: OrderRows, since: datetime, until: datetime) -> tuple[Ints, Ints]:
    """Rows that were taken or refunded on local days, each order once, and the day of each in microseconds."""
    rows = orders.counted(since - _DAY, until + _DAY)
    rows = rows[orders.booked_as[rows] <= REFUNDED]
    day = orders.local_days(orders.at[rows]) * _DAY_MICROS
    within = (day >= micros(since)) & (day < micros(until))
    return rows[within], day[within]


@dataclass(slots=True)
class DimensionMart:
    """`marts.revenue_by_dimension_daily`.

    Attributes:
        orders: what it is built from.
        dimensions: those that its orders have.
        rows: by day, dimension and value: the five sums of money, payments and customers.
    """

    orders: OrderRows
    dimensions: tuple[str, ...]
    rows: dict[Key, list[float]] = field(default_factory=dict)

    def write(self, since: datetime, until: datetime) -> None:
        """Write whole days, as `write_revenue_by_dimension.sql`."""
        for key in [key for key in self.rows if micros(since) <= key[0] < micros(until)]:
            del self.rows[key]
        rows, days = rows_of_days(self.orders, since, until)
        taken = (self.orders.booked_as[rows] == TAKEN).tolist()
        money = np.stack([self.orders.money[name][rows] for name in _SUMS], axis=1).tolist()
        customers = self.orders.customers.codes[rows].tolist()
        for dimension in self.dimensions:
            kept = self.orders.kept_models if dimension == "model" else ()
            values = _listed(days.tolist(), self._values(dimension, rows), taken, kept)
            sums: dict[Key, list[float]] = defaultdict(lambda: [0.0] * (len(_SUMS) + 1))
            who: dict[Key, set[int]] = defaultdict(set)
            for day, value, amounts, paid, customer in zip(days.tolist(), values, money, taken, customers, strict=True):
                key = (day, dimension, value)
                sums[key] = [one + more for one, more in zip(sums[key], [*amounts, float(paid)], strict=True)]
                if paid and customer >= 0:
                    who[key].add(customer)
            self.rows |= {key: [*found, float(len(who[key]))] for key, found in sums.items()}

    def revenue(self, since: datetime, until: datetime, most: int) -> list[DimensionRevenue]:
        """The revenue of a period, as `revenue_by_dimension.sql`."""
        totals: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for (day, dimension, value), sums in self.rows.items():
            if micros(since) <= day < micros(until) and dimension != "source":
                totals[dimension, value][0] += sums[_SUMS.index("dollars")]
                totals[dimension, value][1] += sums[len(_SUMS)]
        found: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        places: Counter[str] = Counter()
        ranked = sorted(totals.items(), key=lambda item: (item[0][1] == REST, -item[1][0], item[0][1]))
        for (dimension, value), (dollars, payments) in ranked:
            places[dimension] += 1
            named = found[dimension, value if places[dimension] <= most else REST]
            named[0] += dollars
            named[1] += payments
        return [
            DimensionRevenue(dimension=dimension, value=value, dollars=dollars, payments=int(payments))
            for (dimension, value), (dollars, payments) in sorted(found.items())
        ]

    def by_model(self, since: datetime, until: datetime) -> list[ModelRevenue]:
        """The revenue of the orders of each model, as `model_revenue.sql`."""
        dollars: dict[str, float] = defaultdict(float)
        for (day, dimension, value), sums in self.rows.items():
            if micros(since) <= day < micros(until) and dimension == "model":
                dollars[value] += sums[_SUMS.index("dollars")]
        return [ModelRevenue(model=model, dollars=amount) for model, amount in sorted(dollars.items())]

    def _values(self, dimension: str, rows: Ints) -> list[str]:
        """The value of each row; of a version and an arm after its model."""
        if dimension == "source":
            found = self.orders.sources.values(rows)
        elif dimension == "currency":
            found = self.orders.currencies.values(rows)
        else:
            found = self.orders.label(dimension, rows)
        if dimension in {"version", "arm"}:
            models = self.orders.label("model", rows)
            found = [
                f"{model}/{value}" if model and value else None for model, value in zip(models, found, strict=True)
            ]
        return [UNNAMED if value is None else value for value in found]


def _listed(days: list[int], values: list[str], taken: list[bool], always: Collection[str]) -> list[str]:
    """The values, and `other` where a day has more of them than are kept."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for day, value, paid in zip(days, values, taken, strict=True):
        counts[day][value] += paid
    kept = {
        day: set(sorted(of_day, key=lambda value: (value not in always, -of_day[value], value))[:MOST_VALUES])
        for day, of_day in counts.items()
    }
    return [value if value in kept[day] else REST for day, value in zip(days, values, strict=True)]


@dataclass(slots=True)
class ArmMart:
    """`marts.customer_arm_days`; customers who were exposed and did not order are not known.

    Attributes:
        orders: what it is built from.
        rows: net revenue by day, model, arm and customer.
    """

    orders: OrderRows
    rows: dict[tuple[int, str, str, str], float] = field(default_factory=dict)

    def write(self, since: datetime, until: datetime) -> None:
        """Write whole days, as `write_customer_arm_days.sql`."""
        for key in [key for key in self.rows if micros(since) <= key[0] < micros(until)]:
            del self.rows[key]
        rows, days = rows_of_days(self.orders, since, until)
        models, arms = (self.orders.label(name, rows) for name in ("model", "arm"))
        customers, dollars = self.orders.customers.values(rows), self.orders.dollars[rows].tolist()
        for day, model, arm, customer, amount in zip(days.tolist(), models, arms, customers, dollars, strict=True):
            if model and arm and customer:
                key = (day, model, arm, customer)
                self.rows[key] = self.rows.get(key, 0.0) + amount

    def totals(self, since: datetime, until: datetime) -> list[ArmTotals]:
        """Revenue a customer by arm, as `arm_totals.sql`."""
        arms: dict[tuple[str, str], set[str]] = defaultdict(set)
        amounts: dict[tuple[str, str], float] = defaultdict(float)
        for (day, model, arm, customer), dollars in self.rows.items():
            if micros(since) <= day < micros(until):
                arms[model, customer].add(arm)
                amounts[model, customer] += dollars
        by_arm: dict[tuple[str, str], list[float]] = defaultdict(list)
        for (model, customer), found in arms.items():
            by_arm[model, min(found) if len(found) == 1 else ""].append(amounts[model, customer])
        return [
            ArmTotals(
                model=model,
                arm=arm or None,
                customers=len(dollars),
                mean=float(np.mean(dollars)),
                variance=float(np.var(dollars, ddof=1)) if len(dollars) > 1 else 0.0,
                largest=max(dollars),
            )
            for (model, arm), dollars in sorted(by_arm.items())
        ]
