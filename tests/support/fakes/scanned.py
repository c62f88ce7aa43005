"""What the security scan reads, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.security.inventory import Binding, Dependency, IamPolicy, ServiceAccountKey
from functions.maintenance.scan import Scanned

OWNED = IamPolicy(bindings=(Binding(role="roles/owner", members=("user:ada@example.com",)),))
PUBLISHED = IamPolicy(bindings=(*OWNED.bindings, Binding(role="roles/viewer", members=("allUsers",))))
JINJA = Dependency("jinja2", "2.4.1")


@dataclass
class MemoryIam:
    """IAM.

    Attributes:
        granted: the policy.
        made: the keys.
        error: why it does not answer.
    """

    granted: IamPolicy = OWNED
    made: tuple[ServiceAccountKey, ...] = ()
    error: Exception | None = None

    def policy(self) -> IamPolicy:
        if self.error:
            raise self.error
        return self.granted

    def keys(self) -> tuple[ServiceAccountKey, ...]:
        if self.error:
            raise self.error
        return self.made


@dataclass
class MemoryAdvisories:
    """Advisories; nothing answers where there is an error."""

    known: Mapping[Dependency, Sequence[str]] = field(default_factory=dict)
    error: Exception | None = None

    def of(self, packages: Sequence[Dependency]) -> Mapping[Dependency, Sequence[str]]:
        if self.error:
            raise self.error
        return {one: self.known.get(one, ()) for one in packages}


def scanned(iam: MemoryIam | None = None, advisories: MemoryAdvisories | None = None) -> Scanned:
    """What the scan reads; nothing that must not be, where nothing else is given."""
    return Scanned(iam=iam or MemoryIam(), packages=lambda: [JINJA], advisories=advisories or MemoryAdvisories())
