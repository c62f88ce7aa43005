"""Who is told, where and when: channels, rotations, stakeholders and routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar

from core.events import Severity

EVERY_SEVERITY = frozenset(Severity)


class Category(StrEnum):
    """The class of an incident."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    DRIFT = "drift"
    MODEL_QUALITY = "model_quality"
    DATA_QUALITY = "data_quality"
    PIPELINE = "pipeline"
    BUSINESS = "business"
    SECURITY = "security"
    COMPLIANCE = "compliance"
    CAPACITY = "capacity"
    COST = "cost"
    PLATFORM = "platform"


class Encryption(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "tls"
    """From the first byte on (port 465)."""
    STARTTLS = "starttls"
    """After a greeting in the clear (port 587)."""
    NONE = "none"
    """Not at all; only for a server on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleChannel:
    """Messages go to the function's log."""

    kind: ClassVar[str] = "console"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """Messages are POSTed to a URL, which often is a secret, and signed where there is a `secret`."""

    kind: ClassVar[str] = "webhook"
    name: str
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    per_minute: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerdutyChannel:
    """Incidents become alerts of a PagerDuty service (Events API v2) by its integration key."""

    kind: ClassVar[str] = "pagerduty"
    name: str
    key: str = field(repr=False)
    url: str = "https://events.pagerduty.com/v2/enqueue"
    per_minute: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """Messages go to Slack: by an incoming webhook (`url`), or by a bot's `token` to a `room`."""

    kind: ClassVar[str] = "slack"
    name: str
    url: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    room: str = ""
    api: str = "https://slack.com/api"
    per_minute: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Messages go to people's mailboxes through a mail server."""

    kind: ClassVar[str] = "email"
    name: str
    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    encryption: Encryption = Encryption.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    per_minute: int = 30


Channel = ConsoleChannel | WebhookChannel | PagerdutyChannel | SlackChannel | EmailChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is on call, and the channels that reach them."""

    name: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who are on call one after the other.

    Attributes:
        name: as tiers name it.
        start: when the first of them is on call from, in UTC.
        every: how long each is.
        people: in their order, at least one; after the last comes the first.
    """

    name: str
    start: datetime
    every: timedelta
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Whom to tell, and how long to wait for an acknowledgement before the next tier is told.

    Attributes:
        to: channels and rotations by their names.
        wait: until the next tier.
    """

    to: tuple[str, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakeholder:
    """A group of people: executive, technical, operations or business.

    Attributes:
        name: of the group.
        tiers: told one after the other until somebody acknowledges, at least one.
        page: the severities for which it goes beyond the first tier.
        remind_every: how often the last tier is told again while nobody acknowledges, or None for never.
    """

    name: str
    tiers: tuple[Tier, ...]
    page: frozenset[Severity] = frozenset({Severity.ERROR, Severity.CRITICAL})
    remind_every: timedelta | None = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of a day in UTC, on some days of the week; where `until` is not after `since`, it is that of the next day.

    Attributes:
        since: the first instant.
        until: the instant after the last.
        days: on which days `since` lies, 0 for Monday to 6 for Sunday.
    """

    since: time
    until: time
    days: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which incidents are meant: all that are given must be so.

    Attributes:
        severity: one of them.
        category: one of them; any where none is given.
        targets: patterns as in `model/*`, of which the root target matches one; any where none is given.
        dollars_per_hour: the impact is at least so much, if given.
        hours: it is one of these hours, if given.
    """

    severity: frozenset[Severity] = EVERY_SEVERITY
    category: frozenset[Category] = frozenset(Category)
    targets: tuple[str, ...] = ()
    dollars_per_hour: float | None = None
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """These incidents are told to these stakeholders, by name; every route that matches counts."""

    when: When
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everything that says who is told.

    Attributes:
        stakeholders: by their names.
        rotations: by their names.
        routes: who is told of what.
    """

    stakeholders: Mapping[str, Stakeholder] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
