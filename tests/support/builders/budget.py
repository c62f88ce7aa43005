"""How much a test may take: `make test` tries some cases of many, `make test-all` (AIA_TESTS=all) every one."""

import os
import random
from collections.abc import Sequence
from itertools import permutations
from typing import TypeVar

T = TypeVar("T")
ALL = os.environ.get("AIA_TESTS") == "all"


def examples(most: int) -> int:
    """How many examples of a property are tried: a twentieth, but at least 10 and at most 50."""
    return most if ALL else min(most, max(10, most // 20), 50)


def some(items: Sequence[T], first: int) -> Sequence[T]:
    """The first of many cases; every one where all tests run."""
    return items if ALL else items[:first]


def boundaries(last: int, some: int = 30) -> Sequence[int]:
    """The calls at which a program is killed, of so many: each, or about thirty, or so many, with the first and the last.

    The step is odd: at every second call nothing has happened since the one before."""
    every = range(1, last + 1)
    return every if ALL else sorted({*every[:: max(3, last // some | 1)], last})


def orders(items: Sequence[T], some: int = 60) -> list[tuple[T, ...]]:
    """Every order of the items; of many, some at random, always the same, with the given order and its reverse."""
    every = list(permutations(items))
    if ALL or len(every) <= some:
        return every
    return [every[0], every[-1], *random.Random(7).sample(every[1:-1], some - 2)]
