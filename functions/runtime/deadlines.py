"""When the request of a function is given up, by its environment."""

import logging
import os
from functools import cache

import msgspec

log = logging.getLogger(__name__)
TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"
"""The timeout of every function of the process, in seconds."""
TIMEOUTS = "AIA_TIMEOUTS"
"""A JSON object: functions of the process to the timeout of each in seconds."""
ACKNOWLEDGEMENT = "AIA_ACK_DEADLINES"
"""A JSON object: names of push subscriptions to their acknowledgement deadlines in seconds."""


def of_function(name: str) -> float | None:
    """Seconds until a request of a function is ended from outside; None where the environment says none."""
    given = os.environ.get(TIMEOUT, "")
    of_all = float(given) if given.isdigit() and int(given) else None
    own = _seconds(TIMEOUTS, os.environ.get(TIMEOUTS, "")).get(name)
    return min((seconds for seconds in (of_all, own) if seconds), default=None)


def of_subscription(name: str) -> float | None:
    """Seconds until Pub/Sub delivers a message of a subscription again; None where the environment does not say."""
    return _seconds(ACKNOWLEDGEMENT, os.environ.get(ACKNOWLEDGEMENT, "")).get(name)


@cache
def _seconds(variable: str, given: str) -> dict[str, float]:
    try:
        return msgspec.json.decode(given or "{}", type=dict[str, float])
    except msgspec.MsgspecError as error:
        log.warning("%s: must be a JSON object of names to seconds: %s", variable, error)
        return {}
