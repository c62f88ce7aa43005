"""Settings that are valid and do not do what they seem to: routes that nobody hears of, names that nothing uses, references to come."""

from collections.abc import Iterator
from datetime import datetime

from core.errors import Fault
from core.events import Severity
from core.settings.people import Route
from core.settings.types import Settings

_PAGED = (Severity.ERROR, Severity.CRITICAL)


def unheard(settings: Settings, now: datetime) -> list[Fault]:
    """What is worth a look in settings, each with its place.

    Args:
        settings: that are valid.
        now: by which a reference is to come.
    """
    return [*_routes(settings), *_stakeholders(settings), *_channels(settings), *_references(settings, now)]


def _routes(settings: Settings) -> Iterator[Fault]:
    """Severities that page, of which no route notifies anybody whatever the incident is about."""
    for severity in _PAGED:
        if not any(_always(route, severity) for route in settings.people.routes):
            allowed = f"should have one that notifies somebody of every incident that is {severity.value}"
            yield Fault("routes", allowed, "none")


def _always(route: Route, severity: Severity) -> bool:
    """Whether a route notifies somebody of every incident of a severity."""
    when = route.when
    return bool(route.to) and severity in when.severity and not (when.targets or when.dollars_per_hour or when.hours)


def _stakeholders(settings: Settings) -> Iterator[Fault]:
    named = {name for route in settings.people.routes for name in route.to}
    for name in settings.people.stakeholders:
        if name not in named:
            yield Fault(f"stakeholders.{name}", "should be in a route, else it is never notified", "no route")


def _channels(settings: Settings) -> Iterator[Fault]:
    people = settings.people
    used = {name for one in people.stakeholders.values() for tier in one.tiers for name in tier.to}
    for rotation in people.rotations.values():
        if rotation.name not in used:
            yield Fault("rotations", f"{rotation.name!r} should be in a tier, else nobody of it is notified", "no tier")
        used |= {name for person in rotation.people for name in person.channels}
    used |= {name for report in settings.reports for name in report.to}
    for index, channel in enumerate(settings.channels):
        if channel.name not in used:
            yield Fault(f"channels[{index}]", f"{channel.name!r} should be in a tier, a rotation or a report", "none")


def _references(settings: Settings, now: datetime) -> Iterator[Fault]:
    for index, model in enumerate(settings.models):
        until = model.reference.until
        if until is not None and until > now.date():
            path = f"models[{index}].reference.until"
            yield Fault(path, "should be a day in the past, else the reference has not ended", until.isoformat())
