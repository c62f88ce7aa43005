"""Steps of a task: each has a name, is idempotent, and is not repeated once it is done."""

from collections.abc import Callable
from typing import NamedTuple


class Step(NamedTuple):
    """A step of a task."""

    name: str
    run: Callable[[], str]
    """Does it, and says what it did, or nothing."""
