"""Publishes many messages fast: full batches straight to the API, no futures, no thread a message."""

from collections.abc import Callable, Iterable, Iterator

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1 import PublisherClient as Api
from google.pubsub_v1.types import PublishRequest

from core.errors import UnavailableError
from infra.local.replay.history import Message

BATCH_MESSAGES = 1000
BATCH_BYTES = 9_000_000
"""Pub/Sub refuses requests of more than 1000 messages or 10 MB; attributes and framing take their share."""

_OVERHEAD_BYTES = 64
_PASSING = (
    exceptions.Aborted,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
)


def publish(
    messages: Iterable[Message],
    publisher: PublisherClient,
    topic_path: str,
    progress: Callable[[int], None] = lambda _: None,
    *,
    timeout: float = 120.0,
) -> int:
    """Publish, and return when Pub/Sub has acknowledged every message.

    Args:
        messages: in the order in which they are sent.
        publisher: Google's client; it honours `PUBSUB_EMULATOR_HOST`.
        topic_path: as in `projects/p/topics/telemetry`.
        progress: told after each batch how many were acknowledged in all.
        timeout: for how many seconds a batch is tried again while Pub/Sub does not answer.

    Returns:
        How many messages were published.

    Raises:
        UnavailableError: Pub/Sub did not take a batch in time; the batches before it are published.
    """
    retry = Retry(predicate=if_exception_type(*_PASSING), initial=0.1, maximum=5.0, multiplier=2.0, timeout=timeout)
    published = 0
    for batch in batches(messages):
        try:
            # The client's own `publish` takes one message and batches in threads; its base class speaks the API itself.
            Api.publish(publisher, request=_request(topic_path, batch), retry=retry)
        except (exceptions.RetryError, *_PASSING) as error:
            raise UnavailableError(f"Pub/Sub: {topic_path} took no messages for {timeout:g} s: {error}") from error
        published += len(batch)
        progress(published)
    return published


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


def _request(topic_path: str, batch: list[Message]) -> PublishRequest:
    raw = PublishRequest.pb()(topic=topic_path)  # the wrapped class costs several times as much a message
    for message in batch:
        raw.messages.add(data=message.data, attributes=message.attributes)
    request: PublishRequest = PublishRequest.wrap(raw)
    return request
