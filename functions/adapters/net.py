"""Connections that respect a deadline, however many addresses a name has and however slowly bytes arrive."""

import base64
import errno
import functools
import io
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import unquote

from urllib3.connection import HTTPConnection
from urllib3.util import Url

PORTS = {"http": 80, "https": 443}

# It warns of odd headers with the whole URL, which may have a secret in it.
logging.getLogger("urllib3.connection").disabled = True

trusting = functools.cache(ssl.create_default_context)
"""What clients do: trust the authorities of the machine, check the dates and the host.

Read once, which takes 20 ms. An authority of one's own is trusted through `SSL_CERT_FILE` or `SSL_CERT_DIR`, which
OpenSSL reads.
"""


def trusting_only(authorities: str | None) -> ssl.SSLContext:
    """What trusts these authorities (PEM) alone; without any, what `trusting` does."""
    if authorities is None:
        return trusting()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authorities)
    return context


class Deadline:
    """The end of the time that a probe has in all, and how much of it is spent."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.spent() >= self._seconds

    def left(self) -> float:
        """Seconds left, above 0; `TimeoutError` when there are none."""
        left = self._seconds - self.spent()
        if left <= 0:
            raise TimeoutError(f"no answer within {self._seconds:g} s")
        return left


Refuses = Callable[[str], str | None]
"""Says why an IP address must not be connected to; None where it may."""


class ForbiddenAddressError(OSError):
    """A host has only addresses that must not be connected to; the message says what they are."""


def anywhere(_: str) -> None:
    """Refuse no address."""


def dial(host: str, port: int, deadline: Deadline, refuses: Refuses = anywhere) -> socket.socket:
    """Connect to the first address of a host that accepts; raise the last error if none does.

    An address that does not answer takes only its share of the time of the others. Resolving the name
    has the resolver's own time limit, which Python cannot shorten; `run.py` does not wait for it.

    Args:
        host: a name or an IP address.
        port: of the server.
        deadline: ends all attempts.
        refuses: asked for each resolved address; the connection goes to an address that it was asked for, and the name is not
            resolved again.
    """
    addresses = _permitted(host, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), refuses)
    for untried, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.left() / untried)
            connection.connect(address)
        except OSError:
            connection.close()
            if untried == 1:
                raise
        else:
            return connection
    raise OSError(errno.EHOSTUNREACH, f"{host} has no address")


T = TypeVar("T", bound=tuple[Any, ...])


def _permitted(host: str, found: list[T], refuses: Refuses) -> list[T]:
    """The addresses that are not refused; `ForbiddenAddressError` where all are."""
    refused = [refuses(str(one[4][0])) for one in found]
    if found and all(refused):
        raise ForbiddenAddressError(errno.EACCES, f"{host} is {refused[0]}")
    return [one for one, reason in zip(found, refused, strict=True) if reason is None]


def shake(plain: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Complete a TLS handshake on a connected socket; Python bounds the whole handshake."""
    plain.settimeout(deadline.left())
    return context.wrap_socket(plain, server_hostname=host)


@contextmanager
def connected(
    url: Url, deadline: Deadline, refuses: Refuses = anywhere, context: ssl.SSLContext | None = None
) -> Iterator[tuple[HTTPConnection, socket.socket]]:
    """A connection for one request to the host of a URL, and its socket; the deadline ends the answer as well."""
    host, port = address(url)
    with ExitStack() as closing:
        stream = closing.enter_context(dial(host, port, deadline, refuses))
        if url.scheme == "https":
            stream = closing.enter_context(shake(stream, host, context or trusting(), deadline))
        connection = HTTPConnection(host, port)
        connection.sock = cast("ssl.SSLSocket", Bounded(stream, deadline))
        yield connection, stream


def address(url: Url) -> tuple[str, int]:
    """The host and port to connect to; the brackets of an IPv6 address belong to the URL."""
    return (url.host or "").strip("[]"), url.port or PORTS[url.scheme or ""]


def headers(url: Url) -> dict[str, str]:
    """The headers of every request: the host, the credentials of the URL, and the user agent."""
    auth = {} if url.auth is None else {"Authorization": f"Basic {_base64(unquote(url.auth))}"}
    return {"Host": url.netloc or "", "User-Agent": "aia-monitoring", **auth}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Bounded:
    """A connected socket, as `http.client` uses one, whose reads all end at one deadline.

    A socket's own timeout starts anew with each byte that arrives, so that a server that drips holds its reader for
    ever.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _: str) -> io.BufferedReader:
        """A reader of the socket."""
        return io.BufferedReader(_Reads(self._connection, self._deadline))

    def sendall(self, data: bytes) -> None:
        """Send everything; Python bounds a whole `sendall`."""
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(data)

    def settimeout(self, _: float | None) -> None:
        """Nothing: the deadline decides."""

    def close(self) -> None:
        """Does nothing: `http.client` closes before the body is read; the caller closes the socket."""


class _Reads(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)
