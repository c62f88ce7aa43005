"""What was read is kept for some seconds, so that many viewers cost one reading."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Keeps answers by their keys, each as long as it is fresh."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[float, Any]] = {}

    def __call__(self, key: tuple[object, ...], make: Callable[[], T], *, seconds: float) -> T:
        """The answer kept under the key, or a new one; what `make` raises is raised, and nothing kept."""
        kept = self._kept.get(key)
        if kept and time.monotonic() < kept[0]:
            answer: T = kept[1]
            return answer
        answer = make()
        now = time.monotonic()
        fresh = {known: one for known, one in list(self._kept.items()) if now < one[0]}
        self._kept = fresh | {key: (now + seconds, answer)}
        return answer
