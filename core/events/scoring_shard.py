"""The parts of a tick of drift_score: tables that are counted, and models that are scored."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.instants import require_aware, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCount:
    """The slots of a table that have closed are due for counting; its models are scored afterwards.

    Attributes:
        scheduled_at: the instant of the tick, in UTC.
        table: of predictions, as the settings name it.
        timestamp: its column of times.
        row_id: its column that identifies a prediction.
    """

    TYPE: ClassVar[str] = "table_count"
    VERSION: ClassVar[int] = 1

    scheduled_at: datetime
    table: str
    timestamp: str
    row_id: str

    def __post_init__(self) -> None:
        require_aware("scheduled_at", self.scheduled_at)

    @property
    def id(self) -> str:
        """The instant and the table with its columns."""
        return f"{stamp(self.scheduled_at)}:{self.table}:{self.timestamp}:{self.row_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedVersion:
    """The version of a model that is in use at an instant.

    Attributes:
        model: the name of the model.
        version: its name.
        in_use_from: since when it is in use.
        reference_start: from when on it was trained.
        reference_end: until when, exclusive.
    """

    model: str
    version: str
    in_use_from: datetime
    reference_start: datetime
    reference_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringShard:
    """Some models are due for scoring.

    Attributes:
        scheduled_at: the instant of the tick, in UTC; the current windows of the models end then.
        models: the names of the models, at least one.
        batch: of the sums of their windows in `ops.window_counts`; empty where there are none.
        versions: of those of the models that are counted by slots; a version that is not named is looked up.
        past: whether the windows are those of a log that was there before the model was monitored: they are scored and stored, and
            nobody is notified of them.
    """

    TYPE: ClassVar[str] = "scoring_shard"
    VERSION: ClassVar[int] = 1

    scheduled_at: datetime
    models: tuple[str, ...]
    batch: str = ""
    versions: tuple[UsedVersion, ...] = ()
    past: bool = False

    def __post_init__(self) -> None:
        require_aware("scheduled_at", self.scheduled_at)
        if not self.models:
            raise ValueError("models: must name at least one model, got none")

    @property
    def id(self) -> str:
        """The instant and the models."""
        digest = hashlib.blake2b("\0".join(self.models).encode(), digest_size=8).hexdigest()
        return f"{stamp(self.scheduled_at)}:{digest}"
