"""Acknowledgements that an incident keeps: earlier ones, and those of single targets."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """An acknowledgement of an incident that was reopened later.

    Attributes:
        opened_at, acknowledged_at: the opening or reopening before it, and when it was acknowledged.
    """

    opened_at: datetime
    acknowledged_at: datetime


class TargetOwner(NamedTuple):
    """Who acknowledged one target of an incident; stored without the names of its fields.

    Attributes:
        target: the digest of the target.
        by: the person.
        at: when.
    """

    target: str
    by: str
    at: datetime
