"""The bus: Pub/Sub, through its official publisher client."""

import os
from typing import Final

import google.auth.exceptions
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

from core.errors import UnavailableError
from core.events import Event, Finding
from functions.adapters.events import encode

ATTEMPT_SECONDS: Final = 5.0
"""How long one attempt to publish may take."""
TOTAL_SECONDS: Final = 15.0
"""How long all attempts together may take; well under the least ack deadline of a function."""

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

    Every event is sent by itself and at once: a function publishes few, and waits for each.

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
            event: what is published; subscriptions filter on its `type`, `version` and `id` as well, and on the `severity` of findings.
            attributes: further ones to filter on.

        Raises:
            UnavailableError: the bus did not take the event; the message names the topic and where it was sought.
        """
        path = self._client.topic_path(self._project, topic)
        own = {"type": event.TYPE, "version": str(event.VERSION), "id": event.id}
        if isinstance(event, Finding):
            own["severity"] = event.severity.value
        try:
            self._client.publish(path, encode(event), **(own | attributes)).result(timeout=self._patience + 1)
        except (exceptions.GoogleAPIError, google.auth.exceptions.GoogleAuthError, TimeoutError) as error:
            raise UnavailableError(f"bus: {path} at {_endpoint()}: {type(error).__name__}: {error}") from error


def open_bus(project: str, *, patience: float = TOTAL_SECONDS) -> PubsubBus:
    """The bus of a project, where `PUBSUB_EMULATOR_HOST` says, or at Google.

    Args:
        project: whose topics they are.
        patience: seconds until the bus is taken to be unavailable, all attempts together.
    """
    retry = Retry(predicate=_PASSING, initial=0.1, maximum=2.0, multiplier=2.0, timeout=patience)
    batches = BatchSettings(max_messages=1, max_latency=0)
    options = PublisherOptions(retry=retry, timeout=min(ATTEMPT_SECONDS, patience))
    return PubsubBus(project, PublisherClient(batch_settings=batches, publisher_options=options), patience)


def _endpoint() -> str:
    return os.environ.get("PUBSUB_EMULATOR_HOST", "pubsub.googleapis.com")
