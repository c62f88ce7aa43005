"""One check of upkeep: reads, takes the verdict, and holds up nothing else, whatever cannot be read."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from core.errors import AiaError, QueryError, UnavailableError
from core.maintenance.checks import Check, observation
from core.text import clean
from functions.services.detection import Tracker
from functions.services.steps import Step

log = logging.getLogger(__name__)
Read = Callable[[], Sequence[str]]
"""Gives a line for each thing that must not be."""


UNREAD = (QueryError, UnavailableError)
"""What says that something cannot be read."""


def step(
    tracker: Tracker, check: Check, read: Read, due: datetime, unread: tuple[type[AiaError], ...] = UNREAD
) -> Step:
    """The step of a check.

    Args:
        tracker: counts the verdict.
        check: what it looks at.
        read: gives what it finds.
        due: the instant that it is due.
        unread: the errors after which the verdict is not known; others end the step.
    """
    return Step(check.kind, partial(_do, tracker, check, read, due, unread))


def _do(tracker: Tracker, check: Check, read: Read, due: datetime, unread: tuple[type[AiaError], ...]) -> str:
    found, fault = None, ""
    try:
        found = read()
    except unread as error:
        log.warning("%s: %s", check.kind, error)
        fault = str(error)
    tracker.track(observation(check, found, due, fault))
    if found is None:
        return f"not known: {check.what}"
    return f"{len(found)}: {check.what}" + (f" ({clean('; '.join(found))})" if found else "")
