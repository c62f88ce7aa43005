"""The functions that run against those that were deployed: their archives, which hold the settings, and their environments."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

ACTIVE = "ACTIVE"
GIVEN_BY_GOOGLE = frozenset({"LOG_EXECUTION_ID"})
"""Variables that Cloud Functions sets by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function.

    Attributes:
        name: of its service.
        archive: the object that it was built from; its name has the hash of the contents.
        state: by Cloud Functions.
        environment: a digest of each variable's value, by its name.
        secrets: the secret and its version, by the name of the variable.
        settings: a digest of those in the archive, as the deployment has noted it; empty where it has not.
    """

    name: str
    archive: str
    state: str = ACTIVE
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""


def function_differences(deployed: Iterable[DeployedFunction], found: Iterable[DeployedFunction]) -> list[str]:
    """What differs, one line a function; functions that are not of the deployment are left alone.

    >>> function_differences([DeployedFunction(name="api", archive="api-1.zip")], [DeployedFunction(name="api", archive="api-2.zip", state="FAILED")])
    ['api: state must be ACTIVE, got FAILED; archive must be api-1.zip, got api-2.zip']
    """
    there = {one.name: one for one in found}
    return sorted(
        f"{one.name}: {'; '.join(faults)}" for one in deployed if (faults := list(_faults(one, there.get(one.name))))
    )


def other_settings(deployed: Iterable[DeployedFunction], settings: str) -> list[str]:
    """Functions whose archives have other settings than those that were deployed.

    Args:
        deployed: the functions.
        settings: a digest of what the deployment read.

    >>> other_settings([DeployedFunction(name="api", archive="api-1.zip", settings="a"), DeployedFunction(name="otlp", archive="otlp-1.zip")], "b")
    ['api: its archive has other settings than were deployed']
    """
    return [
        f"{one.name}: its archive has other settings than were deployed"
        for one in deployed
        if one.settings not in ("", settings)
    ]


def _faults(wanted: DeployedFunction, found: DeployedFunction | None) -> Iterator[str]:
    if found is None:
        yield "is missing"
        return
    for name in ("state", "archive"):
        one, other = getattr(wanted, name), getattr(found, name)
        if one != other:
            yield f"{name} must be {one}, got {other or 'none'}"
    yield from _names("variable", wanted.environment, found.environment)
    yield from _names("secret", wanted.secrets, found.secrets)


def _names(what: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """The names that differ; never a value."""
    added = found.keys() - wanted.keys() - GIVEN_BY_GOOGLE
    changed = [name for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    for how, names in (("is missing", wanted.keys() - found.keys()), ("differs", changed), ("is not deployed", added)):
        yield from (f"{what} {name} {how}" for name in sorted(names))
