"""The parts of the job, in the order in which they need each other."""

from datetime import timedelta
from functools import partial

from core.settings import Settings
from functions.bi_rollup import customers, forecasts, market, record, revenue, satisfaction, worth
from functions.bi_rollup.rollup import Part
from functions.bi_rollup.spans import DAY, HOUR

_OFTEN = timedelta(minutes=5)


def _orders(settings: Settings) -> bool:
    return settings.business.orders is not None


_MEASURED = (
    Part(name=revenue.NAME, every=_OFTEN, lasts=3 * _OFTEN, wanted=_orders, make=revenue.make),
    Part(name=forecasts.NAME, every=DAY, lasts=DAY + HOUR, wanted=_orders, make=forecasts.make),
    Part(name=customers.NAME, every=DAY, lasts=DAY + HOUR, wanted=customers.wanted, make=customers.make),
    Part(
        name=market.NAME,
        every=DAY,
        lasts=DAY + HOUR,
        wanted=lambda settings: settings.business.market is not None,
        make=market.make,
    ),
    Part(name=worth.NAME, every=HOUR, lasts=3 * HOUR, wanted=worth.wanted, make=worth.make),
)
_SERVED = Part(
    name=satisfaction.NAME,
    every=HOUR,
    lasts=3 * HOUR,
    wanted=lambda _: True,
    make=partial(satisfaction.make, _MEASURED),
)
PARTS = (
    *_MEASURED,
    _SERVED,
    Part(
        name=record.NAME,
        every=_OFTEN,
        lasts=_OFTEN,
        wanted=lambda _: True,
        make=partial(record.make, (*_MEASURED, _SERVED)),
    ),
)
"""Revenue first: the others read what its mart holds; the record last: it holds what the others made."""
