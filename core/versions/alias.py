"""Aliases: which version of a model is the champion, and which one is the challenger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.instants import require_aware, stamp

WHOLE = 100.0


class AliasName(StrEnum):
    """What a version is to its model."""

    CHAMPION = "champion"
    """The version in use."""
    CHALLENGER = "challenger"
    """The one that may replace it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """An alias was given to a version, or removed; the newest change of a model's alias is in force.

    Attributes:
        model: as the settings name it.
        alias: which one.
        version: that has it from now on, or None where it is removed; a champion is only replaced.
        share: of the traffic that the version gets, 0 to 100 per cent.
        stage: of the promotion, as in `shadow`; empty where there is none.
        changed_at: when.
        changed_by: who or what changed it.
        why: the reason, for people.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 2, tzinfo=UTC)
    >>> AliasChange(
    ...     model="churn", alias=AliasName.CHAMPION, version="8", changed_at=at, changed_by="person:ann", why="better"
    ... ).id
    'churn:champion:8:2026-01-02T00:00:00Z'
    """

    model: str
    alias: AliasName
    version: str | None
    share: float = WHOLE
    stage: str = ""
    changed_at: datetime
    changed_by: str
    why: str

    def __post_init__(self) -> None:
        """Refuse a change that cannot be.

        Raises:
            ValueError: naming the attribute, the value and what is allowed.
        """
        require_aware("changed_at", self.changed_at)
        if self.version is None and self.alias is AliasName.CHAMPION:
            raise ValueError("version: must be given for a champion, which only another version replaces, got None")
        if self.version == "":
            raise ValueError("version: must be a version, or None where the alias is removed, got ''")
        if not 0 <= self.share <= WHOLE:
            raise ValueError(f"share: must be 0 to 100 per cent, got {self.share!r}")

    @property
    def id(self) -> str:
        """The same for the same change, however often it is written."""
        share = "" if self.share == WHOLE else f":{self.share:g}"
        return f"{self.model}:{self.alias}:{self.version or ''}:{stamp(self.changed_at)}{share}"
