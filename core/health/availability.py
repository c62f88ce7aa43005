"""How often a target was up."""

from collections.abc import Sequence


def availability(up: Sequence[bool]) -> float:
    """The share of checks that found the target up, 0 to 1; 1 where there was no check.

    >>> availability([True, True, False, True])
    0.75
    """
    return sum(up) / len(up) if up else 1.0
