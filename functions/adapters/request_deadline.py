"""The deadline of the request at hand: no call of an adapter starts after it, or is waited for beyond it.

Pub/Sub delivers a message again at the acknowledgement deadline of its subscription, and Cloud Run gives a request up at the
timeout of its function. Work that goes on beyond either runs beside the next attempt. The runtime sets the deadline; every
adapter takes its timeouts through `within`. Outside a request, as in a command line, there is none. A thread has the
deadline of the context that it is given (`contextvars.copy_context().run`); probes have limits of their own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

from core.errors import DeadlineError, UnavailableError

RESERVE: Final = 5.0
"""Seconds before the end that are kept to confirm or release claims, send metrics and answer."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """Of a request: when it began, its seconds, how many of them are kept back, and the clock of both."""

    began: float
    seconds: float
    reserve: float
    clock: Callable[[], float]

    def left(self) -> float:
        return self.began + self.seconds - self.reserve - self.clock()


_current: ContextVar[_Limit | None] = ContextVar("request_deadline", default=None)


@contextmanager
def request(seconds: float | None, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """A request that begins now.

    Args:
        seconds: until it is given up; None where nobody gives it up.
        clock: seconds that only grow.
    """
    with _set(None if seconds is None else _Limit(clock(), seconds, RESERVE, clock)):
        yield


@contextmanager
def shortened(seconds: float | None) -> Iterator[None]:
    """The same request, given up so many seconds after it began, if that is sooner than was known."""
    known = _current.get()
    if seconds is None:
        yield
        return
    began = _Limit(time.monotonic(), seconds, RESERVE, time.monotonic) if known is None else known
    with _set(replace(began, seconds=min(began.seconds, seconds))):
        yield


@contextmanager
def closing() -> Iterator[None]:
    """What ends a request, and may use what is kept back: the end of a claim, the metrics."""
    known = _current.get()
    with _set(None if known is None else replace(known, reserve=0.0)):
        yield


def within(seconds: float) -> float:
    """Seconds that a call may take now: so many, or what is left.

    Args:
        seconds: that it may take at most.

    Raises:
        DeadlineError: nothing is left, so that it must not start.
    """
    known = _current.get()
    if known is None:
        return seconds
    left = known.left()
    if left <= 0:
        raise DeadlineError(f"deadline: {known.seconds:g} s of this request are over; no further call is made")
    return min(seconds, left)


def is_over() -> bool:
    """Whether no further call may start."""
    known = _current.get()
    return known is not None and known.left() <= 0


def no_answer(message: str) -> UnavailableError:
    """The error for a call without an answer in time: where the deadline ended it, that says nothing about who was called."""
    return DeadlineError(f"{message}: the deadline of this request") if is_over() else UnavailableError(message)


@contextmanager
def _set(limit: _Limit | None) -> Iterator[None]:
    token = _current.set(limit)
    try:
        yield
    finally:
        _current.reset(token)
