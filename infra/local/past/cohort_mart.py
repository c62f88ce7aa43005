"""`marts.customer_cohorts` in memory, as `write_customer_cohorts.sql` writes it."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from core.business.checks import Ints
from core.business.cohorts import CohortMonth
from infra.local.past.business_marts import CustomerMart
from infra.local.past.business_rows import instant, micros


@dataclass(slots=True)
class CohortMart:
    """Cohorts in each whole month of their life.

    Attributes:
        customers: the mart that it is built from, with its days.
        rows: in order of the cohort and the month.
    """

    customers: CustomerMart
    rows: list[CohortMonth] = field(default_factory=list)

    def write(self, until: datetime) -> None:
        """Rebuild all cohorts, from the customers as they were written last."""
        days = self.customers.days_of
        lived = slice(0, int(np.searchsorted(days.at, micros(until))))
        first = np.full(len(days.orders.customers.names), -1, dtype=np.int64)
        first[self.customers.customer] = _months(self.customers.first)
        begun, now = first[days.customer[lived]], int(_months(np.array([micros(until)]))[0])
        rows = np.flatnonzero((begun >= 0) & (begun < now))
        begun, who = begun[rows], days.customer[lived][rows]
        months = np.maximum(0, _months(days.order_day[lived][rows]) - begun)
        dollars, ordered = days.dollars[lived][rows], days.taken[lived][rows] > 0
        self.rows = []
        for cohort in np.unique(first[(first >= 0) & (first < now)]).tolist():
            for number in range(now - cohort):
                here = (begun == cohort) & (months == number)
                self.rows.append(
                    CohortMonth(
                        cohort=instant(np.datetime64(cohort, "M").astype("datetime64[us]").astype(np.int64)),
                        months=number,
                        customers=int((first == cohort).sum()),
                        active=np.unique(who[here & ordered]).size,
                        dollars=float(dollars[here].sum()),
                    )
                )

    def since(self, since: datetime) -> list[CohortMonth]:
        """The rows of `cohort_months.sql`."""
        return [row for row in self.rows if row.cohort >= since]


def _months(at: Ints) -> Ints:
    """Months since 1970 of instants in microseconds."""
    return at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
