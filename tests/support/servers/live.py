"""An instance of the API on a port, and those who watch it: server-sent events as the standard reads them, and WebSockets."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from functions.api import asgi
from functions.api.server import Server, config
from tests.support.fakes.live import FakeChanges

PATIENCE = 20
"""Seconds."""


class Instance:
    """An instance of the API on a port."""

    def __init__(self, changes: FakeChanges, **options: Any) -> None:
        given = asgi.Changes(changes.open, lambda: datetime.now(UTC), options.pop("heard", lambda _: None))
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 8192
        )  # so that it matters soon who does not read
        self.host = f"127.0.0.1:{self.listening.getsockname()[1]}"
        services = options.pop("services", lambda: None)
        application = asgi.application(services, changes=given, **options)
        self.sockets = ExitStack()
        self.server = Server(config(application, host="127.0.0.1", port=0))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]})
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)

    def events(self, query: str = "", **headers: str) -> "Events":
        """Server-sent events, closed with the instance."""
        response = requests.get(f"http://{self.host}/v1/live?{query}", headers=headers, stream=True, timeout=PATIENCE)
        return Events(self.sockets.enter_context(response))

    def socket(self, query: str = "", **options: Any) -> ClientConnection:
        """A WebSocket, closed with the instance."""
        path = f"ws://{self.host}/v1/live?{query}"
        return self.sockets.enter_context(connect(path, open_timeout=PATIENCE, proxy=None, **options))


class Events:
    """Reads server-sent events as the standard says."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.lines = response.iter_lines(chunk_size=None, decode_unicode=True)

    def next(self) -> dict[str, Any]:
        fields: dict[str, str] = {}
        for line in self.lines:
            if not line:
                break
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields | {"data": json.loads(fields["data"])} if fields else {}

    def until(self, event: str) -> dict[str, Any]:
        while (got := self.next()).get("event") != event:
            assert got, f"ended before {event}"
        return got


def keys(message: dict[str, Any]) -> list[str]:
    return [one["key"] for one in message["data"]["changes"]]


@contextmanager
def running(changes: FakeChanges, **options: Any) -> Iterator[Instance]:
    instance = Instance(changes, **options)
    try:
        yield instance
    finally:
        instance.stop()
        instance.sockets.close()
