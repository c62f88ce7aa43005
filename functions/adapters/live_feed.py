"""The changes as an instance gets them: by a subscription of its own, and from the log in the store.

The subscription is created when somebody watches, and deleted when nobody does any more; one whose instance was killed
expires after a day without anybody who pulls.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import google.auth.exceptions
import msgspec
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud.pubsub_v1 import SubscriberClient
from google.cloud.pubsub_v1.types import FlowControl

from core.errors import UnavailableError
from core.live.changes import Entry
from core.live.log import MOST
from functions.adapters.changes import COLLECTION, TOPIC, read_entry, read_message
from functions.adapters.ports import Store
from functions.adapters.store import every

log = logging.getLogger(__name__)
LABELS: Final = {"aia": "live"}
EXPIRES_SECONDS: Final = 86_400
"""As short as Pub/Sub allows."""
RETAINED_SECONDS: Final = 600
"""As short as Pub/Sub allows, and what the log has as well."""
_ACK_SECONDS = 10
_PATIENCE, _CLOSING = 5.0, 1.0
_PAGE = 1000
_ERRORS = (GoogleAPIError, google.auth.exceptions.GoogleAuthError)
Take = Callable[[Iterable[Entry]], object]


class Feed:
    """One instance's subscription, and the log.

    Args:
        project: whose topic it is.
        store: has the log.
        take: gets each entry that arrives, in a thread of the client's.
    """

    def __init__(self, project: str, store: Store, take: Take) -> None:
        self._project = project
        self._store = store
        self._take = take
        self._client: Any = None
        self._stream: Any = None
        self._path = ""

    def check(self) -> bool:
        """Whether the subscription is there still; else it is created, and what was published before is in the log alone.

        Raises:
            UnavailableError: the bus does not answer.
        """
        try:
            return self._check()
        except _ERRORS as error:
            raise UnavailableError(f"bus: {TOPIC}: {type(error).__name__}: {error}") from error

    def read(self, after: str) -> list[Entry]:
        """The entries of the log that come after an id, at most `MOST`.

        Raises:
            UnavailableError: the store does not answer.
        """
        return [read_entry(one) for one in islice(every(self._store, COLLECTION, after=after, page=_PAGE), MOST)]

    def close(self) -> None:
        """Stop, and delete the subscription."""
        if self._client is None:
            return
        client, stream, path = self._client, self._stream, self._path
        self._client = self._stream = None
        with suppress(*_ERRORS):  # it expires
            client.delete_subscription(subscription=path, timeout=_CLOSING, retry=None)
        if stream is not None:
            stream.cancel()
            with suppress(Exception):
                stream.result(timeout=_CLOSING)
        # Where the bus is gone, this waits for an attempt to reach it again: nothing else has to.
        threading.Thread(target=client.close, name="live", daemon=True).start()

    def _check(self) -> bool:
        if self._client is None:
            self._client = SubscriberClient()
        if self._stream is not None and not self._stream.done():
            with suppress(NotFound):
                self._client.get_subscription(subscription=self._path, timeout=_PATIENCE, retry=None)
                return True
        self._create()
        return False

    def _create(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
        self._path = self._client.subscription_path(self._project, f"live-{secrets.token_hex(6)}")
        request = {
            "name": self._path,
            "topic": f"projects/{self._project}/topics/{TOPIC}",
            "labels": LABELS,
            "ack_deadline_seconds": _ACK_SECONDS,
            "message_retention_duration": {"seconds": RETAINED_SECONDS},
            "expiration_policy": {"ttl": {"seconds": EXPIRES_SECONDS}},
        }
        self._client.create_subscription(request=request, timeout=_PATIENCE, retry=None)
        flow = FlowControl(max_messages=1000)
        self._stream = self._client.subscribe(self._path, self._arrived, flow_control=flow)

    def _arrived(self, message: Any) -> None:  # noqa: ANN401 - the client's own class
        message.ack()
        try:
            self._take([read_message(message.data)])
        except msgspec.MsgspecError as error:
            log.warning("%s: not a change: %s", message.message_id, error)
