"""Probes of web servers, certificates, ports, names, WebSocket, gRPC and mail servers."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from core.errors import Fault
from core.settings.channels import Encryption
from core.settings.declare import Faults, validator
from core.settings.network import Authority, Host, HostAndPort, Port, Resolver, Url, is_secure, url
from core.settings.notes import Default, Mark, OneOf, Range, Reads, Requires
from core.settings.probes.base import ConnectingProbe, Timing, host_and_port
from core.settings.reader import Node, WrongError


def shown_url(url: str) -> str:
    """A URL without its credentials, query and fragment.

    >>> shown_url("https://me:hush@h:8/p?t=hush#f")
    'https://h:8/p'
    """
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc.rpartition('@')[2]}{split.path}"


def _websocket_url(node: Node) -> str:
    given = node.value if isinstance(node.value, str) else ""
    if not re.match(r"wss?://", given):
        raise WrongError("must be a ws or wss URL with a host")
    read = url(Node(node.reader, node.path, f"http{given.removeprefix('ws')}"))
    if urlsplit(read).username is not None:
        raise WrongError("must be a ws or wss URL without credentials")
    return given


WebsocketUrl = Annotated[str, Reads(_websocket_url, "a ws or wss URL")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Timing):
    """What an HTTP probe expects."""

    status: Annotated[int | None, Range(100, 599), Default("200 to 299")] = None
    """Status code of the response."""
    body: str | None = None
    """Text that the response body must contain (no pattern)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe(ConnectingProbe):
    """Whether a URL responds as expected."""

    kind: ClassVar[str] = "http"
    url: Url = field(repr=False)
    """URL to probe; https if a token is sent."""
    auth: Annotated[str | None, OneOf("google")] = None
    """`google` sends an identity token of the function's service account."""
    audience: Annotated[str | None, Requires("auth"), Default("the origin of the `url`")] = None
    """Audience of that token."""
    expect: Expect = field(default_factory=Expect)
    """What the probe expects."""

    @property
    def where(self) -> str:
        """The URL."""
        return shown_url(self.url)


@validator(HttpProbe, "url", "auth")
def _a_token_does_not_travel_in_the_open(probe: HttpProbe) -> Faults:
    if probe.auth and not is_secure(probe.url):
        yield Fault("url", "must be an https URL, or one of this machine, where auth is given", probe.url)
    elif probe.auth and urlsplit(probe.url).username is not None:
        yield Fault("url", "must have no credentials where auth is given")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbe(ConnectingProbe):
    """Whether a certificate is trusted, and for how long yet: a warning, then critical, so long before it expires."""

    kind: ClassVar[str] = "tls"
    host: Host
    """The host whose certificate is checked."""
    port: Port = 443
    """Port of the TLS server."""
    warn_before: Annotated[timedelta, Range("1h", "365d")] = timedelta(days=21)
    """Time before expiry for a warning."""
    critical_before: Annotated[timedelta, Range("1h", "365d")] = timedelta(days=7)
    """Time before expiry for a critical finding; at most `warn_before`."""

    @property
    def where(self) -> str:
        """The host and the port."""
        return host_and_port(self.host, self.port)


@validator(TlsProbe, "warn_before", "critical_before")
def _a_warning_comes_first(probe: TlsProbe) -> Faults:
    if probe.critical_before > probe.warn_before:
        yield Fault("critical_before", "must be at most warn_before", str(probe.critical_before))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressProbe(ConnectingProbe):
    """A probe of one port."""

    address: HostAndPort
    """The port to connect to."""

    @property
    def host(self) -> str:
        """The host of the address."""
        return self.address.host

    @property
    def port(self) -> int:
        """The port of the address."""
        return self.address.port

    @property
    def where(self) -> str:
        """The host and the port."""
        return host_and_port(self.host, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe(AddressProbe):
    """Whether a port accepts a connection."""

    kind: ClassVar[str] = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProbe(ConnectingProbe):
    """Whether a host name resolves."""

    kind: ClassVar[str] = "dns"
    host: Host
    """The name to resolve."""
    resolver: Annotated[Resolver | None, Default("the machine's own")] = None
    """Resolver to use, at port 53 by default."""

    @property
    def where(self) -> str:
        """The name."""
        return self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcProbe(AddressProbe):
    """Whether a server says by `grpc.health.v1` that it serves."""

    kind: ClassVar[str] = "grpc"
    service: Annotated[str, Default("the server as a whole")] = ""
    """Service that is asked for."""
    tls: bool = True
    """Whether the connection is over TLS."""
    ca: Annotated[Authority | None, Default("those of the machine")] = None
    """Certificate authorities that the server's certificate may be of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectText(Timing):
    """What a WebSocket probe expects."""

    text: str | None = None
    """Text that the first message of the server must contain (no pattern); without it and `send` a pong is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsocketProbe(ConnectingProbe):
    """Whether a WebSocket opens, and answers a ping or a message."""

    kind: ClassVar[str] = "websocket"
    url: WebsocketUrl = field(repr=False)
    """URL to probe."""
    send: Annotated[str | None, Mark.SECRET, Requires("expect.text"), Default("a ping")] = field(
        default=None, repr=False
    )
    """Message to send."""
    expect: ExpectText = field(default_factory=ExpectText)
    """What the probe expects."""

    @property
    def where(self) -> str:
        """The URL."""
        return shown_url(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpProbe(ConnectingProbe):
    """Whether a mail server greets, answers EHLO and switches to TLS with a trusted certificate."""

    kind: ClassVar[str] = "smtp"
    host: Host
    """Mail server."""
    port: Port = 587
    """Port of the server."""
    encryption: Encryption = Encryption.STARTTLS
    """Encryption of the connection."""

    @property
    def where(self) -> str:
        """The host and the port."""
        return host_and_port(self.host, self.port)
