"""Retention of customers by cohort: those who ordered for the first time in one month."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortMonth:
    """A cohort in one month of its life.

    Attributes:
        cohort: the month of the first order, by its first day.
        months: months since then; 0 is that month itself.
        customers: size of the cohort.
        active: those of it who ordered in the month.
        dollars: revenue of the orders of the month, net of their refunds.
    """

    cohort: datetime
    months: int
    customers: int
    active: int
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """A cohort to date: its size, and its revenue over all of its months, in dollars."""

    customers: int
    dollars: float


def retention_curve(rows: Iterable[CohortMonth]) -> dict[int, float]:
    """Share of customers who order again, by months since the first order, over all cohorts that are that old.

    >>> march, april = datetime(2026, 3, 1), datetime(2026, 4, 1)
    >>> retention_curve([
    ...     CohortMonth(cohort=march, months=0, customers=30, active=30, dollars=900.0),
    ...     CohortMonth(cohort=march, months=1, customers=30, active=9, dollars=300.0),
    ...     CohortMonth(cohort=april, months=0, customers=70, active=70, dollars=700.0),
    ... ])
    {1: 0.3}
    """
    customers: dict[int, int] = defaultdict(int)
    active: dict[int, int] = defaultdict(int)
    for row in rows:
        customers[row.months] += row.customers
        active[row.months] += row.active
    return {months: active[months] / customers[months] for months in sorted(customers) if months and customers[months]}


def cohorts(rows: Iterable[CohortMonth]) -> dict[datetime, Cohort]:
    """Each cohort to date, the oldest first."""
    by_cohort: dict[datetime, list[CohortMonth]] = defaultdict(list)
    for row in rows:
        by_cohort[row.cohort].append(row)
    return {
        month: Cohort(customers=found[0].customers, dollars=math.fsum(row.dollars for row in found))
        for month, found in sorted(by_cohort.items())
    }
