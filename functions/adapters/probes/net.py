"""Connections that never outlast a deadline, however many addresses a name has and however slowly bytes drip in."""

import errno
import io
import socket
import ssl
import time
from typing import Any

from core.health.result import ProbeResult, Reason

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}

# OpenSSL's X509_V_ERR_ numbers, from x509_vfy.h; what is not here is an issuer that nobody here trusts.
_CERTIFICATE = {
    9: Reason.CERTIFICATE_NOT_YET_VALID,
    10: Reason.CERTIFICATE_EXPIRED,
    18: Reason.CERTIFICATE_SELF_SIGNED,
    62: Reason.CERTIFICATE_WRONG_HOST,
    64: Reason.CERTIFICATE_WRONG_HOST,
}

_KINDS: dict[type[OSError], Reason] = {
    socket.gaierror: Reason.UNKNOWN_NAME,
    TimeoutError: Reason.TIMEOUT,
    ConnectionRefusedError: Reason.REFUSED,
    ConnectionError: Reason.CLOSED_EARLY,
    ssl.SSLError: Reason.TLS_FAILED,
}


class Deadline:
    """The end of the time that a probe has in all, and how much of it is spent."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def left(self) -> float:
        """Seconds left, above 0; `TimeoutError` when there are none."""
        left = self._seconds - self.spent()
        if left <= 0:
            raise TimeoutError(f"no answer within {self._seconds:g} s")
        return left


def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address of a host that accepts; the last one's error when none does.

    An address that swallows what is sent to it takes only its share of the time from those after it. Looking the name up
    has the resolver's own time limit, which Python cannot shorten; `run.py` does not wait for it.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for untried, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
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


def why(error: OSError) -> Reason:
    """The reason that an error of the network stands for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, Reason.CERTIFICATE_UNTRUSTED)
    for kind, reason in _KINDS.items():
        if isinstance(error, kind):
            return reason
    return Reason.UNREACHABLE if error.errno in _UNREACHABLE else Reason.BAD_ANSWER


def failed(reason: Reason, where: str, deadline: Deadline) -> ProbeResult:
    """The result of a check that ended early; it says where, and nothing that was sent or received."""
    detail = f"{reason.replace('_', ' ')}: {where}"
    return ProbeResult(ok=False, reason=reason, latency=deadline.spent(), detail=detail)


def place(host: str, port: int) -> str:
    """A host and a port as people write them.

    >>> place("::1", 443)
    '[::1]:443'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Bounded:
    """A connected socket, as `http.client` uses one, whose reads all end at one deadline.

    A socket's own timeout starts anew with each byte that arrives, so that a server that drips holds its reader for ever.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _: str) -> io.BufferedReader:
        """A reader of the socket."""
        return io.BufferedReader(_Reads(self._connection, self._deadline))

    def sendall(self, data: bytes) -> None:
        """Send all of it; Python bounds the whole of a `sendall`."""
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(data)

    def settimeout(self, _: float | None) -> None:
        """Nothing: the deadline decides."""

    def close(self) -> None:
        """Nothing: `http.client` closes before the body is read; who dialled closes."""


class _Reads(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)
