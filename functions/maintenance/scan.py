"""The task `security-scan`: who has access, how old keys are, and advisories on packages, each a verdict of its own.

What cannot be read, for whichever reason, is not known, and holds up nothing else: the next scan reads it again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from core.security.inventory import Dependency, IamPolicy, ServiceAccountKey, exposed, old_keys, vulnerable
from core.security.scan import CHECKS, ScanKind
from functions.maintenance.checks import Read, step
from functions.services.detection import Tracker
from functions.services.steps import Step


class IamReader(Protocol):
    """Reads what IAM grants."""

    def policy(self) -> IamPolicy:
        """The policy of the project."""
        ...

    def keys(self) -> tuple[ServiceAccountKey, ...]:
        """The keys that people made and that can be used."""
        ...


class AdvisoryReader(Protocol):
    """Reads advisories."""

    def of(self, packages: Sequence[Dependency]) -> Mapping[Dependency, Sequence[str]]:
        """The identifiers of the advisories on each package."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What the scan reads.

    Attributes:
        iam: what is granted.
        packages: that the functions need.
        advisories: on packages; None where nobody is to be asked.
    """

    iam: IamReader
    packages: Callable[[], Sequence[Dependency]]
    advisories: AdvisoryReader | None


def steps(scanned: Scanned, tracker: Tracker, due: datetime) -> Iterator[Step]:
    """A step a check."""
    checks: dict[ScanKind, Read] = {
        ScanKind.IAM_EXPOSURE: lambda: exposed(scanned.iam.policy()),
        ScanKind.OLD_KEY: lambda: old_keys(scanned.iam.keys(), due),
    }
    if scanned.advisories:
        checks[ScanKind.VULNERABLE_DEPENDENCY] = partial(_advisories, scanned.advisories, scanned.packages)
    for kind, read in checks.items():
        yield step(tracker, CHECKS[kind], read, due)


def _advisories(reader: AdvisoryReader, packages: Callable[[], Sequence[Dependency]]) -> list[str]:
    return vulnerable(reader.of(packages()))
