"""The kinds of channels and the section `channels` of monitoring.yaml: a dataclass a kind, a field a key.

How a kind sends is the module of its name in `functions/adapters/notify/`. A field that is a secret has no `repr`; no fault
shows one: not the key, the token, nor the path of a URL.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from core.settings.network import host, is_loopback, mailbox, secure_url, url
from core.settings.people import Channel
from core.settings.reader import Node, Read, Section, hidden, list_of, section
from core.settings.scalars import matching, member, named, one_of, text, whole

_HIDDEN = "a hidden value"
_key = matching(r"[A-Za-z0-9]{32}", "must be an integration key: 32 letters and digits")
_room = matching(r"#?[\w.-]{1,80}", "must be a channel of Slack, by its id or by its name, as in '#alerts'")


def _by(read: Read[Any]) -> dict[str, Read[Any]]:
    """The metadata of a field: how its key is read."""
    return {"read": read}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleChannel(Channel):
    """Messages go to the function's log."""

    kind: ClassVar[str] = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel(Channel):
    """Messages are POSTed to a URL, which often is a secret, and signed where there is a `secret`."""

    kind: ClassVar[str] = "webhook"
    url: str = field(repr=False, metadata=_by(url))
    secret: str = field(default="", repr=False, metadata=_by(hidden(text)))
    per_minute: int = field(default=600, metadata=_by(whole(1, 6000)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerdutyChannel(Channel):
    """Incidents become alerts of a PagerDuty service (Events API v2) by its integration key."""

    kind: ClassVar[str] = "pagerduty"
    key: str = field(repr=False, metadata=_by(hidden(_key)))
    url: str = field(default="https://events.pagerduty.com/v2/enqueue", metadata=_by(secure_url))
    per_minute: int = field(default=100, metadata=_by(whole(1, 120)))

    def destination(self) -> tuple[str, ...]:
        """The service."""
        return ("key", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel(Channel):
    """Messages go to Slack: by an incoming webhook (`url`), or by a bot's `token` to a `room`."""

    kind: ClassVar[str] = "slack"
    url: str = field(default="", repr=False, metadata=_by(secure_url))
    token: str = field(default="", repr=False, metadata=_by(hidden(text)))
    room: str = field(default="", metadata=_by(_room))
    api: str = field(default="https://slack.com/api", metadata=_by(secure_url))
    per_minute: int = field(default=60, metadata=_by(whole(1, 60)))

    def faults(self, given: Collection[object]) -> Iterator[tuple[str, str]]:
        """It has either an address or a token and a room."""
        if self.url:
            yield from (
                (key, "must not be given where there is a url") for key in ("token", "room", "api") if key in given
            )
        else:
            yield from ((key, "must be given where there is no url") for key in ("token", "room") if key not in given)

    def destination(self) -> tuple[str, ...]:
        """The room of the webhook, or the room of the bot."""
        return ("url", self.url) if self.url else ("room", self.token, self.room.removeprefix("#"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsChannel(Channel):
    """Messages go to a channel or a chat of Microsoft Teams by the webhook of a workflow."""

    kind: ClassVar[str] = "teams"
    url: str = field(repr=False, metadata=_by(secure_url))
    per_minute: int = field(default=60, metadata=_by(whole(1, 120)))

    def destination(self) -> tuple[str, ...]:
        """The workflow."""
        return ("url", self.url)


class Encryption(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "tls"
    """From the first byte on (port 465)."""
    STARTTLS = "starttls"
    """After a greeting in the clear (port 587)."""
    NONE = "none"
    """Not at all; only for a server on this machine."""


_PORTS = {Encryption.TLS: 465, Encryption.STARTTLS: 587, Encryption.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel(Channel):
    """Messages go to people's mailboxes through a mail server; `port` 0 becomes the usual one of the encryption."""

    kind: ClassVar[str] = "email"
    host: str = field(metadata=_by(host))
    port: int = field(default=0, metadata=_by(whole(1, 65_535)))
    encryption: Encryption = field(default=Encryption.STARTTLS, metadata=_by(member(Encryption)))
    user: str = field(default="", metadata=_by(text))
    password: str = field(default="", repr=False, metadata=_by(hidden(text)))
    sender: str = field(metadata=_by(mailbox))
    to: tuple[str, ...] = field(metadata=_by(list_of(mailbox, at_least=1, once=True)))
    per_minute: int = field(default=30, metadata=_by(whole(1, 600)))

    def __post_init__(self) -> None:
        if not self.port:
            object.__setattr__(self, "port", _PORTS.get(self.encryption, 0))

    def faults(self, given: Collection[object]) -> Iterator[tuple[str, str]]:
        """User and password come together, and no password travels unprotected."""
        for one, other in (("user", "password"), ("password", "user")):
            if one in given and other not in given:
                yield other, f"must be given where there is a {one}"
        if self.encryption is Encryption.NONE and not is_loopback(self.host) and (self.user or self.password):
            yield "encryption", "must be tls or starttls where a password is sent to another machine"


KINDS: Mapping[str, type[Channel]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (ConsoleChannel, WebhookChannel, PagerdutyChannel, SlackChannel, TeamsChannel, EmailChannel)
    }
)
"""Every kind of channel, by what the key `kind` says."""


def secrets(kind: type[Channel]) -> frozenset[str]:
    """The keys of a kind that are secrets.

    >>> sorted(secrets(SlackChannel))
    ['token', 'url']
    """
    return frozenset(item.name for item in fields(kind) if not item.repr)


def read_channels(node: Node) -> tuple[Channel, ...]:
    """All channels; one that is no mapping may be an address with a secret in it, and is not shown."""
    channels = hidden(list_of(hidden(section(_channel))))(node)
    _check_apart(node, channels)
    return channels


def _channel(top: Section) -> Channel:
    kind = top.required("kind", one_of(*KINDS))
    name = top.required("name", named("channel"))
    if kind is None:
        top.accept_rest()
        return Channel(name=name)
    values = {item.name: _value(top, item) for item in fields(KINDS[kind]) if item.metadata}
    if not top.sound:
        return Channel(name=name)
    channel = KINDS[kind](name=name, **values)
    for key, allowed in channel.faults(top.values):
        top.fault(key, allowed, _HIDDEN if key in secrets(KINDS[kind]) & top.values.keys() else top.values.get(key))
    return channel


def _value(top: Section, item: Field[Any]) -> Any:  # noqa: ANN401 - of whatever type the field is
    read = item.metadata["read"]
    return top.required(item.name, read) if item.default is MISSING else top.optional(item.name, read, item.default)


def _check_apart(node: Node, channels: tuple[Channel, ...]) -> None:
    """No two channels may lead to the same place: who is told by both would be told twice."""
    taken: dict[tuple[str, ...], str] = {}
    for index, channel in enumerate(channels):
        leads_to = channel.destination() if channel else ()  # one that is no mapping is None, and a fault
        if not leads_to:
            continue
        key, destination = leads_to[0], (channel.kind, *leads_to)
        if destination in taken:
            path = node.item(index, None).key(key, None).path
            allowed = f"must not be the {key} of another channel ({taken[destination]!r})"
            node.reader.fault(path, allowed, _HIDDEN if key in secrets(type(channel)) else leads_to[-1])
        else:
            taken[destination] = channel.name
