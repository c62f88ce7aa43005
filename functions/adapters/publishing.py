"""Requests to publish: whole batches straight to Pub/Sub's API, no futures and no thread a message."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1 import PublisherClient as Api
from google.pubsub_v1.types import PublishRequest

from functions.adapters.message import Message

BATCH_MESSAGES: Final = 1000
BATCH_BYTES: Final = 9_000_000
"""Pub/Sub refuses requests of more than 1000 messages or 10 MB; attributes and framing take their share."""

_OVERHEAD_BYTES = 64
_PASSING = if_exception_type(
    exceptions.Aborted,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Cut the messages into requests that Pub/Sub accepts, in their order."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        bytes_ = len(message.data) + _OVERHEAD_BYTES
        if batch and (len(batch) == BATCH_MESSAGES or size + bytes_ > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += bytes_
    if batch:
        yield batch


def patient(seconds: float) -> Retry:
    """Try again for some seconds what may pass."""
    return Retry(predicate=_PASSING, initial=0.1, maximum=2.0, multiplier=2.0, timeout=seconds)


def send(client: PublisherClient, path: str, batch: Sequence[Message], *, retry: Retry, timeout: float) -> None:
    """Publish a batch with one request, and return when Pub/Sub has all of it.

    Args:
        client: Google's client; it honours `PUBSUB_EMULATOR_HOST`.
        path: of the topic, as in `projects/p/topics/telemetry`.
        batch: one of `batches`.
        retry: how a request that failed is tried again.
        timeout: seconds that one attempt may take.

    Raises:
        GoogleAPIError: Pub/Sub did not take it.
    """
    raw = PublishRequest.pb()(topic=path)  # the wrapped class costs several times as much a message
    for message in batch:
        raw.messages.add(data=message.data, attributes=message.attributes)
    # The client's own `publish` takes one message and gathers in threads; its base class speaks the API itself.
    Api.publish(client, request=PublishRequest.wrap(raw), retry=retry, timeout=timeout)
