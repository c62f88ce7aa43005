"""What is worth a headline: a difference that is larger than chance, or than what is usual, explains.

Each rule gives the effect of a difference, in the largest one that is still usual: from 1 on it is significant.
"""

import math
from collections.abc import Sequence

LEVEL = 0.05
"""Below this probability a difference of counts is not chance."""
LEAST_CHANGES = 14
"""Past changes without which it is not known what is usual."""
_USUAL = 0.9
"""The share of past changes that is usual."""
_LARGEST = 10.0
"""Beyond that, one difference is as large as another."""


def beyond_interval(actual: float, low: float, middle: float, high: float) -> float:
    """The difference to an expected value, in the half width of its interval on that side.

    >>> beyond_interval(80.0, 90.0, 100.0, 120.0), beyond_interval(110.0, 90.0, 100.0, 120.0)
    (2.0, 0.5)
    """
    half = high - middle if actual > middle else middle - low
    return _ratio(abs(actual - middle), half)


def of_intervals(now: tuple[float, float], before: tuple[float, float]) -> float:
    """Two values by their intervals, each (low, high): 1 where they touch, more where they are apart.

    >>> of_intervals((10.0, 20.0), (-5.0, 5.0)), of_intervals((0.0, 10.0), (5.0, 15.0))
    (1.5, 0.5)
    """
    distance = abs(now[0] + now[1] - before[0] - before[1]) / 2
    return _ratio(distance, (now[1] - now[0] + before[1] - before[0]) / 2)


def of_counts(now: int, before: int) -> float:
    r"""Two counts of as long periods: whether chance alone explains the difference.

    Under the same rate, `now` of `now + before` is binomial with probability 1/2. The effect is \(\ln p / \ln 0.05\) for the
    two-sided p-value, so it is 1 where p is 0.05.

    >>> round(of_counts(10, 2), 2), round(of_counts(3, 2), 2), of_counts(0, 0)
    (1.09, 0.0, 0.0)
    """
    total = now + before
    extreme = min(now, before)
    tail = sum(math.comb(total, k) for k in range(extreme + 1)) / 2**total
    return _evidence(min(1.0, 2 * tail))


def of_shares(now: int, of: int, before: int, of_before: int) -> float:
    """Two shares, as of failed runs: whether chance alone explains the difference, by Fisher's exact test; as `of_counts`.

    >>> round(of_shares(8, 10, 2, 10), 2), of_shares(1, 10, 1, 10), of_shares(1, 2, 0, 0)
    (1.26, 0.0, 0.0)
    """
    if not of or not of_before:
        return 0.0
    failed, every = now + before, of + of_before
    first, last = max(0, failed - of_before), min(failed, of)
    logs = [
        _log_choose(of, k) + _log_choose(of_before, failed - k) - _log_choose(every, failed)
        for k in range(first, last + 1)
    ]
    seen = logs[now - first]
    return _evidence(min(1.0, math.fsum(math.exp(one) for one in logs if one <= seen + 1e-9)))


def beyond_usual(change: float, past: Sequence[float | None], *, lag: int = 7) -> float:
    """A change over some days, in the largest usual one: the 90th percentile of those of the past; 0 where too few are known.

    Args:
        change: the change.
        past: values a day before the change, oldest first; None where not known.
        lag: the days of the change.

    >>> steady = [1.0, 1.1] * 20
    >>> round(beyond_usual(0.5, steady), 1), beyond_usual(0.5, steady[:10])
    (5.0, 0.0)
    """
    pairs = zip(past[lag:], past[:-lag], strict=True) if len(past) > lag else ()
    changes = [abs(new - old) for new, old in pairs if new is not None and old is not None]
    if len(changes) < LEAST_CHANGES:
        return 0.0
    return _ratio(abs(change), _quantile(sorted(changes), _USUAL))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """By linear interpolation between the two values around it."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _ratio(size: float, usual: float) -> float:
    if usual <= 0:
        return _LARGEST if size > 0 else 0.0
    return min(size / usual, _LARGEST)


def _evidence(p: float) -> float:
    if p <= 0:
        return _LARGEST
    return min(abs(math.log(p) / math.log(LEVEL)), _LARGEST)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
