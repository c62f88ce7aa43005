"""The bus: Pub/Sub, through its official publisher client."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Final

import google.auth.exceptions
import msgspec
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

from core.errors import UnavailableError
from core.events import Event, Finding
from functions.adapters.events import encode
from functions.adapters.ports import Data

ATTEMPT_SECONDS: Final = 5.0
"""How long one attempt to publish may take."""
TOTAL_SECONDS: Final = 15.0
"""How long all attempts together may take; well under the least ack deadline of a function."""
BATCH: Final = 200
"""How many events one request carries where there are many."""
_MOST_BYTES = 9_000_000
"""Of a batch; Pub/Sub takes 10 MB."""
_GATHERING_SECONDS = 0.2
"""How long a batch that is not full waits for more: cut in two while it is being filled, its parts might overtake each other."""

_PASSING = if_exception_type(
    exceptions.Aborted,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)


class PubsubBus:
    """Publishes events to the topics of one project.

    An event is sent by itself and at once: a function publishes few, and waits for each. Where there are many at once,
    as in a foreign body, they are sent in batches.

    Args:
        project: whose topics they are.
        client: the official client, which sends at once.
        connect_batching: opens the one that sends a whole batch at once, when there is need of it.
        patience: seconds until it is taken to be unavailable.
    """

    def __init__(
        self, project: str, client: PublisherClient, connect_batching: Callable[[], PublisherClient], patience: float
    ) -> None:
        self._project = project
        self._client = client
        self._connect_batching = connect_batching
        self._patience = patience

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        """Publish an event and return when the bus has it.

        Args:
            topic: the topic's short name.
            event: what is published; subscriptions filter on its `type`, `version` and `id` as well, and on the
                `severity` of findings.
            attributes: further ones to filter on.

        Raises:
            UnavailableError: the bus did not take the event; the message names the topic and where it was sought.
        """
        path = self._client.topic_path(self._project, topic)
        with _told(path):
            future = self._client.publish(path, encode(event), **(_attributes(event) | attributes))
            future.result(timeout=self._patience + 1)

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Publish many events, in their order, and return when the bus has all of them.

        A batch is one request, and the next one is sent when the bus has it: else they might overtake each other.

        Args:
            topic: the topic's short name.
            events: what is published, as by `publish`.

        Raises:
            UnavailableError: the bus did not take all of them, perhaps the first ones.
        """
        self._publish_many(topic, [(encode(event), _attributes(event)) for event in events])

    def publish_rows(self, topic: str, rows: Sequence[Data], **attributes: str) -> None:
        """Publish rows of a table and return when the bus has all of them.

        Args:
            topic: the topic's short name.
            rows: each a message: names of columns to values; instants are aware datetimes.
            attributes: by which the subscription that writes the table filters.

        Raises:
            UnavailableError: the bus did not take all of them, perhaps some.
        """
        self._publish_many(topic, [(msgspec.json.encode(row), attributes) for row in rows])

    def _publish_many(self, topic: str, messages: Sequence[tuple[bytes, dict[str, str]]]) -> None:
        path = self._client.topic_path(self._project, topic)
        for start in range(0, len(messages), BATCH):
            with _told(path):
                batch = messages[start : start + BATCH]
                futures = [self._batching.publish(path, data, **attributes) for data, attributes in batch]
                for future in futures:
                    future.result(timeout=self._patience + 1)

    @cached_property
    def _batching(self) -> PublisherClient:
        return self._connect_batching()


def open_bus(project: str, *, patience: float = TOTAL_SECONDS) -> PubsubBus:
    """The bus of a project, where `PUBSUB_EMULATOR_HOST` says, or at Google.

    Args:
        project: whose topics they are.
        patience: seconds until the bus is taken to be unavailable, all attempts together.
    """
    retry = Retry(predicate=_PASSING, initial=0.1, maximum=2.0, multiplier=2.0, timeout=patience)
    options = PublisherOptions(retry=retry, timeout=min(ATTEMPT_SECONDS, patience))

    def connect(batches: BatchSettings) -> PublisherClient:
        return PublisherClient(batch_settings=batches, publisher_options=options)

    at_once = BatchSettings(max_messages=1, max_latency=0)
    together = BatchSettings(max_messages=BATCH, max_bytes=_MOST_BYTES, max_latency=_GATHERING_SECONDS)
    return PubsubBus(project, connect(at_once), lambda: connect(together), patience)


def _attributes(event: Event) -> dict[str, str]:
    own = {"type": event.TYPE, "version": str(event.VERSION), "id": event.id}
    return own | {"severity": event.severity.value} if isinstance(event, Finding) else own


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the client raises, as the port has it."""
    try:
        yield
    except (exceptions.GoogleAPIError, google.auth.exceptions.GoogleAuthError, TimeoutError) as error:
        raise UnavailableError(f"bus: {path} at {_endpoint()}: {type(error).__name__}: {error}") from error


def _endpoint() -> str:
    return os.environ.get("PUBSUB_EMULATOR_HOST", "pubsub.googleapis.com")
