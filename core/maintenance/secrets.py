"""Versions of secrets, without their values: how old the ones in use are, and which secrets cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ENABLED = "ENABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion:
    """A version of a secret.

    Attributes:
        number: ascending from 1.
        state: `ENABLED`, `DISABLED` or `DESTROYED`.
        created_at: when.
    """

    number: int
    state: str
    created_at: datetime


Versions = Mapping[str, Sequence[SecretVersion]]
"""The versions of each secret, in any order."""


def old_secrets(secrets: Versions, at: datetime, oldest: timedelta) -> list[str]:
    """Secrets whose version in use is older than it may be: the newest one, which is what functions read (`latest`)."""
    return [
        f"{secret} is {(at - used.created_at).days} days old"
        for secret, versions in sorted(secrets.items())
        if (used := newest(versions)) and used.state == ENABLED and at - used.created_at > oldest
    ]


def unusable_secrets(secrets: Versions) -> list[str]:
    """Secrets that cannot be read: without a version, or whose newest one is not enabled, whatever the older ones are.

    >>> unusable_secrets({"aia-otlp-token": []})
    ['aia-otlp-token has no version']
    """
    return [f"{secret} {fault}" for secret, versions in sorted(secrets.items()) if (fault := _fault(newest(versions)))]


def newest(versions: Sequence[SecretVersion]) -> SecretVersion | None:
    """The version that was added last."""
    return max(versions, key=lambda one: one.number, default=None)


def _fault(used: SecretVersion | None) -> str:
    if used is None:
        return "has no version"
    return "" if used.state == ENABLED else f"has version {used.number} as its newest, which is {used.state}"
