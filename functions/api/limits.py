"""How many requests a caller may make: a bucket of tokens each, in the memory of an instance.

It keeps one caller from taking what all others need; several instances allow as much each.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second in the long run."""

    burst: int
    per_second: float


READS, ACTS = Rate(1000, 300.0), Rate(120, 10.0)
FAILURES = Rate(30, 0.5)
"""Credentials of an address that were none."""
_MOST = 10_000
"""Callers that are known at a time; of more, those that may make all their requests again are forgotten, then those who asked least lately."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(slots=True)
class Limits:
    """Counts the requests of each caller.

    Attributes:
        rate: of every caller.
        clock: monotonic seconds.
    """

    rate: Rate
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait(self, caller: str) -> float:
        """Take one request of a caller; 0, or the seconds after which the next one is allowed.

        >>> limits = Limits(Rate(2, 0.5), clock=lambda: 0.0)
        >>> [limits.wait("ada") for _ in range(3)], limits.wait("bob")
        ([0.0, 0.0, 2.0], 0.0)
        """
        now = self.clock()
        if len(self._buckets) > _MOST:
            self._forget(now)
        bucket = self._buckets.setdefault(caller, _Bucket(self.rate.burst, now))
        bucket.left, bucket.at = self._now(bucket, now), now
        if bucket.left < 1:
            return (1 - bucket.left) / self.rate.per_second
        bucket.left -= 1
        return 0.0

    def blocked(self, caller: str) -> float:
        """Take nothing; 0, or the seconds after which the next request of a caller is allowed.

        >>> limits = Limits(Rate(1, 0.5), clock=lambda: 0.0)
        >>> limits.blocked("ada"), limits.wait("ada"), limits.blocked("ada")
        (0.0, 0.0, 2.0)
        """
        bucket = self._buckets.get(caller)
        left = self._now(bucket, self.clock()) if bucket else self.rate.burst
        return max(0.0, (1 - left) / self.rate.per_second)

    def _forget(self, now: float) -> None:
        known = [(name, one) for name, one in self._buckets.items() if self._now(one, now) < self.rate.burst]
        known.sort(key=lambda entry: entry[1].at)
        self._buckets = dict(known[-_MOST // 2 :])

    def _now(self, bucket: _Bucket, now: float) -> float:
        return min(self.rate.burst, bucket.left + (now - bucket.at) * self.rate.per_second)


@dataclass(slots=True)
class Proven:
    """Credentials that held when they were last shown, by their hashes: whoever has them does not wait for strangers of the same address.

    >>> proven = Proven()
    >>> proven.add("aia_1_x"), proven.has("aia_1_x"), proven.has("aia_1_y")
    (None, True, False)
    """

    _known: dict[bytes, None] = field(default_factory=dict)

    def has(self, shown: str) -> bool:
        """Whether these did."""
        return _hash(shown) in self._known

    def add(self, shown: str) -> None:
        """These do; those that were shown longest ago are forgotten."""
        self.remove(shown)
        self._known[_hash(shown)] = None
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def remove(self, shown: str) -> None:
        """These do not, or no longer."""
        self._known.pop(_hash(shown), None)


def _hash(shown: str) -> bytes:
    return hashlib.sha256(shown.encode()).digest()
