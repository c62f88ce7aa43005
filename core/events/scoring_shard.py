"""A part of the models that are scored at one tick."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.instants import require_aware, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringShard:
    """Some models are due for scoring.

    Attributes:
        scheduled_at: the instant of the tick, in UTC; the current windows of the models end then.
        models: the names of the models, at least one.
    """

    TYPE: ClassVar[str] = "scoring_shard"
    VERSION: ClassVar[int] = 1

    scheduled_at: datetime
    models: tuple[str, ...]

    def __post_init__(self) -> None:
        require_aware("scheduled_at", self.scheduled_at)
        if not self.models:
            raise ValueError("models: must name at least one model, got none")

    @property
    def id(self) -> str:
        """The instant and the models."""
        digest = hashlib.blake2b("\0".join(self.models).encode(), digest_size=8).hexdigest()
        return f"{stamp(self.scheduled_at)}:{digest}"
