"""Who is on call: by turns, and by the overrides of a rotation."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.local_time import instant_of, reached
from core.settings.people import Override, Person, Rotation

_TURNS = 100
"""Turns that are looked ahead for somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Who is on call at an instant, and until when.

    Attributes:
        person: who is on call.
        until: when somebody else is; None where that is not known to happen.
        following: who is on call then, or None.
        instead_of: who would be on call by turns, where an override says otherwise; else None.
    """

    person: Person
    until: datetime | None = None
    following: Person | None = None
    instead_of: Person | None = None


def shift(rotation: Rotation, now: datetime) -> Shift:
    """The shift of a rotation at an instant, as notifications are routed.

    Args:
        rotation: of the settings.
        now: the present, in UTC.

    >>> from datetime import UTC, timedelta
    >>> ada, bob = Person(name="ada", channels=("ada-phone",)), Person(name="bob", channels=("bob-phone",))
    >>> holiday = Override(start=datetime(2026, 1, 8, tzinfo=UTC), until=datetime(2026, 1, 9, tzinfo=UTC), person="bob")
    >>> weekly = Rotation(name="ml", start=datetime(2026, 1, 5, tzinfo=UTC), every=timedelta(weeks=1), people=(ada, bob),
    ...                   overrides=(holiday,))
    >>> now = shift(weekly, datetime(2026, 1, 8, 9, tzinfo=UTC))
    >>> now.person.name, now.instead_of.name, str(now.until), now.following.name
    ('bob', 'ada', '2026-01-09 00:00:00+00:00', 'ada')
    """
    person, by_turns = on_call(rotation, now), _by_turns(rotation, now)
    changes = {at for one in rotation.overrides for at in (one.start, one.until)}
    # An override may hold over the next change of turns: the turns after its end count as well.
    since = (now, *(one.until for one in rotation.overrides if one.until > now))
    ahead = range(1, min(len(rotation.people), _TURNS) + 1)
    changes |= {_turn_start(rotation, _turn(rotation, at) + turns) for at in since for turns in ahead}
    until = next((at for at in sorted(changes) if at > now and on_call(rotation, at) != person), None)
    return Shift(
        person=person,
        until=until,
        following=None if until is None else on_call(rotation, until),
        instead_of=by_turns if _override(rotation, now) is not None and by_turns != person else None,
    )


def planned(rotation: Rotation, now: datetime) -> tuple[Override, ...]:
    """The overrides that are not over, the earliest first."""
    return tuple(sorted((one for one in rotation.overrides if one.until > now), key=lambda one: (one.start, one.until)))


def on_call(rotation: Rotation, now: datetime) -> Person:
    """The person on call: of the last override that holds, or else by turns; before the rotation starts, the first.

    >>> from datetime import UTC, timedelta
    >>> ada, bob = Person(name="ada", channels=("ada-phone",)), Person(name="bob", channels=("bob-phone",))
    >>> weekly = Rotation(name="ml", start=datetime(2026, 3, 23, 8, tzinfo=UTC), every=timedelta(weeks=1), people=(ada, bob),
    ...                   time_zone="Europe/Berlin")  # from Mondays at 09:00, which is 07:00 UTC in summer
    >>> on_call(weekly, datetime(2026, 3, 30, 6, 59, tzinfo=UTC)).name, on_call(weekly, datetime(2026, 3, 30, 7, tzinfo=UTC)).name
    ('ada', 'bob')
    """
    override = _override(rotation, now)
    return _by_turns(rotation, now) if override is None else _person(override, rotation)


def _override(rotation: Rotation, now: datetime) -> Override | None:
    """The last one in the list that holds."""
    return next((one for one in reversed(rotation.overrides) if one.start <= now < one.until), None)


def _by_turns(rotation: Rotation, now: datetime) -> Person:
    return rotation.people[_turn(rotation, now) % len(rotation.people)]


def _turn(rotation: Rotation, now: datetime) -> int:
    """The number of the turn, from 0; before the rotation starts, 0."""
    return max(0, (reached(now, rotation.time_zone) - _local_start(rotation)) // rotation.every)


def _turn_start(rotation: Rotation, turn: int) -> datetime:
    return instant_of(_local_start(rotation) + turn * rotation.every, rotation.time_zone)


def _local_start(rotation: Rotation) -> datetime:
    return rotation.start.astimezone(ZoneInfo(rotation.time_zone)).replace(tzinfo=None)


def _person(override: Override, rotation: Rotation) -> Person:
    if override.channels:
        return Person(name=override.person, channels=override.channels)
    return next(person for person in rotation.people if person.name == override.person)
