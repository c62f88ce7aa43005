"""The port of registries of model versions."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from core.versions import AliasName, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A version as a registry has it.

    Attributes:
        version: what it is, or None where somebody else registered it and did not say enough.
        number: of the version in the registry.
        uri: where it is.
        aliases: that it has there.
        fault: why there is no version, or empty.
    """

    version: Version | None
    number: str
    uri: str
    aliases: tuple[str, ...] = ()
    fault: str = ""


class ModelRegistry(Protocol):
    """Keeps versions of models.

    Every method raises `UnavailableError` when it does not answer, and `ActionError` when it refuses, and would refuse
    again. A version is found by its model and its name, so that every call may be repeated.
    """

    name: ClassVar[str]
    """Of the registry, as in `mlflow`."""

    def check(self) -> None:
        """Return where it answers, by one cheap request."""
        ...

    def register(self, version: Version) -> Entry:
        """Register a version, unless it is there; the version as it is there."""
        ...

    def get(self, model: str, version: str) -> Entry | None:
        """A version, or None."""
        ...

    def versions(self, model: str) -> list[Entry]:
        """The versions of a model, oldest first; none where there is no such model."""
        ...

    def set_alias(self, model: str, alias: AliasName, version: str | None) -> None:
        """Give an alias to a version, which takes it from any other one; None removes it."""
        ...
