"""Exchange rates of the shop's currencies, made up: near those of 2011, with waves; as a bank quotes them, on weekdays only.

They are no real rates. They are made so that every day has one, however long the replay goes on.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa

from functions.adapters.ports import PubsubMessage
from infra.local.replay.flights import Array

TABLE = "exchange_rates"
NAME = f"telemetry.{TABLE}"
BEFORE = timedelta(days=7)
"""From so long before the first order on there are rates, so that each order has one."""
_ATTRIBUTES = {"table": TABLE}
_MEANS = {"GBP": 1.6, "EUR": 1.39}
"""Dollars a unit, the means of 2011."""
_SATURDAY, _WEEKEND, _WEEK, _DAY_SECONDS = 2, 2, 7, 86_400
"""Day 2 since 1970 was a Saturday."""
_encode = msgspec.json.Encoder().encode


def rates(currency: Array, days: Array) -> Array:
    """What one unit of each currency is worth in dollars on its day; shape (n,).

    Args:
        currency: GBP, EUR or USD; shape (n,).
        days: since 1970; shape (n,).
    """
    found = np.ones(days.shape)
    for name in _MEANS:
        found[currency == name] = _quote(name, days[currency == name])
    return found


def rows(start: datetime, end: datetime) -> pa.Table:
    """The quotes of the days that begin at or after `start` and before `end`, as `telemetry.exchange_rates` holds them."""
    quotes = list(_quotes(start, end))
    days = pa.array([day for day, _, _ in quotes], pa.timestamp("us", "UTC"))
    names, values = pa.array([name for _, name, _ in quotes], pa.string()), [value for _, _, value in quotes]
    return pa.table({"day": days, "currency": names, "rate": pa.array(values, pa.float64())})


def messages(start: datetime, end: datetime) -> Iterator[PubsubMessage]:
    """The same, as messages of the topic `telemetry`."""
    for day, currency, rate in _quotes(start, end):
        row = {"day": day.isoformat().replace("+00:00", "Z"), "currency": currency, "rate": rate}
        yield PubsubMessage(_encode(row), _ATTRIBUTES)


def _quotes(start: datetime, end: datetime) -> Iterator[tuple[datetime, str, float]]:
    first, last = (-int(-at.timestamp() // _DAY_SECONDS) for at in (start, end))
    for day in range(first, last):
        if (day - _SATURDAY) % _WEEK >= _WEEKEND:
            for currency in _MEANS:
                value = float(_quote(currency, np.array([day]))[0])
                yield datetime.fromtimestamp(day * _DAY_SECONDS, UTC), currency, value


def _quote(currency: str, days: Array) -> Array:
    """The quote of the newest weekday."""
    since_saturday = (days - _SATURDAY) % _WEEK
    weekday = days - np.where(since_saturday < _WEEKEND, since_saturday + 1, 0)
    waves = 0.02 * np.sin(weekday * (2 * np.pi / 180)) + 0.01 * np.sin(weekday * (2 * np.pi / 37))
    return np.round(_MEANS[currency] * (1.0 + waves), 4)
