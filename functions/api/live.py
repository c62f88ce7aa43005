"""`/v1/live`: the changes as server-sent events, or over a WebSocket, by the same messages.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from werkzeug.exceptions import Unauthorized

from core.errors import UnavailableError
from core.live.changes import topics_of
from functions.adapters.ports import Clock
from functions.api import reply
from functions.api.identity import AGAIN, CALLER, Caller
from functions.api.live_hub import Client, FullError, Hub, Message
from functions.api.request import Request, of_scope

log = logging.getLogger(__name__)
PATH = "/v1/live"
RETRY_SECONDS = 10
"""When to come again to an instance that is full."""
LONGEST = timedelta(minutes=55)
"""Of a connection: Cloud Run ends it after an hour."""
SPREAD = timedelta(minutes=5)
"""By which connections end at different times, so that not all come again at once."""
SEND_SECONDS = 60.0
"""How long a client may take to read what it was sent before it is given up."""
_AGAIN_MS = (500, 3000)
CHECK_SECONDS = 60.0
"""How often it is found out again whether who watches still may."""
_POLICY, _LATER, _AGAIN, _REVOKED = 1008, 1013, 1012, 3000
"""Codes of a WebSocket: refused, full, come again, and unauthorized (https://www.iana.org/assignments/websocket)."""
_LONGEST_REASON = 123
"""Bytes that a WebSocket can be closed with."""
Deliver = Callable[[Message], Awaitable[None]]
Again = Callable[[], Awaitable[Caller]]


@dataclass(frozen=True, slots=True)
class Live:
    """Answers those who watch; who may is decided before.

    Attributes:
        hub: has the changes.
        clock: now.
    """

    hub: Hub
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, until it ends."""
        request = of_scope(scope)
        answer = _over_socket if scope["type"] == "websocket" else _as_events
        if scope["type"] == "http" and request.method != "GET":
            refused = reply.error(HTTPStatus.METHOD_NOT_ALLOWED, f"method: must be GET, got {request.method}")
            refused.headers["Allow"] = "GET"
            await refused(scope, receive, send)
            return
        await answer(self, request, scope, receive, send)

    async def join(self, request: Request, caller: Caller) -> Client:
        """The client of a request; raises as `Hub.join`, and `ValueError` for topics that there are not."""
        topics = topics_of(request.args.get("topics", ""))
        after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        return await self.hub.join(topics, after, self._until(caller), caller.person)

    async def deliver(self, client: Client, receive: Receive, left: str, send: Deliver, again: Again) -> bool:
        """Send messages while the client reads them, until it leaves by an event of that name; whether it is there still.

        Args:
            client: who watches.
            receive: what it sends.
            left: the event by which it leaves.
            send: sends it a message.
            again: finds out who it is; raises where what shows that does no longer.
        """
        tasks = [asyncio.create_task(one) for one in (_watch(client, receive, left), _check(client, again))]
        try:
            async with aclosing(self.hub.messages(client)) as messages:
                async for message in messages:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send(message)
        except (TimeoutError, OSError):  # it does not read, or is gone
            return False
        finally:
            self.hub.leave(client)
            for one in tasks:
                one.cancel()
        return not client.gone

    def _until(self, caller: Caller) -> datetime:
        latest = self.clock() + LONGEST - random.random() * SPREAD  # noqa: S311 - spreads load
        return latest if caller.until is None else min(latest, caller.until)


async def _as_events(live: Live, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        client = await live.join(request, scope["state"][CALLER])
    except ValueError as error:
        await reply.error(HTTPStatus.BAD_REQUEST, str(error))(scope, receive, send)
        return
    except FullError:
        refused = reply.error(HTTPStatus.TOO_MANY_REQUESTS, "live: too many connections; come again later")
        refused.headers["Retry-After"] = str(RETRY_SECONDS)
        await refused(scope, receive, send)
        return
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ]

    async def deliver(message: Message) -> None:
        await send({"type": "http.response.body", "body": event_of(message), "more_body": True})

    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if await live.deliver(client, receive, "http.disconnect", deliver, scope["state"][AGAIN]):
        await send({"type": "http.response.body", "body": b""})


async def _over_socket(live: Live, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # that it wants to connect
    await send({"type": "websocket.accept"})
    try:
        client = await live.join(request, scope["state"][CALLER])
    except ValueError as error:
        reason = str(error).encode()[:_LONGEST_REASON].decode(errors="ignore")
        await send({"type": "websocket.close", "code": _POLICY, "reason": reason})
        return
    except FullError:
        why = f"too many connections; come again after {RETRY_SECONDS} s"
        await send({"type": "websocket.close", "code": _LATER, "reason": why})
        return

    async def deliver(message: Message) -> None:
        await send({"type": "websocket.send", "text": text_of(message)})

    if await live.deliver(client, receive, "websocket.disconnect", deliver, scope["state"][AGAIN]):
        code, why = (_REVOKED, "revoked") if client.refused else (_AGAIN, "come again")
        await send({"type": "websocket.close", "code": code, "reason": why})


async def _watch(client: Client, receive: Receive, left: str) -> None:
    """Read what a client sends, which means nothing, until it leaves."""
    while (await receive())["type"] != left:
        pass
    client.leave()


async def _check(client: Client, again: Again) -> None:
    """Find out now and then whether a client still may watch, until it may not; while that cannot be found out, it may."""
    while True:
        await asyncio.sleep(CHECK_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load
        try:
            await again()
        except Unauthorized:
            client.refuse()
            return
        except UnavailableError as error:
            log.warning("live: %s", error)


def event_of(message: Message) -> bytes:
    r"""A message as a server-sent event; one that ends the connection says when to come again.

    >>> event_of(Message("changes", "1-a", b'{"changes":[]}'))
    b'id: 1-a\nevent: changes\ndata: {"changes":[]}\n\n'
    """
    name = f"id: {message.id}\n" if message.id else ""
    retry = f"retry: {random.randint(*_AGAIN_MS)}\n" if message.event == "bye" else ""  # noqa: S311 - spreads load
    return f"{name}{retry}event: {message.event}\ndata: ".encode() + message.data + b"\n\n"


def text_of(message: Message) -> str:
    """A message as it goes over a WebSocket.

    >>> text_of(Message("beat", "1-a", b'{"live":true}'))
    '{"type":"beat","id":"1-a","data":{"live":true}}'
    """
    return f'{{"type":"{message.event}","id":"{message.id}","data":{message.data.decode()}}}'
