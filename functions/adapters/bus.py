"""The bus: Pub/Sub, through its official publisher client.

A batch is one request, straight to Pub/Sub's API: no futures, and no thread for each message.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import google.auth.exceptions
import msgspec
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1 import PublisherClient as Api
from google.pubsub_v1.types import PublishRequest

from core.errors import QuotaError
from core.events import Event, Finding
from functions.adapters import request_deadline
from functions.adapters.events import encode
from functions.adapters.ports import Data, PubsubMessage

ATTEMPT_SECONDS: Final = 5.0
"""How long one attempt to publish may take."""
TOTAL_SECONDS: Final = 15.0
"""How long all attempts together may take; well under the least ack deadline of a function."""
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


class PubsubBus:
    """Publishes events to the topics of one project.

    An event is sent alone and at once: a function publishes few, and waits for each. Many events at once,
    as from one foreign body, are sent in batches.

    Args:
        project: whose topics they are.
        client: the official client.
        patience: seconds until it is taken to be unavailable.
    """

    def __init__(self, project: str, client: PublisherClient, patience: float) -> None:
        self._project = project
        self._client = client
        self._patience = patience

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        """Publish an event and return when the bus has it.

        Args:
            topic: the topic's short name.
            event: the event; subscriptions filter on its `type`, `version` and `id` as well, and on the
                `severity` of findings.
            attributes: further ones to filter on.

        Raises:
            UnavailableError: the bus did not accept the event; the error names the topic and the endpoint.
        """
        self._send(topic, [PubsubMessage(encode(event), _attributes(event) | attributes)])

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Publish many events, in their order, and return when the bus has all of them.

        A batch is one request, and the next one is sent when the bus has it: else they might overtake each other.

        Args:
            topic: the topic's short name.
            events: the events, as for `publish`.

        Raises:
            UnavailableError: the bus did not accept all of them, perhaps the first ones.
        """
        self._send(topic, [PubsubMessage(encode(event), _attributes(event)) for event in events])

    def publish_rows(self, topic: str, rows: Sequence[Data], **attributes: str) -> None:
        """Publish rows of a table and return when the bus has all of them.

        Args:
            topic: the topic's short name.
            rows: each a message: names of columns to values; instants are aware datetimes.
            attributes: by which the subscription that writes the table filters.

        Raises:
            UnavailableError: the bus did not accept all of them, perhaps some.
        """
        self._send(topic, [PubsubMessage(msgspec.json.encode(row), attributes) for row in rows])

    def publish_raw(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        """Publish messages with the bytes and attributes that they have; raises as `publish_all`."""
        self._send(topic, messages)

    def _send(self, topic: str, messages: Sequence[PubsubMessage]) -> None:
        path = self._client.topic_path(self._project, topic)
        for batch in batches(messages):
            seconds = request_deadline.within(self._patience)
            with _port_errors(path):
                send(self._client, path, batch, retry=patient(seconds), timeout=min(ATTEMPT_SECONDS, seconds))


def open_bus(project: str, *, patience: float = TOTAL_SECONDS) -> PubsubBus:
    """The bus of a project, where `PUBSUB_EMULATOR_HOST` says, or at Google.

    Args:
        project: whose topics they are.
        patience: seconds until the bus is taken to be unavailable, all attempts together.
    """
    return PubsubBus(project, PublisherClient(), patience)


def _attributes(event: Event) -> dict[str, str]:
    own = {"type": event.TYPE, "version": str(event.VERSION), "id": event.id}
    return own | {"severity": event.severity.value} if isinstance(event, Finding) else own


@contextmanager
def _port_errors(path: str) -> Iterator[None]:
    """Errors of the client as errors of the port."""
    try:
        yield
    except exceptions.ResourceExhausted as error:
        raise QuotaError(f"bus: {path} at {_endpoint()}: {error}") from error
    except (exceptions.GoogleAPIError, google.auth.exceptions.GoogleAuthError) as error:
        raise request_deadline.no_answer(f"bus: {path} at {_endpoint()}: {type(error).__name__}: {error}") from error


def _endpoint() -> str:
    return os.environ.get("PUBSUB_EMULATOR_HOST", "pubsub.googleapis.com")


def batches(messages: Iterable[PubsubMessage]) -> Iterator[list[PubsubMessage]]:
    """Cut the messages into requests that Pub/Sub accepts, in their order."""
    batch: list[PubsubMessage] = []
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
    """Retry transient errors for some seconds."""
    return Retry(predicate=_PASSING, initial=0.1, maximum=2.0, multiplier=2.0, timeout=seconds)


def send(client: PublisherClient, path: str, batch: Sequence[PubsubMessage], *, retry: Retry, timeout: float) -> None:
    """Publish a batch with one request, and return when Pub/Sub has all of it.

    Args:
        client: Google's client; it honours `PUBSUB_EMULATOR_HOST`.
        path: of the topic, as in `projects/p/topics/telemetry`.
        batch: one of `batches`.
        retry: how a request that failed is tried again.
        timeout: seconds that one attempt may take.

    Raises:
        GoogleAPIError: Pub/Sub did not accept it.
    """
    raw = PublishRequest.pb()(topic=path)  # the wrapped class costs several times as much a message
    for message in batch:
        raw.messages.add(data=message.data, attributes=message.attributes)
    # The client's own `publish` takes one message and gathers in threads; its base class speaks the API itself.
    Api.publish(client, request=PublishRequest.wrap(raw), retry=retry, timeout=timeout)
