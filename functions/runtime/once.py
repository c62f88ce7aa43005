"""What is made when it is first needed, and made once, whichever thread is first."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A function that makes something at its first call and gives the same from then on.

    Unlike `functools.cache` it makes it once where several threads call at the same time: the others wait. When making
    it fails, the caller gets the error and the next call tries again.
    """
    lock = threading.Lock()
    made: list[T] = []

    def given() -> T:
        if not made:
            with lock:
                if not made:
                    made.append(make())
        return made[0]

    return given
