"""A value that is read again when it is older than an age."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from functions.adapters.ports import Clock

V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class Cached(Generic[V]):
    """Reads a value, and keeps it for some time.

    Attributes:
        read: reads it; given the value of before, to return where nothing answers and an old value is better than none.
        first: the value before the first read.
        max_age: how long a value is kept.
        clock: for its age.
    """

    read: Callable[[V], V]
    first: V
    max_age: timedelta
    clock: Clock
    _value: V = field(init=False)
    _read_at: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._value = self.first

    def __call__(self) -> V:
        """The value, at most `max_age` old; what `read` raises is raised, and asked again at the next call."""
        now = self.clock()
        if self._read_at is None or not timedelta(0) <= now - self._read_at < self.max_age:
            self._value = self.read(self._value)
            self._read_at = now
        return self._value

    def invalidate(self) -> None:
        """Read it again at the next call."""
        self._read_at = None
