"""The traffic of an endpoint by versions: who must have what, and whether a change of it may be made."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.promotion.state import Holder
from core.settings.promotion import ALL_TRAFFIC
from core.versions import AliasName

Shares = Mapping[str, int]
"""Per cent of the traffic by version, without those that have none; the sum is 100."""
_VERSION = re.compile(r"projects/(?P<project>[^/@ ]+)/(?P<model>locations/[^/@ ]+/models/[^/@ ]+)@(?P<version>[^/@ ]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficMove:
    """A change of the traffic that follows from a promotion.

    Attributes:
        before: the shares that it starts from.
        after: the shares that it leads to.
        forward: whether the challenger keeps or gets traffic; what takes it away is done whatever the shares were.
    """

    before: Shares
    after: Shares
    forward: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedVersion:
    """A version that is deployed on an endpoint.

    Attributes:
        id: of the deployment on its endpoint.
        version: the name in the registry, as in `projects/P/locations/L/models/M@3`.
        share: of the traffic, in per cent.
        is_available: false where it is known to have no replica.
    """

    id: str
    version: str
    share: int
    is_available: bool


def shares_of(held: Mapping[AliasName, Holder]) -> Shares:
    """The traffic of each version, by who has which alias.

    >>> shares_of({AliasName.CHAMPION: Holder("7", 95.0), AliasName.CHALLENGER: Holder("8", 5.0)})
    {'7': 95, '8': 5}
    >>> shares_of({AliasName.CHAMPION: Holder("7", 100.0), AliasName.CHALLENGER: Holder("8", 0.0)})
    {'7': 100}
    """
    return {holder.version: round(holder.share) for holder in held.values() if holder.version and holder.share}


def split(deployed: Sequence[DeployedVersion], names: Mapping[str, str], wanted: Shares) -> Mapping[str, int]:
    """The split by the ids of deployments; of several of one version, the newest one that has traffic, or else the newest.

    Args:
        deployed: on the endpoint, oldest first.
        names: of versions in the registry, by version; a text that has such a name among others, or empty.
        wanted: the shares.

    Raises:
        ValueError: a version is not known to the registry, is not deployed, or has no replica; or the shares do not sum to 100.

    >>> name = "projects/p/locations/l/models/churn@3"
    >>> split([DeployedVersion(id="77", version=name, share=0, is_available=True)], {"8": name}, {"8": 100})
    {'77': 100}
    """
    if sum(wanted.values()) != ALL_TRAFFIC:
        raise ValueError(f"shares: must sum to {ALL_TRAFFIC}, got {_text(wanted)}")
    chosen = {version: _chosen(deployed, version, names.get(version, "")).id for version in wanted}
    if len(set(chosen.values())) < len(chosen):
        raise ValueError(f"versions: must be deployed each by itself, got one deployment of {_text(wanted)}")
    return {chosen[version]: share for version, share in wanted.items()}


def hindrance(deployed: Sequence[DeployedVersion], names: Mapping[str, str], move: TrafficMove) -> str:
    """Why a move cannot be made, in one line; empty where it can.

    Args:
        deployed: on the endpoint.
        names: as of `split`.
        move: that is wanted; one that is made already is no hindrance.
    """
    try:
        split(deployed, names, move.after)
    except ValueError as error:
        return str(error)
    found = _found(deployed, names)
    if move.forward and found not in (dict(move.before), dict(move.after)):
        return f"somebody else moved the traffic: it must be {_text(move.before)}, got {_text(found)}"
    return ""


def is_same(one: str, other: str) -> bool:
    """Whether two names mean the same version; a project has a name and a number, which are not compared with each other.

    >>> is_same("projects/p/locations/l/models/m@3", "projects/123/locations/l/models/m@3")
    True
    >>> is_same("projects/p/locations/l/models/m@3", "projects/p/locations/l/models/m@4")
    False
    """
    first, second = _VERSION.fullmatch(one), _VERSION.fullmatch(other)
    if first is None or second is None or first.group("model", "version") != second.group("model", "version"):
        return False
    projects = first["project"], second["project"]
    return projects[0] == projects[1] or projects[0].isdigit() != projects[1].isdigit()


def _chosen(deployed: Sequence[DeployedVersion], version: str, named: str) -> DeployedVersion:
    if not _VERSION.search(named):
        raise ValueError(f"version {version}: must be in the model registry of Vertex AI, got {named!r}")
    own = [one for one in deployed if _is_named(one, named)]
    if not own:
        raise ValueError(f"version {version} ({named}) is not deployed on the endpoint")
    available = [one for one in own if one.is_available]
    if not available:
        raise ValueError(f"version {version} ({named}) has no replica on the endpoint")
    return next((one for one in reversed(available) if one.share), available[-1])


def _is_named(one: DeployedVersion, named: str) -> bool:
    return any(is_same(name, one.version) for name in named.split())


def _found(deployed: Sequence[DeployedVersion], names: Mapping[str, str]) -> Shares:
    """The shares as they are, by version; of what is none of the versions, by its name in the registry."""
    found: dict[str, int] = {}
    for one in deployed:
        if one.share:
            version = next(
                (version for version, named in names.items() if _is_named(one, named)), one.version or one.id
            )
            found[version] = found.get(version, 0) + one.share
    return found


def _text(given: Shares) -> str:
    return ", ".join(f"{version}: {share}%" for version, share in sorted(given.items())) or "none"
