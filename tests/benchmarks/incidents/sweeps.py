"""Many active groups whose escalations are due over an hour, or all at once: how late each is told.

Store, channels and bus are in memory. The clock goes from minute to minute, and within a minute as fast as
the machine's, so that a sweep that takes long makes its groups late.
"""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.events import Severity
from functions.incident_router.router import Received
from functions.incident_router.router import handle as route
from functions.incident_sweep.sweep import handle
from tests.support.fakes.outside import FINDING, PEOPLE, Setup, set_up

WAIT = PEOPLE.stakeholders["technical"].tiers[0].wait


@dataclass
class Sweeps:
    """What was measured, in seconds.

    Attributes:
        late: from the instant of each escalation to its message.
        critical: the same of critical ones.
        overdue: at each sweep, since when an escalation had been due that was not told.
        seconds: of each sweep with its batches.
    """

    late: list[float] = field(default_factory=list)
    critical: list[float] = field(default_factory=list)
    overdue: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def hour(groups: int) -> Sweeps:
    """The escalations of an hour, one sweep a minute."""
    setup = set_up()
    return _sweep(setup, _open(setup, groups, timedelta(hours=1) / groups), minutes=66)


def at_once(groups: int) -> Sweeps:
    """As many escalations that are due at one instant, the batches one after the other on this core."""
    setup = set_up()
    return _sweep(setup, _open(setup, groups, timedelta(0)), minutes=7)


def _open(setup: Setup, groups: int, apart: timedelta) -> dict[str, datetime]:
    """Open an incident in each group; the instants at which nobody has acknowledged them in time, by target."""
    due = {}
    for number in range(groups):
        target = f"service/{number:06}"
        severity = Severity.CRITICAL if number % 100 == 0 else Severity.ERROR
        at = setup.world.now + number * apart
        real = setup.world.now
        setup.world.now = at
        route(setup.service, Received(replace(FINDING, target=target, severity=severity, observed_at=at), at))
        setup.world.now = real
        due[target] = at + WAIT
    setup.world.told.clear()
    return due


def _sweep(setup: Setup, due: dict[str, datetime], *, minutes: int) -> Sweeps:
    found, world = Sweeps(), setup.world
    setup.sweep()
    for _ in range(minutes):
        world.now += timedelta(minutes=1)
        found.overdue.append(max([0.0, *((world.now - at).total_seconds() for at in due.values())]))
        started = time.perf_counter()
        setup.sweep()
        _note(setup, due, time.perf_counter() - started, found)
        batches, world.swept = world.swept, []
        for batch in batches:
            assert setup.sweeper is not None
            handle(setup.sweeper, batch)
            _note(setup, due, time.perf_counter() - started, found)
        found.seconds.append(time.perf_counter() - started)
    return found


def _note(setup: Setup, due: dict[str, datetime], seconds: float, found: Sweeps) -> None:
    """Messages are as late as the end of the request that sent them."""
    for message in setup.world.told:
        if message.channel == "pager" and message.target in due:
            at = due.pop(message.target)
            found.late.append((setup.world.now - at).total_seconds() + seconds)
            found.critical += found.late[-1:] if message.severity is Severity.CRITICAL else []
    setup.world.told.clear()
