"""uvicorn around the API, with the same options wherever it is started."""

import asyncio
import os
import socket

import uvicorn
from starlette.types import ASGIApp

_IDLE_SECONDS = 75
"""How long a connection without requests is kept: longer than browsers and Google's front end keep theirs."""
_STOPPING_SECONDS = 8
"""How long requests may go on after SIGTERM: Cloud Run waits for ten."""
_OPEN_CONNECTIONS = 1000
_LARGEST_HEADERS = 65_536
_LARGEST_SENT = 1024
"""Bytes of a message over a WebSocket: nobody has anything to say there."""
_TOLD_SECONDS = 0.2
"""How long it takes at most to tell everybody."""


def config(application: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """The options."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http="h11",  # which bounds the headers
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
