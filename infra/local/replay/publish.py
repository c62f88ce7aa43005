"""Publishes the messages of a history in bulk."""

from collections.abc import Callable, Iterable

from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient

from core.errors import UnavailableError
from functions.adapters.bus import batches, patient, send
from functions.adapters.ports import PubsubMessage

_ATTEMPT_SECONDS = 60.0


def publish(
    messages: Iterable[PubsubMessage],
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
        progress: called after each batch with the total number of acknowledged messages.
        timeout: for how many seconds a batch is tried again while Pub/Sub does not answer.

    Returns:
        How many messages were published.

    Raises:
        UnavailableError: Pub/Sub did not take a batch in time; the batches before it are published.
        GoogleAPICallError: Pub/Sub refused a batch, as where the topic is missing.
    """
    retry, published = patient(timeout), 0
    for batch in batches(messages):
        try:
            send(publisher, topic_path, batch, retry=retry, timeout=_ATTEMPT_SECONDS)
        except exceptions.RetryError as error:
            raise UnavailableError(f"Pub/Sub: {topic_path} took no messages for {timeout:g} s: {error}") from error
        published += len(batch)
        progress(published)
    return published
