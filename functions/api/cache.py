"""Cache of answers: many viewers cost one query."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Lock, Thread
from typing import Any, TypeVar

from core.errors import UnavailableError

T = TypeVar("T")
MOST = 1000
"""Answers of a cache: whoever asks for many ranges has the oldest forgotten, not the memory filled."""


class Cache:
    """Caches answers by key until they expire; concurrent callers of one key share one query."""

    def __init__(self) -> None:
        self._answers: dict[tuple[object, ...], tuple[float, Any]] = {}
        self._running: dict[tuple[object, ...], tuple[Future[Any], float]] = {}
        self._turn = 0
        self._changing = Lock()

    def forget(self) -> None:
        """What was answered is old: it is asked for again, and what is being answered is not cached."""
        with self._changing:
            self._turn += 1
            self._answers = {}
            self._running = {}

    def __call__(self, key: tuple[object, ...], query: Callable[[], T], *, seconds: float | Callable[[T], float]) -> T:
        """The cached answer of a key, or a new one. What `query` raises is raised, and not cached.

        Args:
            key: of the answer.
            query: computes it.
            seconds: the time to live, or a function of the answer that returns it.
        """
        running, _, is_own = self._claim(key)
        answer: T = self._query(key, query, running, seconds) if is_own else running.result()
        return answer

    def within(self, patience: float, key: tuple[object, ...], query: Callable[[], T], *, seconds: float) -> T:
        """As a call, for at most `patience` seconds since it was asked: what `query` answers later is for the next callers.

        Raises:
            UnavailableError: there is no answer by then.
        """
        running, since, is_own = self._claim(key)
        if is_own:
            context = copy_context()  # names the trace and labels the jobs
            Thread(target=context.run, args=(self._resolve, key, query, running, seconds), daemon=True).start()
        try:
            answer: T = running.result(max(0.0, since + patience - time.monotonic()))
        except TimeoutError as error:
            raise UnavailableError(f"{key[0]}: no answer within {patience:g} s") from error
        return answer

    def _claim(self, key: tuple[object, ...]) -> tuple[Future[Any], float, bool]:
        """The answer of a key, cached or being computed since then, or else one that the caller has to compute (true)."""
        own, now = Future[Any](), time.monotonic()
        cached = self._answers.get(key)
        if cached and now < cached[0]:
            own.set_result(cached[1])
            return own, now, False
        running, since = self._running.setdefault(key, (own, now))
        return running, since, running is own

    def _resolve(self, key: tuple[object, ...], query: Callable[[], T], running: Future[T], seconds: float) -> None:
        with suppress(Exception):  # whoever waits gets it
            self._query(key, query, running, seconds)

    def _query(
        self, key: tuple[object, ...], query: Callable[[], T], running: Future[T], seconds: float | Callable[[T], float]
    ) -> T:
        turn = self._turn
        try:
            answer = query()
            time_to_live = seconds(answer) if callable(seconds) else seconds
            self._keep(key, answer, time_to_live, turn)
            running.set_result(answer)
        except BaseException as error:
            running.set_exception(error)
            raise
        finally:
            if self._running.get(key, (None,))[0] is running:
                del self._running[key]
        return answer

    def _keep(self, key: tuple[object, ...], answer: object, seconds: float, turn: int) -> None:
        """Cache an answer, unless all were forgotten since that turn."""
        with self._changing:
            if turn != self._turn:
                return
            now = time.monotonic()
            fresh = [entry for entry in self._answers.items() if now < entry[1][0]]
            self._answers = dict([*fresh, (key, (now + seconds, answer))][-MOST:])
