"""What is there now, as far as it was read: policies, keys of service accounts, packages, and resources of a Terraform plan."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        condition: the expression under which they have it; empty where they always do.
    """

    role: str
    members: tuple[str, ...]
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """What data access is logged.

    Attributes:
        service: as in `storage.googleapis.com`, or `allServices`.
        log_types: that are logged, as in `DATA_READ`, also where members are exempted.
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


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """A package that functions need.

    Attributes:
        name: as the index of packages spells it.
        version: that is locked.
    """

    name: str
    version: str


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


def locked(lock: Mapping[str, Any], extras: Iterable[str]) -> list[Dependency]:
    """The packages of a lock that some extras need, directly or through others, in all versions, whatever the platform.

    Args:
        lock: of uv, as read from TOML: its packages, the project among them as the one that can be edited.
        extras: of the project; those that it does not have need nothing.
    """
    packages = defaultdict[str, list[Mapping[str, Any]]](list)
    for one in lock["package"]:
        packages[one["name"]].append(one)
    [project] = (one["name"] for one in lock["package"] if "editable" in one["source"])
    todo, seen = [(project, extra) for extra in extras], set[tuple[str, str]]()
    while todo:
        name, extra = found = todo.pop()
        if found not in seen:
            seen.add(found)
            todo += [one for package in packages[name] for one in _needs(package, extra)]
    names = {name for name, _ in seen} - {project}
    return sorted(Dependency(name, one["version"]) for name in names for one in packages[name])


def _needs(package: Mapping[str, Any], extra: str) -> Iterator[tuple[str, str]]:
    """The packages, each with an extra of it or with "", that one needs for an extra, or for itself where that is ""."""
    needed = package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
    for one in needed:
        yield from ((one["name"], name) for name in ("", *one.get("extra", ())))


def vulnerable(advisories: Mapping[Dependency, Sequence[str]]) -> list[str]:
    """Packages with advisories, one line each.

    >>> vulnerable({Dependency("jinja2", "2.4.1"): ["GHSA-462w-v97r-4m45"], Dependency("numpy", "2.4.0"): []})
    ['jinja2 2.4.1: GHSA-462w-v97r-4m45']
    """
    return [f"{one.name} {one.version}: {', '.join(sorted(ids))}" for one, ids in sorted(advisories.items()) if ids]
