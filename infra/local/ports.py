"""The ports of the local system: fixed where people use them, free elsewhere."""

import os
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

PUBLIC = {
    "page": ("AIA_PORT", 8080),
    "inbox": ("AIA_INBOX_PORT", 8081),
    "prometheus": ("AIA_PROMETHEUS_PORT", 8083),
    "intake": ("AIA_INTAKE_PORT", 8084),
    "pubsub": ("AIA_PUBSUB_PORT", 8085),
    "pubsub-rest": ("AIA_PUBSUB_REST_PORT", 8087),
    "warehouse": ("AIA_WAREHOUSE_PORT", 8088),
    "commands": ("AIA_COMMANDS_PORT", 8086),
    "otlp": ("AIA_OTLP_PORT", 4318),
}
"""A public port: its name, its environment variable, and its default."""

_reserved: list[socket.socket] = []
"""Reservations of chosen ports, for the lifetime of this process."""
_NUMBER = re.compile(r"(?<!\d)\d{2,5}(?!\d)")
_chosen: dict[int, str] = {}
"""The chosen ports, and the environment variable of each; empty for a private port."""


class PortTakenError(Exception):
    """A port is in use; the message names the port and the variable that moves it."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of the stack by the name of the program that listens on it."""

    by_name: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.by_name[name]

    def url(self, name: str) -> str:
        """The base URL of a program that speaks HTTP."""
        return f"http://127.0.0.1:{self.by_name[name]}"


def assign(private: list[str], *, fixed: bool) -> Ports:
    """Choose the ports.

    Args:
        private: the programs that only the stack itself talks to; they get free ports.
        fixed: whether the public ones get the ports people expect, rather than free ones.

    Raises:
        PortTakenError: a fixed port is in use or given twice, or its variable holds no port number.
    """
    public = {name: _fixed(*where) if fixed else 0 for name, where in PUBLIC.items()}
    with ExitStack() as held:  # all at once, so that no two get the same
        sockets = {name: held.enter_context(_hold(name, public.get(name, 0))) for name in [*PUBLIC, *private]}
        ports = Ports({name: sock.getsockname()[1] for name, sock in sockets.items()})
    _chosen.update({port: PUBLIC[name][0] if public.get(name) else "" for name, port in ports.by_name.items()})
    _reserved.extend(reserve(port) for name, port in ports.by_name.items() if not public.get(name))
    return ports


def taken(words: Iterable[str]) -> str:
    """Which port of this stack that words name another program listens on; empty when there is none.

    Args:
        words: a command line, for example, or the last output of a program.
    """
    named = {int(number) for word in words for number in _NUMBER.findall(word)}
    for port in sorted(named & _chosen.keys()):
        try:
            _listen(port).close()
        except OSError as error:
            return _port_error(port, _chosen[port], error)
    return ""


def _port_error(port: int, variable: str, error: OSError) -> str:
    way_out = f"set {variable} to another one" if variable else "start again, which chooses another one"
    return f"port {port} is taken ({error.strerror}); {way_out}"


def reserve(port: int) -> socket.socket:
    """Reserve a port: the system does not assign it as a free port until the socket is closed.

    It does not listen, so a program that binds this very port gets it: a program of the stack may start seconds later,
    and again when it was killed. Else another stack that starts meanwhile could choose the same.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


def _fixed(variable: str, default: int) -> int:
    given = os.environ.get(variable, str(default))
    if not given.isdigit() or not 1 <= int(given) <= 65535:  # noqa: PLR2004 - the range of ports
        raise PortTakenError(f"{variable}: must be a port from 1 to 65535, got {given!r}")
    return int(given)


def _hold(name: str, port: int) -> socket.socket:
    try:
        return _listen(port)
    except OSError as error:
        if not port:
            raise
        raise PortTakenError(_port_error(port, PUBLIC[name][0], error)) from error


def _listen(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(1)
    except OSError:
        sock.close()
        raise
    return sock


def store_url(folder: Path) -> str:
    """The store of a stack whose data is in `folder`."""
    return f"sqlite://{folder / 'store.sqlite'}"


def listens(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Whether a URL of this machine answers, with an error or without."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - an address of this machine
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
