"""Delivery to an HTTP endpoint: https://cloud.google.com/pubsub/docs/push#receive_push."""

import asyncio
import base64
import logging
import re
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx
import msgspec

from infra.local.pubsub.answers import Answer, of_error, of_status
from infra.local.pubsub.backlog import Backlog, Item
from infra.local.pubsub.tally import Tally
from infra.local.pubsub.wire import Proto

log = logging.getLogger(__name__)

_HEADERS: Final[dict[str, str]] = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google"}
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_RESERVED: Final = frozenset({"connection", "content-length", "host", "transfer-encoding", "user-agent"})
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Http:
    """The client, the limit of concurrent requests per subscription, and their counters."""

    client: httpx.AsyncClient
    concurrency: int
    tally: Tally


def open_http(concurrency: int, tally: Tally) -> Http:
    """A client that follows nothing and takes nothing from the environment."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(limits=limits, trust_env=False, timeout=None)  # noqa: S113 - see `_post`
    return Http(client, concurrency, tally)


def envelope(item: Item, config: Proto) -> bytes:
    """The body of a push request, with both spellings of what Pub/Sub spells twice."""
    message = item.message
    published = message.publish_time.ToJsonString()
    inner: dict[str, Any] = {
        "attributes": dict(message.attributes),
        "data": base64.b64encode(message.data).decode(),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    outer: dict[str, Any] = {"message": inner, "subscription": config.name}
    if config.HasField("dead_letter_policy"):
        outer["deliveryAttempt"] = item.failures + 1
    return _encoder.encode(outer)


def unwrapped_headers(item: Item, config: Proto) -> dict[str, str]:
    """The metadata of a message whose data alone is the body: https://cloud.google.com/pubsub/docs/payload-unwrapping.

    Attributes that HTTP cannot carry as headers are left out.
    """
    if not config.push_config.no_wrapper.write_metadata:
        return _HEADERS
    message = item.message
    headers = {key.lower(): value for key, value in message.attributes.items() if _is_header(key, value)}
    headers |= {
        "x-goog-pubsub-subscription-name": config.name,
        "x-goog-pubsub-message-id": message.message_id,
        "x-goog-pubsub-publish-time": message.publish_time.ToJsonString(),
    }
    if _is_header("ordering_key", message.ordering_key or "\n"):
        headers["x-goog-pubsub-ordering-key"] = message.ordering_key
    return {key.lower(): value for key, value in _HEADERS.items()} | headers


def _is_header(key: str, value: str) -> bool:
    usable = value.isascii() and value.isprintable() and value == value.strip()
    return bool(_HEADER.fullmatch(key)) and key.lower() not in _RESERVED and usable


class Push:
    """Posts each message to the endpoint; the answer settles it."""

    def __init__(self, config: Proto, backlog: Backlog, http: Http) -> None:
        self._config = config
        self._backlog = backlog
        self._http = http
        http.tally.open(config.name)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled; requests in flight are still settled by their responses."""
        free = asyncio.Semaphore(self._http.concurrency)
        while True:
            await free.acquire()
            (item,) = await self._backlog.wait(1)
            task = asyncio.create_task(self._deliver(item))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            task.add_done_callback(lambda _: free.release())

    async def _deliver(self, item: Item) -> None:
        if self._config.push_config.HasField("no_wrapper"):
            body, headers = item.message.data, unwrapped_headers(item, self._config)
        else:
            body, headers = envelope(item, self._config), _HEADERS
        start = time.monotonic()
        answer = await self._post(body, headers)
        self._http.tally.add(self._config.name, answer, time.monotonic() - start)
        if not answer.fault:
            self._backlog.acknowledge([item.id])
            return
        log.info("%s: message %d, delivery %d: %s", self._config.name, item.id, item.failures + 1, answer.fault)
        self._backlog.fail([item.id])

    async def _post(self, body: bytes, headers: dict[str, str]) -> Answer:
        endpoint = self._config.push_config.push_endpoint
        try:
            async with asyncio.timeout(self._config.ack_deadline_seconds):
                response = await self._http.client.post(endpoint, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return of_error(error, endpoint)
        return of_status(response.status_code, endpoint)
