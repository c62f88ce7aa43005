"""A registry says that a version of a model is new or changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.instants import require_aware, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChange:
    """A version of a model is new in a registry, or changed; what it is now, only the registry says.

    Attributes:
        registry: as in `mlflow`.
        model: the name in the registry.
        number: of the version in the registry.
        changed_at: when, in UTC.
    """

    TYPE: ClassVar[str] = "registry_change"
    VERSION: ClassVar[int] = 1

    registry: str
    model: str
    number: str
    changed_at: datetime

    def __post_init__(self) -> None:
        require_aware("changed_at", self.changed_at)

    @property
    def id(self) -> str:
        """The version and the instant."""
        return f"{self.registry}:{self.model}:{self.number}:{stamp(self.changed_at)}"
