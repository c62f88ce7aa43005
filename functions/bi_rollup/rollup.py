"""One tick: the parts of the job that are due are made, in their order, and what is known is shown.

A part is due at whole multiples of its length: the daily ones at midnight (UTC), made by the first tick after it. What they
made is kept and shown at every tick until it is made anew, but not when it is older than it should be: then it is missing.

What is kept says how far a part is; nothing is made for an instant that it is past. A part that has much to make makes it in
steps, each of which is kept, so that whoever dies has lost one step, and goes on at the next tick where it must.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.checks import EstimateError
from core.errors import BusyError, ConflictError, QueryError, UnavailableError
from core.events import Tick
from core.settings import Orders, Settings
from functions.adapters.ledger import Ledger
from functions.adapters.logs import fields
from functions.adapters.ports import Metrics, Store
from functions.bi_rollup.figures import Made, load, save, show
from functions.bi_rollup.ports import BusinessTables, IncidentReader
from functions.bi_rollup.spans import floor

NAME = "bi_rollup"
LEASE = timedelta(minutes=5)
"""How long nobody else makes the same part for the same instant: as long as the subscription waits for an answer."""
STEPS = 12
"""Steps of one part in one tick: all of a usual first one, and no more than the subscription waits for."""
_HOPELESS = (QueryError, EstimateError)
"""What no retry helps."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the job needs from outside, and the settings."""

    settings: Settings
    tables: BusinessTables
    incidents: IncidentReader
    store: Store
    metrics: Metrics
    ledger: Ledger

    @property
    def orders(self) -> Orders:
        """Where orders are.

        Raises:
            ValueError: the settings do not say.
        """
        if self.settings.business.orders is None:
            raise ValueError("business.orders: must be given, got nothing")
        return self.settings.business.orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the job.

    Attributes:
        name: its key in the store.
        every: how often it is made.
        wanted: whether the settings ask for it.
        make: makes it for an instant, given what it made last, or one step of the way: what it returns says how far.
        lasts: how old its figures may be and still be shown.
    """

    name: str
    every: timedelta
    wanted: Callable[[Settings], bool]
    make: Callable[[Outside, datetime, Made | None], Made]
    lasts: timedelta

    def due(self, at: datetime) -> datetime:
        """The newest instant that it is due for, not after `at`."""
        return floor(at, self.every)


def roll_up(tick: Tick, outside: Outside, parts: Sequence[Part]) -> None:
    """Make what is due and show what is known; safe to call again.

    Each part is shown as soon as it is made, so that one which dies or hangs takes no other with it. A part that the
    warehouse refuses, or that cannot be computed, is left out, as a retry would not help, and there is no sign of life
    then. What follows a part that could not be made for want of an answer, or has more to make, waits with it.

    Raises:
        UnavailableError: something outside does not answer; the tick must come again for what is left.
        BusyError: another makes a part right now.
    """
    at = tick.scheduled_at
    wanted = [part for part in parts if part.wanted(outside.settings)]
    faults: list[Exception] = []
    waiting = False
    for part in wanted:
        if not waiting:
            waiting = not _made(part, at, outside, faults)
        _show(part, at, outside)
    for fault in faults:
        if not isinstance(fault, _HOPELESS):
            raise fault
    if not faults:
        outside.metrics.gauge("aia_heartbeat_timestamp_seconds", at.timestamp(), at=at, function=NAME)


def _made(part: Part, at: datetime, outside: Outside, faults: list[Exception]) -> bool:
    """Make a part where it is due; whether those after it may be made."""
    try:
        return _advance(part, part.due(at), outside)
    except (UnavailableError, BusyError, ConflictError) as error:
        log.warning("not made: %s: %s", part.name, error, extra=fields(part=part.name))
        faults.insert(0, error)
        return False
    except Exception as error:
        log.exception("not made: %s", part.name, extra=fields(part=part.name))
        faults.append(error)
        return True


def _advance(part: Part, due: datetime, outside: Outside) -> bool:
    """Make what is missing of a part up to an instant; whether nothing is then."""
    if not _lacks(part, due, outside):
        return True
    outside.ledger.alone(f"{NAME}:{part.name}", functools.partial(_steps, part, due, outside), lease=LEASE)
    finished = not _lacks(part, due, outside)
    if not finished:
        log.info("goes on at the next tick: %s", part.name, extra=fields(part=part.name))
    return finished


def _lacks(part: Part, due: datetime, outside: Outside) -> bool:
    before = load(outside.store, part.name)
    return before is None or before.due < due


def _steps(part: Part, due: datetime, outside: Outside) -> None:
    for _ in range(STEPS):
        before = load(outside.store, part.name)
        if before is not None and before.due >= due:
            return
        save(outside.store, part.name, part.make(outside, due, before))


def _show(part: Part, at: datetime, outside: Outside) -> None:
    """Show what the part made; what was made for a later instant has been shown by a later tick."""
    made = load(outside.store, part.name)
    if made is None or made.due > at:
        return
    show(outside.metrics, made.reach, at)  # also when the figures are too old to be shown
    if at - made.due <= part.lasts:
        show(outside.metrics, made.figures, at)
