"""Policies, keys and plans, as `gcloud` and `terraform` print them.

gcloud projects get-iam-policy PROJECT --format=json                                 the policy
gcloud iam service-accounts keys list --iam-account=… --managed-by=user --format=json  keys
terraform show -json PLAN                                                            a plan
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from core.security.inventory import AuditConfig, Binding, IamPolicy, PlannedResource, ServiceAccountKey
from functions.cli.api import RefusedError


class _Log(msgspec.Struct, rename="camel"):
    log_type: str
    exempted_members: tuple[str, ...] = ()


class _AuditConfig(msgspec.Struct, rename="camel"):
    service: str
    audit_log_configs: tuple[_Log, ...] = ()


class _Binding(msgspec.Struct):
    role: str
    members: tuple[str, ...] = ()


class _Policy(msgspec.Struct, rename="camel"):
    bindings: tuple[_Binding, ...]
    audit_configs: tuple[_AuditConfig, ...] = ()


class _Key(msgspec.Struct, rename="camel"):
    name: str
    valid_after_time: Annotated[datetime, msgspec.Meta(tz=True)]
    key_type: str = "USER_MANAGED"


class _Planned(msgspec.Struct):
    address: str
    type: str
    mode: str = "managed"
    values: dict[str, Any] = msgspec.field(default_factory=dict)


class _Module(msgspec.Struct):
    resources: tuple[_Planned, ...] = ()
    child_modules: tuple["_Module", ...] = ()


class _Values(msgspec.Struct):
    root_module: _Module


class _Plan(msgspec.Struct):
    planned_values: _Values


def read_policy(path: Path) -> IamPolicy:
    """The policy of a project; `RefusedError` where the file is none."""
    found: _Policy = _read(path, _Policy)
    return IamPolicy(
        bindings=tuple(Binding(role=one.role, members=one.members) for one in found.bindings),
        audit_configs=tuple(map(_audit_config, found.audit_configs)),
    )


def _audit_config(found: _AuditConfig) -> AuditConfig:
    logs = found.audit_log_configs
    return AuditConfig(
        service=found.service,
        log_types=frozenset(one.log_type for one in logs),
        exempted=tuple(member for one in logs for member in one.exempted_members),
    )


def read_keys(path: Path) -> tuple[ServiceAccountKey, ...]:
    """The keys that people made; `RefusedError` where the file has none."""
    found: tuple[_Key, ...] = _read(path, tuple[_Key, ...])
    return tuple(
        ServiceAccountKey(name=one.name, made_at=one.valid_after_time)
        for one in found
        if one.key_type == "USER_MANAGED"
    )


def read_plan(path: Path) -> tuple[PlannedResource, ...]:
    """The resources of a plan; `RefusedError` where the file is none."""
    found: _Plan = _read(path, _Plan)
    return tuple(_resources(found.planned_values.root_module))


def _resources(module: _Module) -> Iterator[PlannedResource]:
    for one in module.resources:
        if one.mode == "managed":
            yield PlannedResource(address=one.address, kind=one.type, values=one.values)
    for child in module.child_modules:
        yield from _resources(child)


def _read(path: Path, kind: Any) -> Any:  # noqa: ANN401 - any type of msgspec
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"{path}: must be what the command prints as JSON: {error}") from error
