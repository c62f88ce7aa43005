"""The kinds of values that name a place on the network."""

import base64
import binascii
import ipaddress
import re
import ssl
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from core.settings.notes import Range, Reads
from core.settings.reader import Node, WrongError

_HOST = r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*\.?"
_HOST_AND_PORT = r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})"
_URL_TEXT = r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+"
_MAILBOX = r"(?=.{3,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?P<host>[^@]+)"
_PORTS = range(1, 65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and a port; the host is a name or an IP address, without brackets."""

    host: str
    port: int


def url(node: Node) -> str:
    """A URL of http or https; a fault shows neither its credentials nor its path, which may be secret."""
    split = _split(node.value)
    if split is None:
        bare = isinstance(node.value, str) and "://" not in node.value
        raise WrongError("must be an http or https URL with a host", "text without '://'" if bare else None)
    return split.geturl()


def secure_url(node: Node) -> str:
    """A URL to which secrets may be sent: of https, or of http where it stays on this machine."""
    given = url(node)
    if not is_secure(given):
        raise WrongError("must be an https URL, or one of this machine")
    return given


def secure_origin(node: Node) -> str:
    """A URL of the same sort without a path and query: a server as a whole."""
    given = secure_url(node)
    split = urlsplit(given)
    if split.path or split.query:
        raise WrongError("must be an address without a path")
    return given


def is_secure(url: str) -> bool:
    """Whether what is sent to a URL is encrypted, or stays on this machine.

    >>> is_secure("https://example.com"), is_secure("http://localhost:80/"), is_secure("http://example.com")
    (True, True, False)
    """
    split = urlsplit(url)
    return split.scheme == "https" or is_loopback(split.hostname or "")


def _split(value: object) -> SplitResult | None:
    if not isinstance(value, str) or not re.fullmatch(_URL_TEXT, value):
        return None
    try:
        split = urlsplit(value)
        right = (
            split.scheme in ("http", "https")
            and split.port != 0
            and not split.fragment
            and _is_host(split.hostname or "")
        )
    except ValueError:
        return None
    return split if right else None


def host(node: Node) -> str:
    """A host name or an IP address."""
    if not isinstance(node.value, str) or not _is_host(node.value):
        raise WrongError("must be a host name or an IP address")
    return node.value


def mailbox(node: Node) -> str:
    """The address of a mailbox, as in `on-call@example.com`."""
    found = re.fullmatch(_MAILBOX, node.value) if isinstance(node.value, str) else None
    if found is None or not re.fullmatch(_HOST, found["host"]):
        raise WrongError("must be an e-mail address, as in 'on-call@example.com'")
    return found[0]


def address(node: Node) -> Address:
    """A host and a port, as in `db.example.com:5432` or `[::1]:53`."""
    found = re.fullmatch(_HOST_AND_PORT, node.value) if isinstance(node.value, str) else None
    if found and int(found["port"]) in _PORTS:
        if found["v6"] is not None and _is_ip(found["v6"]):
            return Address(host=found["v6"], port=int(found["port"]))
        if found["host"] and _is_host(found["host"]):
            return Address(host=found["host"], port=int(found["port"]))
    raise WrongError("must be host:port, as in 'db.example.com:5432' or '[::1]:53'")


def resolver(node: Node) -> Address:
    """An IP address, with a port or with 53."""
    if isinstance(node.value, str) and _is_ip(node.value):
        return Address(host=node.value, port=53)
    try:
        found = address(node)
    except WrongError:
        found = None
    if found is None or not _is_ip(found.host):
        raise WrongError("must be an IP address, with or without a port, as in '8.8.8.8' or '127.0.0.1:5353'")
    return found


def server(node: Node) -> str:
    """`host:port` or `host:port/database`."""
    place, separator, database = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    try:
        address(Node(node.reader, node.path, place))
    except WrongError as error:
        raise WrongError("must be host:port or host:port/database, as in 'cache.example.com:6379/0'") from error
    if separator and not re.fullmatch(r"[0-9]{1,5}", database):
        raise WrongError("must be host:port/database, the database a number")
    return f"{place}{separator}{database}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("10.0.0.1")
    (True, True, True, False)
    """
    return host.lower() == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_host(value: str) -> bool:
    return _is_ip(value) or bool(re.fullmatch(_HOST, value))


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def authority(node: Node) -> str:
    """PEM text, or PEM in base64, as `gcloud container clusters describe` shows it."""
    text = node.value if isinstance(node.value, str) else ""
    try:
        pem = text if "-----BEGIN" in text else base64.b64decode(text, validate=True).decode("ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError, binascii.Error) as error:
        raise WrongError("must be certificates in PEM, or such a text in base64", "no certificate") from error
    return pem


Url = Annotated[str, Reads(url, "an http or https URL")]
Authority = Annotated[str, Reads(authority, "certificates in PEM, or such a text in base64")]
SecureUrl = Annotated[str, Reads(secure_url, "an https URL, or one of this machine")]
SecureOrigin = Annotated[str, Reads(secure_origin, "an https URL without a path, or one of this machine")]
Host = Annotated[str, Reads(host, "a host name or an IP address")]
Port = Annotated[int, Range(_PORTS[0], _PORTS[-1])]
HostAndPort = Annotated[Address, Reads(address, "`host:port`")]
Resolver = Annotated[Address, Reads(resolver, "an IP address, with or without a port")]
Server = Annotated[str, Reads(server, "`host:port` or `host:port/database`")]
Mailbox = Annotated[str, Reads(mailbox, "an e-mail address")]
