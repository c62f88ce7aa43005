"""Room for requests: how many bytes of bodies an instance holds, and how many large ones it reads at once.

A body is admitted before it is read, by the length that it says it has; one that says none counts as the largest. Reading a
body takes many times its size, so large ones are read one after another; small ones need no turn.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Condition
from typing import Final

from core.errors import BusyError
from functions.adapters import request_deadline

MOST_BYTES: Final = 20_000_000
"""Bytes of bodies that are in memory at once."""
SMALL: Final = 64_000
"""Bytes of a body that is read without waiting for others."""
PATIENCE: Final = 20.0
"""Seconds that a request waits."""
_ARENA_MAX: Final = -8
"""`M_ARENA_MAX` of malloc.h."""


@dataclass(slots=True)
class Admission:
    """Admits requests, each for the time that it is handled.

    Attributes:
        room: bytes that are left.
        patience: seconds that a request waits for them, or for its turn.
    """

    room: int = MOST_BYTES
    patience: float = PATIENCE
    _changed: Condition = field(default_factory=Condition)
    _turn: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(1))

    @contextmanager
    def admitted(self, length: int) -> Iterator[None]:
        """Hold so many bytes.

        Raises:
            BusyError: there was no room for them in time.
            DeadlineError: the request is over.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.room >= length, request_deadline.within(self.patience)):
                raise BusyError(f"bodies: at most {MOST_BYTES} bytes are held at once, {length} more did not fit")
            self.room -= length
        try:
            yield
        finally:
            with self._changed:
                self.room += length
                self._changed.notify_all()

    @contextmanager
    def turn(self, length: int) -> Iterator[None]:
        """Read a body of so many bytes while no other large one is read.

        Raises:
            BusyError: another one is still being read.
            DeadlineError: the request is over.
        """
        if length <= SMALL:
            yield
            return
        if not self._turn.acquire(timeout=request_deadline.within(self.patience)):
            raise BusyError("bodies: another large one is still being read")
        try:
            yield
        finally:
            self._turn.release()


def one_arena() -> None:
    """Have all threads allocate from one arena, where glibc allocates: each would keep what its largest body took.

    Call it before there are threads.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
