"""The one way in which probes connect: to an address that was checked after the name was resolved."""

import socket
from functools import partial

from core.health.networks import refusal
from core.settings.probes import ConnectingProbe
from functions.adapters.net import Deadline, Refuses, dial


def refuses(probe: ConnectingProbe) -> Refuses:
    """What refuses the addresses that the probe must not connect to."""
    return partial(refusal, allowed=probe.allowed_networks)


def reach(probe: ConnectingProbe, host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to a host.

    Raises:
        ForbiddenAddressError: its addresses are refused to the probe.
        OSError: nothing accepts.
    """
    return dial(host, port, deadline, refuses(probe))


def reached_address(probe: ConnectingProbe, host: str, port: int, deadline: Deadline) -> str:
    """The IP address of a host that accepts, for a library that connects by itself: by this address, not by the name."""
    with reach(probe, host, port, deadline) as connection:
        return str(connection.getpeername()[0])
