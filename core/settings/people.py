"""Who is told, where and when: channels, rotations, stakeholders and routes."""

from collections.abc import Collection, Iterator, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to tell people; what each kind of channel needs beside this is in `core.settings.channels`.

    Attributes:
        name: as tiers and rotations name it.
        per_minute: how many calls may go out in any 60 seconds; 0 for any number.
    """

    kind: ClassVar[str]
    name: str
    per_minute: int = 0

    def faults(self, given: Collection[object]) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - for the kinds that have any
        """What is wrong with its keys together: a key, and what is allowed there.

        Args:
            given: the keys that are in the file.
        """
        yield from ()

    def destination(self) -> tuple[str, ...]:
        """Where it leads, after the key that says so; nothing where two channels may lead to the same place."""
        return ()


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
