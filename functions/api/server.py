"""uvicorn around the API, with the same options wherever it is started."""

import asyncio
import os
import socket
import struct

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_IDLE_SECONDS = 75
"""How long a connection without requests is kept: longer than browsers and Google's front end keep theirs."""
_STOPPING_SECONDS = 8
"""How long requests may go on after SIGTERM: Cloud Run waits for ten."""
HEADERS_SECONDS = 10.0
"""How long the headers of a request may take, as a body may."""
UNREAD_SECONDS = 60.0
"""How long a client may read nothing of what waits for it, of an ordinary answer too."""
_RESET = struct.pack("ii", 1, 0)
_OPEN_CONNECTIONS = 1000
_LARGEST_HEADERS = 65_536
_LARGEST_SENT = 1024
"""Bytes of a message over a WebSocket: nobody has anything to say there."""
_TOLD_SECONDS = 0.2
"""How long it takes at most to tell everybody."""


class InTime(H11Protocol):
    """Requests over a connection by h11, which bounds the size of their headers, and within times, which uvicorn does not bound."""

    _late: asyncio.TimerHandle | None = None
    _next_look: asyncio.TimerHandle | None = None
    _waiting = 0
    """Bytes that waited for the client when it was last looked."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """The headers of the first request are awaited."""
        super().connection_made(transport)
        self._await_headers()
        self._look_again()

    def data_received(self, data: bytes) -> None:
        """The headers are there, or a part of them."""
        super().data_received(data)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        super().connection_lost(exc)
        self._stop()
        if self._next_look:
            self._next_look.cancel()

    def _look(self) -> None:
        """Give a client up that has read nothing since the last time, though something waited for it, also to be closed."""
        before, self._waiting = self._waiting, self.transport.get_write_buffer_size()
        if before and self._waiting == before:
            # Reset: else the system goes on to offer what it has of the answer.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        elif self._waiting or not self.transport.is_closing():
            self._look_again()

    def _look_again(self) -> None:
        self._next_look = self.loop.call_later(UNREAD_SECONDS / 2, self._look)

    def _await_headers(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._late is None:
            self._late = self.loop.call_later(HEADERS_SECONDS, self.timeout_keep_alive_handler)

    def _stop(self) -> None:
        if self._late:
            self._late.cancel()
        self._late = None


def config(application: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """The options."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http=InTime,
        lifespan="off",  # everything opens at its first use
        access_log=False,  # an address may have the token of a survey or a session
        log_config=None,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is what the client says, and limits count by the address
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_STOPPING_SECONDS,
        limit_concurrency=_OPEN_CONNECTIONS,
        h11_max_incomplete_event_size=_LARGEST_HEADERS,
        ws_max_size=_LARGEST_SENT,
        ws_per_message_deflate=False,  # what is sent is short, and to many
    )


class Server(uvicorn.Server):
    """A server that tells those whose connections stay open when it is about to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: by `stop` of the application's state, then as uvicorn does."""
        if stop := getattr(getattr(self.config.app, "state", None), "stop", None):
            stop()
            await asyncio.sleep(_TOLD_SECONDS)
        await super().shutdown(sockets)


def run(application: ASGIApp) -> None:
    """Serve until SIGTERM at `PORT`, as Cloud Run gives it, on every interface, or on that of `HOST`."""
    host = os.environ.get("HOST", "0.0.0.0")  # noqa: S104 - a container is reached through its interface
    Server(config(application, host=host, port=int(os.environ.get("PORT", "8080")))).run()
