"""The sections `rotations`, `stakeholders` and `routes` of monitoring.yaml, and `when`, which playbooks have too."""

import re
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from core.events import Severity
from core.settings.people import Category, Hours, People, Person, Rotation, Route, Stakeholder, Tier, When
from core.settings.reader import Node, Section, WrongError, list_of, mapping_of, section
from core.settings.scalars import (
    duration,
    instant,
    member,
    named,
    number,
    one_of,
    reference,
    targets,
    text,
    time_of_day,
)

NAMES = ("executive", "technical", "operations", "business")
"""The stakeholders there are."""
_WAITS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
_NOT_SAID = timedelta(0)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))?")
_PAGED = (Severity.ERROR, Severity.CRITICAL)


def read_people(top: Section) -> People:
    """The three sections; the channels are read before, so that a rotation cannot take the name of one."""
    rotations = top.optional("rotations", list_of(section(_rotation)), ()) or ()
    stakeholders = top.optional("stakeholders", mapping_of(_name, _stakeholder), {}) or {}
    return People(
        stakeholders=MappingProxyType(stakeholders),
        rotations=MappingProxyType({rotation.name: rotation for rotation in rotations if rotation}),
        routes=top.optional("routes", list_of(section(_route)), ()),
    )


def _rotation(top: Section) -> Rotation:
    return Rotation(
        name=top.required("name", named("rotation", apart="channel")),
        start=top.required("start", instant),
        every=top.required("every", duration("1h", "365d")),
        people=top.required("people", list_of(section(_person), at_least=1)),
    )


def _person(top: Section) -> Person:
    return Person(
        name=top.required("name", text),
        channels=top.required("channels", list_of(reference("channel"), at_least=1, once=True)),
    )


def _name(node: Node) -> str:
    name = one_of(*NAMES)(node)
    node.reader.define(node.path, "stakeholder", name)
    return name


def _stakeholder(node: Node) -> Stakeholder:
    return section(lambda top: _of_name(top, node.path.rpartition(".")[2]))(node)


def _of_name(top: Section, name: str) -> Stakeholder:
    return Stakeholder(
        name=name,
        tiers=top.required("tiers", _tiers),
        page=frozenset(top.optional("page", list_of(member(Severity)), _PAGED) or ()),
        remind_every=top.optional("remind_every", _never_or_every, timedelta(hours=1)),
    )


def _tiers(node: Node) -> tuple[Tier, ...]:
    """The tiers, each of which waits as long as its place says where it does not say."""
    tiers = list_of(section(_tier), at_least=1)(node)
    waits = (*_WAITS, *_WAITS[-1:] * len(tiers))
    return tuple(replace(tier, wait=tier.wait or wait) for tier, wait in zip(tiers, waits, strict=False) if tier)


def _tier(top: Section) -> Tier:
    return Tier(
        to=top.required("to", list_of(reference("channel", "rotation"), at_least=1, once=True)),
        wait=top.optional("wait", duration("1m", "7d"), _NOT_SAID),
    )


def _never_or_every(node: Node) -> timedelta | None:
    if node.value == "never":
        return None
    try:
        return duration("5m", "7d")(node)
    except WrongError as error:
        raise WrongError(f"{error.allowed}, or never") from error


def _route(top: Section) -> Route:
    return Route(
        when=top.optional("when", section(read_when), When()),
        to=top.required("to", list_of(reference("stakeholder"), at_least=1, once=True)),
    )


def read_when(top: Section) -> When:
    """Which incidents are meant."""
    return When(
        severity=frozenset(top.optional("severity", list_of(member(Severity), at_least=1), tuple(Severity)) or ()),
        category=frozenset(top.optional("category", list_of(member(Category), at_least=1), tuple(Category)) or ()),
        targets=top.optional("targets", list_of(targets, at_least=1), ()),
        dollars_per_hour=top.optional("dollars_per_hour", number(0, 1e12), None),
        hours=top.optional("hours", section(_hours), None),
    )


def _hours(top: Section) -> Hours:
    return Hours(
        since=top.required("since", time_of_day),
        until=top.required("until", time_of_day),
        days=top.optional("days", _days, frozenset(range(7))),
    )


def _days(node: Node) -> frozenset[int]:
    if isinstance(node.value, list):
        return frozenset().union(*(days or () for days in list_of(_span, at_least=1)(node)))
    return _span(node)


def _span(node: Node) -> frozenset[int]:
    """A day, or the days from one to another, as in `mon-fri`, and over the end of the week as in `sat-mon`."""
    found = _SPAN.fullmatch(node.value) if isinstance(node.value, str) else None
    if found is None:
        raise WrongError("must be a day or a span of days, as in sat or mon-fri")
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
    length = (last - first) % len(_DAYS) + 1
    return frozenset((first + day) % len(_DAYS) for day in range(length))
