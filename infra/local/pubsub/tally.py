"""Counts and latencies of push requests, as Cloud Monitoring has them for push subscriptions.

Counted in memory, so a server that starts again begins at nothing, as counters of Prometheus do. It is added to on the
event loop and read in another thread.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from infra.local.pubsub import names
from infra.local.pubsub.answers import ACK, Answer

COUNT: Final = "pubsub_googleapis_com:subscription_push_request_count"
LATENCIES: Final = "pubsub_googleapis_com:subscription_push_request_latencies"
BOUNDS: Final = tuple(step * 10**exponent for exponent in range(3, 9) for step in (1, 2, 5))
"""Microseconds, as in Google's metric: 1 ms to 500 s."""
USUAL: Final = (
    ACK,
    Answer("remote_server_5xx", "internal"),
    Answer("deadline_exceeded", "deadline_exceeded"),
    Answer("unreachable", "unavailable"),
)
"""Exported from the start, at 0: for Prometheus a counter that begins at 1 has not increased."""

_COUNT_HEAD = (
    f"# HELP {COUNT} Push requests since the server started, by how they were answered.\n# TYPE {COUNT} counter\n"
)
_LATENCIES_HEAD = f"# HELP {LATENCIES} Microseconds that push requests took, since the server started.\n# TYPE {LATENCIES} histogram\n"


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value


@dataclass(slots=True)
class _Pushed:
    """Of one subscription: requests by class and code, durations by code."""

    requests: dict[tuple[str, str], int] = field(
        default_factory=lambda: {(answer.response_class, answer.response_code): 0 for answer in USUAL}
    )
    durations: dict[str, _Histogram] = field(default_factory=lambda: {ACK.response_code: _Histogram()})


class Tally:
    """The pushes of every subscription."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushed: dict[str, _Pushed] = {}

    def open(self, subscription: str) -> None:
        """Start to count a subscription; a counted one continues."""
        with self._lock:
            self._pushed.setdefault(subscription, _Pushed())

    def drop(self, subscription: str) -> None:
        """The subscription is deleted; requests in flight are no longer counted."""
        with self._lock:
            self._pushed.pop(subscription, None)

    def add(self, subscription: str, answer: Answer, seconds: float) -> None:
        """Count one push."""
        with self._lock:
            if not (pushed := self._pushed.get(subscription)):
                return
            key = answer.response_class, answer.response_code
            pushed.requests[key] = pushed.requests.get(key, 0) + 1
            pushed.durations.setdefault(answer.response_code, _Histogram()).add(seconds * 1e6)

    def render(self) -> str:
        """The exposition."""
        with self._lock:
            requests = [line for name, pushed in self._pushed.items() for line in _requests(name, pushed)]
            durations = [line for name, pushed in self._pushed.items() for line in _durations(name, pushed)]
        return "".join([_COUNT_HEAD, *requests, _LATENCIES_HEAD, *durations])


def _requests(name: str, pushed: _Pushed) -> Iterator[str]:
    for (kind, code), count in pushed.requests.items():
        yield f'{COUNT}{{{names.labels(name)},response_class="{kind}",response_code="{code}"}} {count}\n'


def _durations(name: str, pushed: _Pushed) -> Iterator[str]:
    for code, histogram in pushed.durations.items():
        labels = f'{names.labels(name)},response_code="{code}"'
        sums = list(accumulate(histogram.counts))
        for bound, count in zip((*BOUNDS, "+Inf"), sums, strict=True):
            yield f'{LATENCIES}_bucket{{{labels},le="{bound}"}} {count}\n'
        yield f"{LATENCIES}_sum{{{labels}}} {histogram.total:.0f}\n{LATENCIES}_count{{{labels}}} {sums[-1]}\n"
