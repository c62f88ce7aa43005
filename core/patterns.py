"""Patterns of names, as people write them in the settings and in silences: `*` stands for any characters, also for none."""

from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=65_536)
def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches; case counts, and only `*` is special.

    The time is at most the product of both lengths, whoever wrote the pattern, and the answer is remembered: the same few
    patterns meet the same few targets again and again.

    >>> matches("model/*", "model/flight-delay"), matches("*latency*", "p95_latency"), matches("model/*", "table/model/x")
    (True, True, False)
    >>> matches("a.c", "abc"), matches("*", "")
    (False, True)
    """
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    last = others.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in others:
        position = text.find(part, at, end)
        if position < 0:
            return False
        at = position + len(part)
    return True


def any_matches(patterns: Iterable[str], text: str) -> bool:
    """Whether the text matches one of the patterns.

    >>> any_matches(("model/*", "table/*"), "table/t"), any_matches((), "table/t")
    (True, False)
    """
    return any(matches(pattern, text) for pattern in patterns)
