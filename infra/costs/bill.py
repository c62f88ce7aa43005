"""The bill of a month: usages at their prices, less what is free."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from infra.costs import bigquery, others
from infra.costs.bigquery import Reckoning, Usage
from infra.costs.facts import Facts
from infra.costs.prices import PRICES
from infra.costs.workload import Design, Workload

BIGQUERY: Final = {
    "BigQuery, scans": ("scan",),
    "BigQuery, storage": ("storage", "old_storage"),
    "BigQuery, streaming inserts": ("inserts",),
}
"""The prices that each part of BigQuery is billed by, by their keys."""
OTHER_SERVICES: Final = {
    "Firestore": ("reads", "writes", "deletes", "documents"),
    "Cloud Run": ("cpu", "memory"),
    "Cloud Monitoring, samples": ("samples",),
    "Cloud Monitoring, alert rules": ("conditions", "points"),
    "Pub/Sub, Logging, Scheduler": ("messages", "logs", "jobs"),
}
"""The same for the other services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the bill.

    Attributes:
        usage: what is billed.
        dollars: before what is free.
    """

    usage: Usage
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Of a month.

    Attributes:
        lines: what is used.
        free: dollars of it that are free.
    """

    lines: tuple[Line, ...]
    free: float

    @property
    def dollars(self) -> float:
        """To pay."""
        return sum(line.dollars for line in self.lines) - self.free

    def of(self, *prices: str) -> float:
        """Dollars of some prices, before what is free."""
        return sum(line.dollars for line in self.lines if line.usage.price in prices)


def bill(usages: Iterable[Usage]) -> Bill:
    """The bill of usages; what is free of a price is free once, whatever it is used for.

    >>> from infra.costs.prices import TIB
    >>> found = bill([Usage("scan", "a", TIB, ""), Usage("scan", "b", 2 * TIB, "")])
    >>> found.dollars, found.free
    (12.5, 6.25)
    """
    lines, total = [], defaultdict[str, float](float)
    for one in usages:
        price = PRICES[one.price]
        lines.append(Line(usage=one, dollars=one.units / price.per * price.dollars))
        total[one.price] += one.units
    gross = sum(line.dollars for line in lines)
    return Bill(lines=tuple(lines), free=gross - sum(PRICES[key].cost(units) for key, units in total.items()))


def reckon(load: Workload, design: Design, facts: Facts) -> Bill:
    """The bill of a month of a workload."""
    found = Reckoning(load, design, facts)
    return bill((*bigquery.usages(found), *others.usages(found)))
