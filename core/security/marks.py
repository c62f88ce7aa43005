"""What is remembered of earlier entries: a bounded, ordered set, so that neither the order nor the number of deliveries matters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST = 400
"""Marks of one memory; of more the oldest are forgotten."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What is remembered of an entry.

    Attributes:
        at: when.
        id: of the entry.
        key: what it was about: an address, an account.
        value: a number, as of bytes.
    """

    at: datetime
    id: str
    key: str
    value: float = 0.0


Marks = tuple[Mark, ...]


def with_mark(marks: Marks, mark: Mark, keep: timedelta, most: int = MOST) -> Marks:
    """The marks with one more, in order; those that are older than the newest by more than `keep` are forgotten."""
    if any(one.id == mark.id and one.at == mark.at for one in marks):
        return marks
    every = sorted((*marks, mark))
    oldest = every[-1].at - keep
    return tuple(one for one in every if one.at >= oldest)[-most:]


def densest(marks: Iterable[Mark], at: datetime, window: timedelta, size: Callable[[Marks], int] = len) -> Marks:
    """Of the windows of that length that contain an instant, the marks of the largest one; none where no window has any."""
    near = [one for one in sorted(marks) if abs(one.at - at) <= window]
    windows = (tuple(two for two in near if one.at <= two.at <= one.at + window) for one in near if one.at <= at)
    return max(windows, key=size, default=())
