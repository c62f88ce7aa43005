"""Answers that are cached until something changes."""

import threading
from concurrent.futures import ThreadPoolExecutor

from functions.api.cache import Cache

KEY = ("models",)


def test_what_changed_is_asked_for_again() -> None:
    cache, answers = Cache(), iter(["old", "new"])
    assert [cache(KEY, lambda: next(answers), seconds=60) for _ in range(2)] == ["old", "old"]
    cache.forget()
    assert [cache(KEY, lambda: next(answers), seconds=60) for _ in range(2)] == ["new", "new"]


def test_what_was_being_answered_when_it_changed_is_for_those_who_asked_before_and_not_cached() -> None:
    cache, asked, changed = Cache(), threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        assert changed.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(cache, KEY, slow, seconds=60)
        assert asked.wait(10)
        cache.forget()
        assert cache(KEY, lambda: "new", seconds=60) == "new"
        changed.set()
        assert before.result(10) == "old"
    assert cache(KEY, lambda: "newer", seconds=60) == "new"


def test_nothing_is_kept_of_what_was_being_answered_when_it_changed() -> None:
    cache = Cache()

    def changing() -> str:
        cache.forget()
        return "old"

    for number in range(100):
        cache(("drawn", number), changing, seconds=60)
    assert [one for one in vars(cache).values() if isinstance(one, dict)] == [{}, {}]
