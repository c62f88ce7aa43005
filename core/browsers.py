"""Which requests a server takes: those to an address of its own, and no change that another site's page makes a browser ask for.

A page of any site can send requests to the loopback interface with the reader's browser. It cannot read the answers
unless its name resolves to this machine (DNS rebinding), which the Host header shows; and a browser says from where a
request comes, in `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/) or, an older one, in `Origin`. Programs send neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})
_SHOWN = 80


class BrowserReason(StrEnum):
    """Why a request is not taken."""

    HOST = "host"
    CROSS_SITE = "cross_site"


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not taken, and what would be."""

    reason: BrowserReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says of itself.

    Attributes:
        method: of HTTP.
        host: the header `Host`; None where it has none.
        origin: the header `Origin`; None where it has none.
        site: the header `Sec-Fetch-Site`; None where it has none.
    """

    method: str
    host: str | None
    origin: str | None
    site: str | None


def refusal(asked: Asked, hosts: Iterable[str]) -> Refused | None:
    """Why a request is not taken; None if it is.

    Args:
        asked: the request.
        hosts: names of the server besides those of the loopback interface, in small letters; one that begins with `*` stands for every
            name with that end.

    >>> refusal(Asked(method="POST", host="evil.example", origin=None, site=None), ()).message
    "Host: must be a name of this server, got 'evil.example'"
    >>> refusal(Asked(method="POST", host="localhost:8080", origin="http://localhost:8080", site="same-origin"), ())
    """
    if not _is_own(asked.host or "", hosts):
        shown = (asked.host or "")[:_SHOWN]
        return Refused(BrowserReason.HOST, f"Host: must be a name of this server, got {shown!r}")
    if asked.method in _READS:
        return None
    if asked.site is not None:
        if asked.site in _OWN_SITES:
            return None
        return Refused(
            BrowserReason.CROSS_SITE, f"Sec-Fetch-Site: must be same-origin or none, got {asked.site[:_SHOWN]!r}"
        )
    if asked.origin is not None and asked.origin.lower().partition("://")[2] != (asked.host or "").lower():
        return Refused(BrowserReason.CROSS_SITE, f"Origin: must be that of this server, got {asked.origin[:_SHOWN]!r}")
    return None


def _is_own(host: str, hosts: Iterable[str]) -> bool:
    name = _without_port(host.lower())
    return name in LOOPBACK or any(name.endswith(own[1:]) if own.startswith("*") else name == own for own in hosts)


def _without_port(host: str) -> str:
    """The name of `name`, `name:port`, `[address]` and `[address]:port`; empty where what follows is no port.

    >>> _without_port("localhost:8080"), _without_port("[::1]:80"), _without_port("localhost:80@evil.example")
    ('localhost', '[::1]', '')
    """
    end = host.find("]") + 1 if host.startswith("[") else host.find(":")
    if end < 0:
        return host
    name, port = host[:end], host[end:]
    return name if not port or (port[0] == ":" and (port[1:].isdecimal() or not port[1:])) else ""
