"""Histograms of one fixed scale: whatever was sent becomes buckets that can be added up, with a stated error.

A bucket `i` has the values in `(BASE ** i, BASE ** (i + 1)]`, as the exponential histograms of OpenTelemetry have them at scale 3:
`BASE` is `2 ** (1 / 8)`, 1.0905. A quantile is the harmonic mean of the bounds of its bucket, at most `ERROR` (4.3 %) away from the
value of that rank, wherever in the bucket that is.

Source: OpenTelemetry, "Metrics Data Model", ExponentialHistogram (https://opentelemetry.io/docs/specs/otel/metrics/data-model/).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

SCALE = 3
PER_OCTAVE = 1 << SCALE
"""Buckets between a value and its double."""
BASE = 2.0 ** (1 / PER_OCTAVE)
ERROR = (BASE - 1) / (BASE + 1)
"""Largest relative error of a quantile of values that were counted one by one, or in buckets of scale 3 and more."""
LEAST, MOST = -30 * PER_OCTAVE, 30 * PER_OCTAVE
"""Buckets that are kept: from a nanosecond to 34 years, where values are seconds. What is beyond is in the last one."""
_ROUNDING = 1e-9
_ZERO_SHARE = 16.0
"""An explicit bucket that begins at zero is spread over that factor below its upper bound."""

Buckets = Mapping[int, float]
"""Number of values by bucket; a bucket that was spread has fractions."""


def index(value: float) -> int:
    """The bucket of a value; `LEAST` of zero and of what is below.

    >>> index(1.0), index(1.01), index(2.0), index(0.0)
    (-1, 0, 7, -240)
    """
    if not value > 0:
        return LEAST
    return min(max(math.ceil(math.log2(value) * PER_OCTAVE) - 1, LEAST), MOST) if math.isfinite(value) else MOST


def value(bucket: int) -> float:
    """What stands for the values of a bucket: the harmonic mean of its bounds, whose relative error is at most `ERROR`."""
    return 0.0 if bucket <= LEAST else 2 * BASE ** (bucket + 1) / (1 + BASE)


def merged(parts: Iterable[Buckets]) -> dict[int, float]:
    """The sum of histograms.

    >>> merged([{1: 2, 2: 1}, {2: 4}])
    {1: 2.0, 2: 5.0}
    """
    total: dict[int, float] = {}
    for part in parts:
        for bucket, n in part.items():
            total[bucket] = total.get(bucket, 0.0) + n
    return total


def quantile(buckets: Buckets, share: float) -> float | None:
    """The value of rank `ceil(share * n)`, within `ERROR` of it; None without values.

    Args:
        buckets: numbers by bucket; those that are not positive do not count.
        share: above 0, at most 1.

    >>> quantile({index(0.1): 98, index(2.0): 2}, 0.95), quantile({}, 0.5)
    (0.1005612658248371, None)
    """
    known = sorted((bucket, n) for bucket, n in buckets.items() if n > 0)
    rank, below = share * sum(n for _, n in known), 0.0
    for bucket, n in known:
        below += n
        if below >= rank * (1 - 1e-12):
            return value(bucket)
    return None


def of_exponential(
    scale: int, zeros: float, offset: int, counts: Sequence[int], factor: float = 1.0
) -> dict[int, float]:
    """An exponential histogram of OpenTelemetry, of its values that are not negative.

    At a scale above 3 buckets are added up, which loses nothing that scale 3 has. At one below, or with a factor, a bucket is spread
    over those that it covers, so that a quantile is at most a bucket of the sender away.

    Args:
        scale: of the sender, -10 to 20.
        zeros: number of values that are zero.
        offset: number of the first bucket.
        counts: by bucket.
        factor: by which values are multiplied, as by 0.001 where they are milliseconds.

    >>> of_exponential(4, 1, 0, [1, 2, 3]), of_exponential(3, 0, 7, [4], 0.5)
    ({-240: 1.0, 0: 3.0, 1: 3.0}, {-1: 4.0})
    """
    exact = scale >= SCALE and factor == 1
    parts = [{LEAST: zeros}] if zeros else []
    for place, count in enumerate(counts, offset):
        if count and exact:
            parts.append({_within(place >> (scale - SCALE)): float(count)})
        elif count:
            low, high = (_power(number, scale) * factor for number in (place, place + 1))
            parts.append(_spread(low, high, count))
    return merged(parts)


def _power(bucket: int, scale: int) -> float:
    """The lower bound of a bucket at any scale, within the values that are kept."""
    return float(2.0 ** min(max(bucket * 2.0**-scale, -60.0), 60.0))


def _within(bucket: int) -> int:
    return min(max(bucket, LEAST), MOST)


def of_explicit(
    bounds: Sequence[float], counts: Sequence[int], least: float | None = None, most: float | None = None
) -> dict[int, float]:
    """A histogram with explicit bounds, its values evenly spread within each bucket.

    A quantile is in the same bucket of the sender as the exact one, and at most `ERROR` beyond its bounds.

    Args:
        bounds: upper bounds, ascending; not negative.
        counts: one more than there are bounds.
        least: the smallest value, where it was sent.
        most: the largest one. What is above the last bound is spread up to it, evenly by the logarithm; without it, it counts as
            that bound.

    >>> of_explicit([1.0, 2.0], [0, 8, 0])[7] > 1.2, round(sum(of_explicit([1.0, 2.0], [3, 8, 1]).values()))
    (True, 12)
    >>> of_explicit([1.0], [0, 8], most=2.0)
    {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0, 7: 1.0}
    """
    if not bounds:
        return _over(least or most or 0.0, most, sum(counts))
    *below, above = counts
    parts = [_over(bounds[-1], most, above)] if above else []
    for (low, high), count in zip(pairwise([bounds[0] / _ZERO_SHARE, *bounds]), below, strict=True):
        if count:
            parts.append(_spread(max(low, least or 0.0), min(high, most) if most else high, count))
    return merged(parts)


def _over(low: float, most: float | None, count: int) -> dict[int, float]:
    """The values above the last bound."""
    first, last = index(low * (1 + _ROUNDING)), index((most or 0.0) * (1 - _ROUNDING))
    if last < first:
        return {index(low): float(count)}
    return dict.fromkeys(range(first, last + 1), count / (last - first + 1))


def _spread(low: float, high: float, count: int) -> dict[int, float]:
    """The values between two bounds, by the share of the length that each bucket has."""
    first, last = index(low * (1 + _ROUNDING)), index(high * (1 - _ROUNDING))
    if low >= high or first >= last:
        return {last: float(count)}
    edges = [low, *(BASE ** (bucket + 1) for bucket in range(first, last)), high]
    lengths = [end - start for start, end in pairwise(edges)]
    return {first + place: count * length / (high - low) for place, length in enumerate(lengths)}
