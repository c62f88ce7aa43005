"""An HTTP server that answers every request alike, and keeps what it was asked."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import flask
from werkzeug.test import EnvironBuilder


@dataclass(frozen=True)
class Answering:
    """A running server.

    Attributes:
        url: where it listens.
        requests: as functions-framework would give them.
    """

    url: str
    requests: list[flask.Request] = field(default_factory=list)


@contextmanager
def answering(status: int = 200, body: bytes = b"") -> Iterator[Answering]:
    """Serve until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            environ = EnvironBuilder(self.path, method=self.command, data=asked, headers=[*self.headers.items()])
            running.requests.append(flask.Request(environ.get_environ()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Answering(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
