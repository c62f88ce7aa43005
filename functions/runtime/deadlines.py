"""When the request of a function is given up, by its environment."""

import logging
import os
from functools import cache

import msgspec

log = logging.getLogger(__name__)
TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"
"""The timeout of the function."""
ACKNOWLEDGEMENT = "AIA_ACK_DEADLINES"
"""A JSON object: names of push subscriptions to their acknowledgement deadlines in seconds."""


def of_function() -> float | None:
    """Seconds until Cloud Run answers in place of the function; None where the environment says none."""
    given = os.environ.get(TIMEOUT, "")
    return float(given) if given.isdigit() and int(given) else None


def of_subscription(name: str) -> float | None:
    """Seconds until Pub/Sub delivers a message of a subscription again; None where the environment does not say."""
    return _deadlines(os.environ.get(ACKNOWLEDGEMENT, "")).get(name)


@cache
def _deadlines(given: str) -> dict[str, float]:
    try:
        return msgspec.json.decode(given or "{}", type=dict[str, float])
    except msgspec.MsgspecError as error:
        log.warning("%s: must be a JSON object of names to seconds: %s", ACKNOWLEDGEMENT, error)
        return {}
