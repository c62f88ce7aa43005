"""Waits for what is being started: a warehouse that was killed is started again, and its tables are made meanwhile."""

import logging
import time
from collections.abc import Callable

from google.api_core import exceptions

log = logging.getLogger(__name__)
_PASSING = (exceptions.NotFound, exceptions.ServerError, exceptions.TooManyRequests, exceptions.RetryError, OSError)
"""What passes: the warehouse starts, is started again, or does not have its tables yet."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


def patiently(what: str, act: Callable[[], object]) -> None:
    """Do it until it succeeds: a warehouse that is away is started again, and its tables are made while it is waited for."""
    pause = _FIRST_PAUSE
    while True:
        try:
            act()
        except _PASSING as error:
            log.info("%s: tried again in %g s: %s", what, pause, error)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
