"""What several threads need first at the same time is made once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.runtime.ports import once

THREADS = 8


def test_threads_that_need_it_at_the_same_time_get_the_same() -> None:
    made: list[object] = []
    arrived = threading.Barrier(THREADS)

    def make() -> object:
        time.sleep(0.05)  # the others come meanwhile
        made.append(object())
        return made[-1]

    deps = once(make)

    def need(_: int) -> object:
        arrived.wait()
        return deps()

    with ThreadPoolExecutor(THREADS) as pool:
        got = list(pool.map(need, range(THREADS)))
    assert len(made) == 1
    assert all(one is made[0] for one in got)


def test_nothing_that_was_made_is_made_again_also_when_it_is_none() -> None:
    calls: list[int] = []
    deps = once(lambda: calls.append(1))
    assert (deps(), deps(), len(calls)) == (None, None, 1)


def test_what_could_not_be_made_is_tried_again_by_the_next_who_needs_it() -> None:
    attempts = iter([ValueError("not yet"), None])

    def make() -> str:
        if error := next(attempts):
            raise error
        return "made"

    deps = once(make)
    with pytest.raises(ValueError, match="not yet"):
        deps()
    assert deps() == "made"
