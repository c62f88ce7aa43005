"""What a message carries: a request to train a model again."""

from datetime import timedelta

from core.errors import PoisonError
from core.events import RetrainingRequest, stamp
from functions.adapters import events
from functions.runtime.push import Message

AHEAD = timedelta(minutes=10)
"""By so much the clock of who asks may be ahead of that of the bus."""


def read(message: Message) -> RetrainingRequest:
    """The request that a message carries.

    Raises:
        PoisonError: it carries none, or one of an instant that lies in the future, beside which every later one is old.
    """
    request = events.decode(message.data, RetrainingRequest)
    if request.requested_at > message.published_at + AHEAD:
        published_at, given = stamp(message.published_at), stamp(request.requested_at)
        raise PoisonError(f"requested_at: must not be after {published_at}, when it was published, got {given}")
    return request
