"""From which address a request comes: that of its connection, or what the proxies before the API have added to it.

A client may send `X-Forwarded-For` itself: only so many of its last entries are believed as the proxies add. Google's external
Application Load Balancer puts two behind what the client sent, and verifies nothing before them:

    X-Forwarded-For: <supplied-value>,<client-ip>,<load-balancer-ip>

Cloud Run alone adds the client's, and nothing behind a load balancer: so the client is the second from the end there, else the last.

References:
    Google Cloud, External Application Load Balancer overview, X-Forwarded-For header:
    https://cloud.google.com/load-balancing/docs/https#x-forwarded-for_header
    Kubernetes, registry.k8s.io, pkg/net/clientip: the same rule for Cloud Run with and without a load balancer.
"""

import ipaddress
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import Scope

PROXIES = "AIA_PROXIES"
"""How many entries the proxies add; without it none is believed."""
_PREFIX = 64
"""Bits of an IPv6 address that a customer of a provider has all of."""


def proxies(environment: Mapping[str, str]) -> int:
    """How many entries of `X-Forwarded-For` are those of proxies."""
    given = environment.get(PROXIES, "")
    return int(given) if given.isdigit() else 0


def address_of(scope: Scope, headers: Headers, added: int) -> str:
    """The address of a client, of IPv6 its network; one of IPv4 as it is, also where a socket of IPv6 shows it.

    Args:
        scope: of the connection.
        headers: of the request.
        added: entries of `X-Forwarded-For` that proxies have added.

    >>> spoofed = Headers({"X-Forwarded-For": "6.6.6.6, 2001:db8::1, 192.0.2.1"})
    >>> connection = {"client": ("127.0.0.1", 1)}
    >>> [address_of(connection, spoofed, added) for added in (0, 1, 2, 9)]
    ['127.0.0.1', '192.0.2.1', '2001:db8::/64', '127.0.0.1']
    >>> address_of({"client": ("::ffff:192.0.2.1", 1)}, Headers(), 0)
    '192.0.2.1'
    """
    own = (scope.get("client") or ("",))[0]
    entries = ",".join(headers.getlist("X-Forwarded-For")).split(",")
    if not 0 < added <= len(entries):
        return _network(own)
    return _network(entries[-added].strip()) or _network(own)


def _network(text: str) -> str:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, _PREFIX), strict=False))
