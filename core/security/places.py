"""Where networks are, by a table that the user gives, and how far apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS = 6371.0
"""Kilometres."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place.

    Attributes:
        latitude: degrees, -90 to 90.
        longitude: degrees, -180 to 180.
    """

    latitude: float
    longitude: float


def distance(one: Place, other: Place) -> float:
    """Kilometres between two places along a great circle (haversine).

    >>> round(distance(Place(52.52, 13.405), Place(40.7128, -74.006)))
    6385
    """
    first, second = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    half = sin((second - first) / 2) ** 2 + cos(first) * cos(second) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


class Places:
    """The places of networks.

    Args:
        rows: networks and their places.

    >>> places = Places([("203.0.113.0/24", Place(52.5, 13.4)), ("203.0.113.128/25", Place(48.1, 11.6))])
    >>> places.of("203.0.113.200"), places.of("203.0.113.7"), places.of("198.51.100.1"), places.of("gce-internal-ip")
    (Place(latitude=48.1, longitude=11.6), Place(latitude=52.5, longitude=13.4), None, None)
    """

    def __init__(self, rows: Iterable[tuple[str, Place]] = ()) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Place]] = {}
        for text, place in rows:
            network = ip_network(text, strict=False)
            same = self._by_length.setdefault((network.version, network.prefixlen), {})
            same[int(network.network_address)] = place
        self._lengths = sorted(self._by_length, reverse=True)

    def of(self, address: str) -> Place | None:
        """The place of an address, by the smallest network that has it; None where that is not known."""
        try:
            given = ip_address(address)
        except ValueError:
            return None
        for version, length in self._lengths:
            host_bits = given.max_prefixlen - length
            if version == given.version:
                place = self._by_length[version, length].get(int(given) >> host_bits << host_bits)
                if place is not None:
                    return place
        return None
