"""Policies, keys and plans, as `gcloud` and `terraform` print them.

gcloud projects get-iam-policy PROJECT --format=json                                 the policy
gcloud iam service-accounts keys list --iam-account=… --managed-by=user --format=json  keys
terraform show -json PLAN                                                            a plan
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from core.security.inventory import IamPolicy, PlannedResource, ServiceAccountKey
from functions.adapters.iam_inventory import KeyDocument, PolicyDocument
from functions.cli.api import RefusedError


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
    found: PolicyDocument = _read(path, PolicyDocument)
    return found.policy()


def read_keys(path: Path) -> tuple[ServiceAccountKey, ...]:
    """The keys that people made and that can be used; `RefusedError` where the file has none."""
    found: tuple[KeyDocument, ...] = _read(path, tuple[KeyDocument, ...])
    return tuple(one.key() for one in found if one.counts)


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
