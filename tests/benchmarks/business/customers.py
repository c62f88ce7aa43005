"""Customers of two real shops, as they were known at an instant, and what they bought after it; and simulated ones."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.business import bg_nbd, gamma_gamma, lifetime
from core.business.bg_nbd import BgNbd, PurchaseHistory
from core.business.gamma_gamma import GammaGamma
from core.business.lifetime_error import HoldoutError, holdout_error
from core.business.lifetime_interval import mean_value_factor

Floats = NDArray[np.float64]
CDNOW_END, CDNOW_DAYS = date(1997, 9, 30), 273
SHOP_CUTS = [date(2011, month, 1) for month in range(4, 10)] + [date(2011, 9, 10)]
SHOP_DAYS = 90
PURCHASES, AMOUNTS = BgNbd(r=0.8, alpha=30.0, a=0.9, b=3.0), GammaGamma(p=4.0, q=5.0, v=40.0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visits:
    """Days on which customers bought, one row a customer and day; shape (n,)."""

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    dollars: Floats

    @classmethod
    def of(cls, customer: NDArray[np.int64], day: NDArray[np.int64], dollars: Floats) -> "Visits":
        """Purchases with those of one day as one."""
        keys, place = np.unique(customer * 1_000_000 + day, return_inverse=True)
        return cls(
            customer=keys // 1_000_000,
            day=keys % 1_000_000,
            dollars=np.asarray(np.bincount(place, weights=dollars, minlength=keys.size), dtype=np.float64),
        )

    def holdout(self, end: date, days: int) -> HoldoutError:
        """The error of a forecast made on the evening of a day."""
        now = end.toordinal()
        known = self.day <= now
        names, who = np.unique(self.customer[known], return_inverse=True)
        first, last = np.full(names.size, now), np.zeros(names.size, dtype=np.int64)
        np.minimum.at(first, who, self.day[known])
        np.maximum.at(last, who, self.day[known])
        repeat = np.bincount(who) - 1
        again = self.day[known] > first[who]
        money = np.bincount(who[again], weights=self.dollars[known][again], minlength=names.size)
        later = (self.day > now) & (self.day <= now + days) & np.isin(self.customer, names)
        after = np.bincount(np.searchsorted(names, self.customer[later]), minlength=names.size)
        summary = (repeat.astype(float), (last - first).astype(float), (now - first).astype(float))
        return holdout_error((*summary, money / np.maximum(repeat, 1)), after.astype(float), days)


def cdnow(path: Path) -> HoldoutError:
    """All 23,570 customers of CDNOW after their first 39 weeks, over the next 39."""
    with gzip.open(path, "rt") as text:
        rows = [line.split() for line in text.read().splitlines()[1:]]
    days = [date(int(row[1][:4]), int(row[1][4:6]), int(row[1][6:])).toordinal() for row in rows]
    customers, dollars = np.array([int(row[0]) for row in rows]), np.array([float(row[3]) for row in rows])
    return Visits.of(customers, np.array(days), dollars).holdout(CDNOW_END, CDNOW_DAYS)


def shop(path: Path) -> Iterator[tuple[date, HoldoutError]]:
    """A shop of gifts (UCI Online Retail) at several days of 2011, each over the next 90 days."""
    table = pq.read_table(path, columns=["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"])
    customer = table["CustomerID"].to_numpy(zero_copy_only=False)
    quantity, price = table["Quantity"].to_numpy(), table["UnitPrice"].to_numpy()
    epoch = date(1970, 1, 1).toordinal()
    day = pc.cast(pc.cast(table["InvoiceDate"], "date32"), "int32").to_numpy().astype(np.int64) + epoch
    sold = ~np.isnan(customer) & (quantity > 0) & (price > 0)
    visits = Visits.of(customer[sold].astype(np.int64), day[sold], (quantity * price)[sold])
    for cut in SHOP_CUTS:
        yield cut, visits.holdout(cut - _DAY, SHOP_DAYS)


def simulated(rng: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Customers of known parameters, watched for 100 to 300 days: frequency, recency, age and mean value."""
    age, now, stays = rng.uniform(100, 300, count), np.zeros(count), np.ones(count, dtype=np.bool_)
    rate, leaves = rng.gamma(PURCHASES.r, 1 / PURCHASES.alpha, count), rng.beta(PURCHASES.a, PURCHASES.b, count)
    frequency, recency = np.zeros(count), np.zeros(count)
    while stays.any():
        now[stays] += rng.exponential(1.0, np.count_nonzero(stays)) / rate[stays]
        stays &= now < age
        frequency[stays] += 1
        recency[stays] = now[stays]
        stays &= rng.random(count) >= leaves
    scale = rng.gamma(AMOUNTS.q, 1 / AMOUNTS.v, count)
    money = rng.gamma(np.maximum(AMOUNTS.p * frequency, 1e-9), 1 / scale) / np.maximum(frequency, 1)
    return frequency, recency, age, np.where(frequency > 0, money, 0.0)


def coverage(count: int, samples: int, *, seed: int) -> float:
    """The share of samples of customers in which the 90 % interval holds the true mean value of a year."""
    rng = np.random.default_rng(seed)
    truth = _true_mean(simulated(rng, 200_000))
    held = 0
    for _ in range(samples):
        model = lifetime.fit(*simulated(rng, count))
        middle, factor = float(model.value().mean()), mean_value_factor(model, 365)
        held += middle / factor <= truth <= middle * factor
    return held / samples


def _true_mean(customers: tuple[Floats, Floats, Floats, Floats]) -> float:
    frequency, recency, age, money = customers
    history = PurchaseHistory(frequency=frequency, recency=recency, age=age)
    spend = gamma_gamma.expected(AMOUNTS, frequency, money)
    return float((bg_nbd.expected(PURCHASES, history, 365.0) * spend).mean())
