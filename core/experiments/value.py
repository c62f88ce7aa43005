"""What a challenger is worth in dollars a month."""

from core.business.interval import Interval
from core.experiments.evidence import Evidence


def monthly(revenue: Evidence, units: float | None, *, least: int) -> Interval | None:
    """Dollars a month of all units with the challenger in place of the champion.

    Args:
        revenue: evidence on the net dollars a unit.
        units: of a month, in both arms and outside of the experiment, at least 0; None where it is not known.
        least: units that each arm must have (the harmonic mean of both).

    Returns:
        The difference with its confidence sequence; None where it is not known: too few units, or none are known of the month.

    >>> found = Evidence(n=20_000, advantage=0.12, low=0.03, high=0.22)
    >>> monthly(found, 50_000, least=1000)
    Interval(low=1500.0, middle=6000.0, high=11000.0)
    >>> monthly(found, None, least=1000)
    """
    if units is None or revenue.n < least or revenue.advantage is None or revenue.low is None or revenue.high is None:
        return None
    return Interval(low=revenue.low, middle=revenue.advantage, high=revenue.high).times(units)
