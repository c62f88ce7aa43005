"""Blocking calls in a bounded number of threads, and few of them for any one endpoint.

A dependency that hangs holds the threads of the endpoints that need it, and no other's: a reader of these waits for some seconds,
and is told that there is no answer. The call goes on in its thread, and what it answers is cached for the next reader.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from core.errors import UnavailableError

T = TypeVar("T")
THREADS, EACH = 48, 6
"""Threads of an instance, and of them those of one endpoint."""


class Work:
    """Runs blocking calls.

    Args:
        threads: at most.
        each: of them for one endpoint, at most.
    """

    def __init__(self, threads: int = THREADS, each: int = EACH) -> None:
        self._pool = ThreadPoolExecutor(threads, "api")
        self._places: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(each))

    async def run(self, endpoint: str, call: Callable[[], T], *, patience: float) -> T:
        """What a call returns or raises.

        Args:
            endpoint: whose threads it takes.
            call: blocks.
            patience: seconds, with the wait for a thread.

        Raises:
            UnavailableError: there is no answer within that time.
        """
        try:
            async with asyncio.timeout(patience) as limit:
                await self._places[endpoint].acquire()
                return await asyncio.shield(self._start(endpoint, call))
        except TimeoutError as error:
            if not limit.expired():
                raise  # of the call itself
            raise UnavailableError(f"{endpoint}: no answer within {patience:g} s") from error

    def _start(self, endpoint: str, call: Callable[[], T]) -> "asyncio.Future[T]":
        loop, places = asyncio.get_running_loop(), self._places[endpoint]
        running: Future[T] = self._pool.submit(copy_context().run, call)
        future = asyncio.wrap_future(running, loop=loop)

        def free(done: "asyncio.Future[T]") -> None:
            places.release()
            if not done.cancelled():
                done.exception()  # nobody may be waiting for it any more

        future.add_done_callback(free)
        return future
