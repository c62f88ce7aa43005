"""What was read is kept for some time, so that many viewers cost one reading."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Keeps answers by their keys, each as long as it is fresh; who asks while one is being read gets that one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[float, Any]] = {}
        self._reading: dict[tuple[object, ...], Future[Any]] = {}

    def __call__(self, key: tuple[object, ...], make: Callable[[], T], *, seconds: float | Callable[[T], float]) -> T:
        """The answer kept under the key, or a new one; what `make` raises is raised, and nothing kept.

        Args:
            key: of the answer.
            make: reads it.
            seconds: how long it is fresh, or what says so of an answer.
        """
        kept = self._kept.get(key)
        if kept and time.monotonic() < kept[0]:
            answer: T = kept[1]
            return answer
        own: Future[T] = Future()
        reading = self._reading.setdefault(key, own)
        return self._read(key, make, own, seconds) if reading is own else reading.result()

    def _read(
        self, key: tuple[object, ...], make: Callable[[], T], reading: Future[T], seconds: float | Callable[[T], float]
    ) -> T:
        try:
            answer = make()
            now, lasts = time.monotonic(), seconds(answer) if callable(seconds) else seconds
            fresh = {known: one for known, one in list(self._kept.items()) if now < one[0]}
            self._kept = fresh | {key: (now + lasts, answer)}
            reading.set_result(answer)
        except BaseException as error:
            reading.set_exception(error)
            raise
        finally:
            del self._reading[key]
        return answer
