"""Cache of answers: many viewers cost one query."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """Caches answers by key until they expire; concurrent callers of one key share one query."""

    def __init__(self) -> None:
        self._answers: dict[tuple[object, ...], tuple[float, Any]] = {}
        self._running: dict[tuple[object, ...], Future[Any]] = {}

    def __call__(self, key: tuple[object, ...], query: Callable[[], T], *, seconds: float | Callable[[T], float]) -> T:
        """The cached answer of a key, or a new one. What `query` raises is raised, and not cached.

        Args:
            key: of the answer.
            query: computes it.
            seconds: the time to live, or a function of the answer that returns it.
        """
        cached = self._answers.get(key)
        if cached and time.monotonic() < cached[0]:
            answer: T = cached[1]
            return answer
        own: Future[T] = Future()
        running = self._running.setdefault(key, own)
        return self._query(key, query, own, seconds) if running is own else running.result()

    def _query(
        self, key: tuple[object, ...], query: Callable[[], T], running: Future[T], seconds: float | Callable[[T], float]
    ) -> T:
        try:
            answer = query()
            now, time_to_live = time.monotonic(), seconds(answer) if callable(seconds) else seconds
            fresh = {other: cached for other, cached in list(self._answers.items()) if now < cached[0]}
            self._answers = fresh | {key: (now + time_to_live, answer)}
            running.set_result(answer)
        except BaseException as error:
            running.set_exception(error)
            raise
        finally:
            del self._running[key]
        return answer
