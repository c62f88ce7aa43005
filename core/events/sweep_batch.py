"""The part of a sweep that another instance does: groups of incidents that are due."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.instants import require_aware, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepBatch:
    """Some groups of incidents are due.

    Attributes:
        scheduled_at: the instant of the tick, in UTC.
        groups: the names of the groups, at least one.
    """

    TYPE: ClassVar[str] = "sweep_batch"
    VERSION: ClassVar[int] = 1

    scheduled_at: datetime
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        require_aware("scheduled_at", self.scheduled_at)
        if not self.groups:
            raise ValueError("groups: must name at least one group, got none")

    @property
    def id(self) -> str:
        """The instant and the groups."""
        digest = hashlib.blake2b("\0".join(self.groups).encode(), digest_size=8).hexdigest()
        return f"{stamp(self.scheduled_at)}:{digest}"
