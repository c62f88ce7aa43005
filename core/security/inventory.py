"""What is there now, as far as it was read: policies, keys of service accounts, and resources of a Terraform plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.security.entry import PUBLIC

OLDEST_KEY = timedelta(days=90)
"""The age of a key from which it must be replaced (CIS 1.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Who has a role.

    Attributes:
        role: as in `roles/owner`.
        members: as in `user:ada@example.com`.
    """

    role: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """What data access is logged.

    Attributes:
        service: as in `storage.googleapis.com`, or `allServices`.
        log_types: those without exempted members, as in `DATA_READ`.
        exempted: members whose access is not logged.
    """

    service: str
    log_types: frozenset[str] = frozenset()
    exempted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IamPolicy:
    """The policy of a project."""

    bindings: tuple[Binding, ...] = ()
    audit_configs: tuple[AuditConfig, ...] = ()

    @property
    def grants(self) -> Iterator[tuple[str, str]]:
        """Each member with each of its roles."""
        for binding in self.bindings:
            yield from ((member, binding.role) for member in binding.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountKey:
    """A key of a service account that people made.

    Attributes:
        name: in full.
        made_at: when.
    """

    name: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """A resource of a plan.

    Attributes:
        address: as in `google_storage_bucket.exports`.
        kind: as in `google_storage_bucket`.
        values: as they will be; those that are known only later are missing.
    """

    address: str
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What was read; None for what was not."""

    policy: IamPolicy | None = None
    keys: tuple[ServiceAccountKey, ...] | None = None
    plan: tuple[PlannedResource, ...] | None = None


def exposed(policy: IamPolicy) -> list[str]:
    """Roles that everybody has."""
    return [f"{member} has {role}" for member, role in policy.grants if member in PUBLIC]


def old_keys(keys: tuple[ServiceAccountKey, ...], at: datetime, oldest: timedelta = OLDEST_KEY) -> list[str]:
    """Keys that are older than they may be."""
    return [f"{key.name} is {(at - key.made_at).days} days old" for key in keys if at - key.made_at > oldest]
