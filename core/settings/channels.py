"""The section `channels`: a dataclass a kind, a field a key.

How a kind sends is the module of its name in `functions/adapters/notify/`. A field that is a secret has no `repr`; no fault
shows one: not the key, the token, nor the path of a URL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, get_args

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import Slug
from core.settings.network import Host, Mailbox, Port, SecureUrl, Url, is_loopback
from core.settings.notes import Default, Defines, Excludes, Items, Mark, Pattern, Range, Requires

Secret = Annotated[str, Mark.SECRET]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A notification channel."""

    kind: ClassVar[str]
    name: Annotated[Slug, Defines("channel")]
    """Name, for tiers and people."""
    per_minute: Annotated[int, Mark.NO_KEY] = 0
    """Maximum number of calls in any 60 seconds; 0 for no limit."""

    def place(self) -> tuple[str, ...]:
        """Where it leads, after the key that says so; nothing where two channels may lead to the same place."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleChannel(Channel):
    """Messages go to the function's log."""

    kind: ClassVar[str] = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel(Channel):
    """Messages are POSTed to a URL, which often is a secret, and signed where there is a `secret`."""

    kind: ClassVar[str] = "webhook"
    url: Url = field(repr=False)
    """URL of the receiver."""
    secret: Secret = field(default="", repr=False)
    """Key to sign requests with."""
    per_minute: Annotated[int, Range(1, 6000)] = 600
    """Maximum number of calls in any 60 seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerdutyChannel(Channel):
    """Incidents become alerts of a PagerDuty service (Events API v2) by its integration key."""

    kind: ClassVar[str] = "pagerduty"
    key: Annotated[Secret, Pattern(r"[A-Za-z0-9]{32}", "must be an integration key: 32 letters and digits")] = field(
        repr=False
    )
    """Integration key of the service (Events API v2), 32 letters and digits."""
    url: SecureUrl = "https://events.pagerduty.com/v2/enqueue"
    """URL of the Events API; in the EU `https://events.eu.pagerduty.com/v2/enqueue`."""
    per_minute: Annotated[int, Range(1, 120)] = 100
    """Maximum number of calls in any 60 seconds."""

    def place(self) -> tuple[str, ...]:
        """The service."""
        return ("key", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel(Channel):
    """Messages go to Slack: by an incoming webhook (`url`), or by a bot's `token` to a `room`."""

    kind: ClassVar[str] = "slack"
    url: Annotated[SecureUrl, Excludes("token", "room", "api")] = field(default="", repr=False)
    """Incoming webhook; either this or `token` and `room` is required."""
    token: Secret = field(default="", repr=False)
    """Bot token."""
    room: Annotated[
        str, Pattern(r"#?[^\s#@,:/]{1,80}", "must be a channel of Slack, by its id or by its name, as in '#alerts'")
    ] = ""
    """Room of the bot."""
    api: SecureUrl = "https://slack.com/api"
    """URL of Slack's API, for the bot."""
    per_minute: Annotated[int, Range(1, 60)] = 60
    """Maximum number of calls in any 60 seconds."""

    def place(self) -> tuple[str, ...]:
        """The room of the webhook, or the room of the bot."""
        return ("url", self.url) if self.url else ("room", self.token, self.room.removeprefix("#"))


@validator(SlackChannel, "url", "token", "room")
def _a_bot_needs_a_token_and_a_room(channel: SlackChannel) -> Faults:
    for key in ("token", "room") if not channel.url else ():
        if not getattr(channel, key):
            yield Fault(key, "must be given where url is not")


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsChannel(Channel):
    """Messages go to a channel or a chat of Microsoft Teams by the webhook of a workflow."""

    kind: ClassVar[str] = "teams"
    url: SecureUrl = field(repr=False)
    """Webhook of the workflow."""
    per_minute: Annotated[int, Range(1, 120)] = 60
    """Maximum number of calls in any 60 seconds."""

    def place(self) -> tuple[str, ...]:
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
    host: Host
    """Mail server."""
    port: Annotated[Port, Default("465, 587 or 25, by the `encryption`")] = 0
    """Port of the server."""
    encryption: Encryption = Encryption.STARTTLS
    """Encryption of the connection; `none` only if no password leaves this machine."""
    user: Annotated[str, Requires("password")] = ""
    """User, if the server requires one."""
    password: Annotated[Secret, Requires("user")] = field(default="", repr=False)
    """Password of the user."""
    sender: Mailbox
    """Address of the sender."""
    to: Annotated[tuple[Mailbox, ...], Items(at_least=1, unique=True)]
    """Addresses of the recipients."""
    per_minute: Annotated[int, Range(1, 600)] = 30
    """Maximum number of calls in any 60 seconds."""

    def __post_init__(self) -> None:
        if not self.port:
            object.__setattr__(self, "port", _PORTS.get(self.encryption, 0))


@validator(EmailChannel, "encryption", "host", "user", "password")
def _no_password_travels_in_the_open(channel: EmailChannel) -> Faults:
    secret = channel.user or channel.password
    if channel.encryption is Encryption.NONE and secret and not is_loopback(channel.host):
        allowed = "must be tls or starttls where a password is sent to another machine"
        yield Fault("encryption", allowed, channel.encryption.value)


AnyChannel = ConsoleChannel | WebhookChannel | PagerdutyChannel | SlackChannel | TeamsChannel | EmailChannel
"""A channel of any kind; these are all there are."""
KINDS: Mapping[str, type[Channel]] = MappingProxyType({kind.kind: kind for kind in get_args(AnyChannel)})
"""Every kind of channel, by what the key `kind` says."""


def secrets(kind: type[Channel]) -> frozenset[str]:
    """The keys of a kind that are secrets.

    >>> sorted(secrets(SlackChannel))
    ['token', 'url']
    """
    return frozenset(item.name for item in fields(kind) if not item.repr)


def clashes(channels: Iterable[Channel | None]) -> Faults:
    """Channels that lead to where another one does: who is notified by both would be notified twice."""
    taken: dict[tuple[str, ...], str] = {}
    for index, channel in enumerate(channels):
        place = channel.place() if channel else ()
        if channel is None or not place:
            continue
        key, last = place[0], place[-1]
        if (channel.kind, *place) in taken:
            allowed = f"must not be the {key} of another channel ({taken[channel.kind, *place]!r})"
            yield Fault(f"[{index}].{key}", allowed, "a hidden value" if key in secrets(type(channel)) else last)
        taken.setdefault((channel.kind, *place), channel.name)
