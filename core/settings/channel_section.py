"""The section `channels` of monitoring.yaml. No fault shows a secret: not the key, the token, nor the path of a URL."""

from collections.abc import Callable, Iterator

from core.settings.network import host, is_loopback, mailbox, secure_url, url
from core.settings.people import (
    Channel,
    ConsoleChannel,
    EmailChannel,
    Encryption,
    PagerdutyChannel,
    SlackChannel,
    WebhookChannel,
)
from core.settings.reader import Node, Section, hidden, list_of, section
from core.settings.scalars import matching, member, named, one_of, text, whole

_key = matching(r"[A-Za-z0-9]{32}", "must be an integration key: 32 letters and digits")
_room = matching(r"#?[\w.-]{1,80}", "must be a channel of Slack, by its id or by its name, as in '#alerts'")
_PORTS = {Encryption.TLS: 465, Encryption.STARTTLS: 587, Encryption.NONE: 25}


def read_channels(node: Node) -> tuple[Channel, ...]:
    """All channels; one that is no mapping may be an address with a secret in it, and is not shown."""
    channels = hidden(list_of(hidden(section(_channel))))(node)
    _check_apart(node, channels)
    return channels


def _check_apart(node: Node, channels: tuple[Channel, ...]) -> None:
    """No two channels may lead to the same place: who is told by both would be told twice."""
    taken: dict[tuple[str, ...], str] = {}
    for index, channel in enumerate(channels):
        for key, place in _places(channel):
            if place in taken:
                path = node.item(index, None).key(key, None).path
                allowed = f"must not be the {key} of another channel ({taken[place]!r})"
                node.reader.fault(path, allowed, place[-1] if key == "room" else "a hidden value")
            taken.setdefault(place, channel.name)


def _places(channel: Channel) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where a channel leads, by the key that says so; nothing where that could not be read."""
    match channel:
        case PagerdutyChannel(key=key) if key:
            yield "key", ("pagerduty", key)
        case SlackChannel(url=url) if url:
            yield "url", ("slack", url)
        case SlackChannel(token=token, room=room) if token and room:
            yield "room", ("slack", token, room.removeprefix("#"))


def _channel(top: Section) -> Channel:
    kind = top.required("kind", one_of(*_CHANNELS))
    name = top.required("name", named("channel"))
    if kind is None:
        top.accept_rest()
        return ConsoleChannel(name=name)
    return _CHANNELS[kind](top, name)


def _webhook(top: Section, name: str) -> WebhookChannel:
    return WebhookChannel(
        name=name,
        url=top.required("url", url),
        secret=top.optional("secret", hidden(text), ""),
        per_minute=top.optional("per_minute", whole(1, 6000), 600),
    )


def _pagerduty(top: Section, name: str) -> PagerdutyChannel:
    return PagerdutyChannel(
        name=name,
        key=top.required("key", hidden(_key)),
        url=top.optional("url", secure_url, "https://events.pagerduty.com/v2/enqueue"),
        per_minute=top.optional("per_minute", whole(1, 120), 100),
    )


def _slack(top: Section, name: str) -> SlackChannel:
    channel = SlackChannel(
        name=name,
        url=top.optional("url", secure_url, ""),
        token=top.optional("token", hidden(text), ""),
        room=top.optional("room", _room, ""),
        api=top.optional("api", secure_url, "https://slack.com/api"),
        per_minute=top.optional("per_minute", whole(1, 60), 60),
    )
    if not top.sound:
        return channel
    if not channel.url:
        for key, value in (("token", channel.token), ("room", channel.room)):
            if not value:
                top.fault(key, "must be given where there is no url", None)
    for key in ("token", "room", "api"):
        if channel.url and key in top.values:
            top.fault(
                key, "must not be given where there is a url", "a hidden value" if key == "token" else top.values[key]
            )
    return channel


def _email(top: Section, name: str) -> EmailChannel:
    encryption = top.optional("encryption", member(Encryption), Encryption.STARTTLS)
    channel = EmailChannel(
        name=name,
        host=top.required("host", host),
        sender=top.required("sender", mailbox),
        to=top.required("to", list_of(mailbox, at_least=1, once=True)),
        port=top.optional("port", whole(1, 65_535), _PORTS.get(encryption, 0)),
        encryption=encryption,
        user=top.optional("user", text, ""),
        password=top.optional("password", hidden(text), ""),
        per_minute=top.optional("per_minute", whole(1, 600), 30),
    )
    if not top.sound:
        return channel
    for given, missing in (("user", "password"), ("password", "user")):
        if given in top.values and missing not in top.values:
            top.fault(missing, f"must be given where there is a {given}", None)
    if encryption is Encryption.NONE and not is_loopback(channel.host) and (channel.user or channel.password):
        top.fault("encryption", "must be tls or starttls where a password is sent to another machine", encryption.value)
    return channel


_CHANNELS: dict[str, Callable[[Section, str], Channel]] = {
    "console": lambda _, name: ConsoleChannel(name=name),
    "webhook": _webhook,
    "pagerduty": _pagerduty,
    "slack": _slack,
    "email": _email,
}
