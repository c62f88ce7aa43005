"""An ASGI application as a WSGI one: werkzeug's test client asks it, without a server.

All requests of a test run share one event loop, as those of a server do; it runs in a thread of its own.
"""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message
from werkzeug.test import Client

from tests.support.web.conforming import check


class OverAsgi:
    """Hands each request to an ASGI application.

    Args:
        application: asked over ASGI.
    """

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    def test_client(self, *, use_cookies: bool = True) -> Client:
        """A client that asks it."""
        return Client(self, use_cookies=use_cookies)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as WSGI has it."""
        sent: list[Message] = []
        asyncio.run_coroutine_threadsafe(self._ask(environ, sent), _loop()).result()
        start, *rest = sent
        self._check(environ, start, rest)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        start_response(f"{start['status']} {HTTPStatus(start['status']).phrase}", headers)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [message.get("body", b"") for message in rest]

    def _check(self, environ: dict[str, Any], start: Message, rest: list[Message]) -> None:
        """Fail where the answer is not as the document of the API has it; a packed one is asked for elsewhere as it is."""
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
        if environ["REQUEST_METHOD"] != "HEAD" and "content-encoding" not in headers:
            body = b"".join(message.get("body", b"") for message in rest)
            path = _scope(environ)["path"]
            check(environ["REQUEST_METHOD"], path, start["status"], headers.get("content-type", ""), body)

    async def _ask(self, environ: dict[str, Any], sent: list[Message]) -> None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        arriving = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return arriving.pop() if arriving else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.application(_scope(environ), receive, send)


def _scope(environ: dict[str, Any]) -> dict[str, Any]:
    path = (environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path,
        "root_path": "",
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _headers(environ)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def _headers(environ: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name.removeprefix("HTTP_").replace("_", "-").lower(), value
        elif name in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
            yield name.replace("_", "-").lower(), value


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="asgi", daemon=True).start()
    return loop
