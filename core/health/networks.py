"""Addresses that a probe may not connect to unless its settings say so: they belong to the machine that it runs on.

What answers there trusts whoever reaches it: services on loopback, and the metadata server, which gives out tokens. A name that
somebody else controls, or a redirect, must not lead a probe there (server-side request forgery). Private networks are not
among them: databases and caches are there.

References:
    RFC 6890, Special-Purpose IP Address Registries.
    OWASP, Server-Side Request Forgery Prevention Cheat Sheet.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from core.settings.probes import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_LOW_32_BITS = 0xFFFF_FFFF
SPECIAL: Mapping[str, tuple[Network, ...]] = MappingProxyType(
    {
        name: tuple(map(ipaddress.ip_network, networks))
        for name, networks in {
            "a metadata server": ("169.254.169.254", "fd20:ce::254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"),
            "this machine": ("127.0.0.0/8", "0.0.0.0/8", "::1", "::"),
            "link-local": ("169.254.0.0/16", "fe80::/10"),
            "multicast": ("224.0.0.0/4", "ff00::/8"),
            "reserved": ("240.0.0.0/4",),
        }.items()
    }
)
"""The networks that are refused, by what they are."""


def refusal(address: str, allowed: Sequence[Network] = ()) -> str | None:
    """Why a probe may not connect to an address; None where it may.

    Args:
        address: an IP address, as it was resolved, of version 6 perhaps with a zone.
        allowed: networks that are allowed all the same.

    >>> refusal("10.0.0.5"), refusal("127.0.0.1"), refusal("::ffff:169.254.169.254")
    (None, 'this machine', 'a metadata server')
    >>> refusal("127.0.0.1", [ipaddress.ip_network("127.0.0.0/8")])
    """
    for one in _meant(ipaddress.ip_address(address.partition("%")[0])):
        if not any(one in network for network in allowed):
            for name, networks in SPECIAL.items():
                if any(one in network for network in networks):
                    return name
    return None


def _meant(address: Address) -> Iterator[Address]:
    """The address, and the one of version 4 that it stands for: mapped, compatible, 6to4, Teredo, NAT64."""
    yield address
    if not isinstance(address, ipaddress.IPv6Address):
        return
    low = ipaddress.IPv4Address(int(address) & _LOW_32_BITS)
    embedded = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    embedded += [low] if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1) else []
    yield from (one for one in embedded if one is not None)
