"""Waits for programs that start or restart."""

import logging
import time
from collections.abc import Callable

from google.api_core import exceptions

log = logging.getLogger(__name__)
_PASSING = (exceptions.NotFound, exceptions.ServerError, exceptions.TooManyRequests, exceptions.RetryError, OSError)
"""What passes: the warehouse starts, is started again, or does not have its tables yet."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


def patiently(what: str, act: Callable[[], object], stopped: Callable[[], bool] = lambda: False) -> None:
    """Retry until it succeeds, or until the deadline.

    Args:
        what: is done, for the log.
        act: does it; called again after what may pass.
        stopped: whether it is given up.
    """
    pause = _FIRST_PAUSE
    while not stopped():
        try:
            act()
        except _PASSING as error:
            log.info("%s: retried in %g s: %s", what, pause, error)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
