"""What the check of the configuration compares: Google Cloud with the record of the last apply, or a local stack with its own."""

import hashlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from core.errors import UnavailableError
from core.maintenance.alert_policies import AlertPolicy
from core.maintenance.dashboards import Dashboard
from core.maintenance.deployed_functions import DeployedFunction
from core.maintenance.secrets import SecretVersion
from functions.adapters.deployment import Record

PATIENCE = 1.0
"""Seconds in which a program of this machine must take a connection."""


class DeploymentReader(Protocol):
    """Reads a deployment, as `functions.adapters.deployment.Deployment`."""

    def record(self) -> Record:
        """What the last apply made."""
        ...

    def policies(self) -> Sequence[AlertPolicy]:
        """The alert policies of the project."""
        ...

    def dashboards(self) -> tuple[Dashboard, ...]:
        """The dashboards of the project."""
        ...

    def functions(self) -> Sequence[DeployedFunction]:
        """The functions in the location."""
        ...

    def versions(self, secret: str) -> Sequence[SecretVersion]:
        """The versions of a secret."""
        ...


class StackRecord(msgspec.Struct):
    """What a local stack wrote down at its start.

    Attributes:
        settings: the file that they came from.
        digest: SHA-256 of what it was.
        ports: that its programs listen on, by their names.
    """

    settings: str
    digest: str
    ports: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """A stack on this machine.

    Attributes:
        file: its record.
    """

    file: Path

    def settings(self) -> list[str]:
        """The file of the settings, where it has changed since the stack has started."""
        record = self._record()
        path = Path(record.settings)
        return [] if digest(path) == record.digest else [f"{path} has changed since the start; restart to load it"]

    def programs(self) -> list[str]:
        """The programs that take no connection on the port that was written down."""
        return [f"{name} on port {port}" for name, port in _silent(self._record().ports).items()]

    def _record(self) -> StackRecord:
        try:
            return msgspec.json.decode(_read(self.file), type=StackRecord)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnavailableError(f"{self.file}: must be the record of a stack ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is compared, beside the tables.

    Attributes:
        settings: the file that this function runs with.
        deployment: on Google Cloud; None where no apply left a record.
        stack: on this machine; None where there is none.
    """

    settings: Path
    deployment: DeploymentReader | None = None
    stack: LocalStack | None = None


def digest(file: Path) -> str:
    """SHA-256 of a file.

    Raises:
        UnavailableError: it cannot be read.
    """
    return hashlib.sha256(_read(file)).hexdigest()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{file}: cannot be read ({error.strerror})") from error


def _silent(ports: Mapping[str, int]) -> dict[str, int]:
    return {name: port for name, port in ports.items() if not _listens(port)}


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True
